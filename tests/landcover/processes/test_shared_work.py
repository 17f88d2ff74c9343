import pytest
import torch

from landcover.processes import shared_work
from landcover.processes.group import Processes
from landcover.processes.shared_work import on_demand, results_of_all

ALONE = Processes(0, 1, torch.device("cpu"))


class Second(Processes):
    """The second of two processes, or the first, whose partner takes some items and has some results."""

    def on_demand(self, items):
        return iter([(place, item) for place, item in enumerate(items) if place % 3 == self.rank])

    def gather(self, value):
        return [["A", "C"], value] if self.rank else [value, ["B", "D"]]


def test_alone_every_item_comes_in_order_with_progress(capsys):
    assert list(on_demand("abc", "tiles", 5, ALONE)) == ["a", "b", "c"]
    assert capsys.readouterr() == ("", "tiles: 2/5\ntiles: 5/5, 0 s, 0 s left\n")


def test_the_first_process_shows_what_all_have_begun(capsys):
    assert list(on_demand("abcde", "tiles", 5, Second(0, 2, torch.device("cpu")))) == ["a", "d"]
    assert capsys.readouterr().err == "tiles: 0/5\ntiles: 5/5, 0 s, 0 s left\n"
    assert list(on_demand("abcde", "tiles", 5, Second(1, 2, torch.device("cpu")))) == ["b", "e"]
    assert capsys.readouterr().err == ""


def test_nothing_left_to_do_says_nothing(capsys):
    assert list(on_demand("", "tiles", 4, ALONE)) == []
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("rank", [0, 1])
def test_results_of_all_processes_come_in_the_order_of_the_items(monkeypatch, rank):
    monkeypatch.setattr(shared_work, "own_cores", lambda processes: 2)
    processes = Second(rank, 2, torch.device("cpu"))
    done = []
    results = results_of_all(lambda item: done.append(item) or item.upper(), "abcd", "tiles", processes)
    assert results == ["A", "B", "C", "D"]
    assert sorted(done) == [["a", "c"], ["b", "d"]][rank]
