import pytest

from landcover.processes import progress
from landcover.processes.progress import Progress, track


@pytest.fixture
def clock(monkeypatch):
    class Clock:
        now = 0.0

    monkeypatch.setattr(progress.time, "monotonic", lambda: Clock.now)
    return Clock


def test_items_pass_in_order_and_the_end_is_told(capsys, clock):
    assert list(track("abc", "tiles", 3)) == ["a", "b", "c"]
    assert capsys.readouterr() == ("", "tiles: 0/3\ntiles: 3/3, 0 s, 0 s left\n")


def test_a_quiet_loop_says_nothing(capsys):
    assert list(track("abc", "tiles", 3, quiet=True)) == ["a", "b", "c"]
    assert capsys.readouterr() == ("", "")


def test_a_line_appears_every_quarter_of_a_minute_with_the_time_left(capsys, clock):
    bar = Progress("model", 10)
    for second in (6, 12, 18, 24):
        clock.now = second
        bar.advance(note="loss 1.5")
    bar.close()
    assert capsys.readouterr().err == "model: 0/10\nmodel: 3/10, 18 s, 42 s left, loss 1.5\n"


def test_steps_of_an_earlier_run_count_as_done_but_not_for_the_speed(capsys, clock):
    bar = Progress("model", 10, start=6)
    clock.now = 20.0
    bar.advance(2)
    assert capsys.readouterr().err == "model: 6/10\nmodel: 8/10, 20 s, 20 s left\n"


def test_nothing_left_to_do_says_nothing(capsys):
    assert list(track([], "tiles", 4, start=4)) == []
    assert capsys.readouterr().err == ""


def test_steps_that_others_have_done_are_counted_once(capsys, clock):
    bar = Progress("tiles", 10, start=2)
    bar.reach(5)
    bar.advance()
    bar.reach(6)
    bar.reach(3)
    clock.now = 30.0
    bar.reach(10)
    bar.reach(10)
    assert capsys.readouterr().err == "tiles: 2/10\ntiles: 10/10, 30 s, 0 s left\n"
