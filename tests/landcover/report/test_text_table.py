from landcover.report.text_table import markdown_table, padded, text_table


def test_a_table_has_its_first_column_on_the_left_and_the_others_on_the_right() -> None:
    rows = [("step", "plain s", "ours s"), ("fp32, 256 px", "1.25", "0.5")]
    assert text_table(rows) == "step          plain s  ours s\nfp32, 256 px     1.25     0.5"


def test_more_columns_may_be_texts() -> None:
    rows = [("a", "state", "n"), ("bcd", "x", "10")]
    assert text_table(rows, texts=2) == "a    state   n\nbcd  x      10"
    assert padded(rows, texts=2) == [["a  ", "state", " n"], ["bcd", "x    ", "10"]]


def test_columns_of_markdown_are_as_wide_as_their_widest_cell() -> None:
    assert markdown_table(["", "b", "number"], [["1", "long", "2.0"]]) == (
        "|     | b    | number |\n| --- | ---- | -----: |\n| 1   | long |    2.0 |"
    )
