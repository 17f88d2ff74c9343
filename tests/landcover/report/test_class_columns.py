from landcover.classes import ClassScheme
from landcover.report.class_columns import class_heads, class_row

SCHEME = ClassScheme("two", ("grassland", "sea"), ((1, 2, 3), (4, 5, 6)))


def test_names_are_cut_and_values_stand_under_them_in_percent() -> None:
    assert class_heads("IoU in %", "mIoU", SCHEME, 10) == "IoU in %     mIoU  grass    sea"
    assert class_row("first", [0.5, 0.12345, None], 10) == "  first      50.0   12.3      -"
