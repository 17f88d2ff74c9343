import pytest

from landcover.errors import InputError
from landcover.training.candidates import Candidates, best_line, check_rule, further_path
from landcover.training.evaluation import Evaluation

LINES = [
    {"iteration": 2, "loss": 9.0},
    {"iteration": 2, "a": 0.5, "b": 0.9},
    {"iteration": 4, "a": 0.7, "b": 0.1},
    {"iteration": 6, "a": 0.7, "b": 0.2},
    {"iteration": 8, "a": 0.6, "b": 0.3},
    {"iteration": 8, "loss": 1.0},
]
EVALUATIONS = [Evaluation(("a", "b"), lambda model, processes: {}), Evaluation(("c",), lambda model, processes: {})]


@pytest.mark.parametrize(("rule", "iteration"), [("a", 6), ("b", 2)])
def test_the_largest_value_wins_and_the_later_one_of_equals(rule, iteration):
    best = best_line(LINES, rule)
    assert best is not None and best["iteration"] == iteration
    assert best_line(LINES, "c") is None


def test_rules_are_the_last_iteration_and_everything_that_is_logged():
    for rule in ("last", "a", "b", "c"):
        check_rule(rule, EVALUATIONS, "tiny")
    with pytest.raises(InputError) as refused:
        check_rule("d", EVALUATIONS, "tiny")
    assert str(refused.value) == (
        "model tiny: choose: expected one of last, a, b, c, which are logged for it, found 'd'; "
        "correct TEACHER_OPTIONS, SAR_OPTIONS or the config"
    )
    with pytest.raises(InputError, match="expected one of last, which are logged for it, found 'a'"):
        check_rule("a", [], "tiny")


def test_candidates_that_no_line_needs_are_deleted_and_other_files_stay(tmp_path):
    candidates = Candidates(tmp_path, "a")
    names = [*(f"candidate_{n}.pth" for n in (2, 4, 6, 8, 10)), "iter_4.pth"]
    for name in names:
        (tmp_path / name).touch()
    candidates.prune(LINES)
    # A training that goes on from iteration 4 needs the best until then.
    assert sorted(path.name for path in tmp_path.iterdir()) == ["candidate_4.pth", "candidate_6.pth", "iter_4.pth"]
    (tmp_path / "iter_4.pth").unlink()
    candidates.prune(LINES)
    assert [path.name for path in tmp_path.iterdir()] == ["candidate_6.pth"]
    assert candidates.path(6.0) == tmp_path / "candidate_6.pth"


def test_files_of_further_networks_go_and_stay_with_their_candidate(tmp_path):
    candidates = Candidates(tmp_path, "a", ("optical", "both"))
    for n in (2, 6):
        for path in (candidates.path(n), *(further_path(candidates.path(n), name) for name in candidates.further)):
            path.touch()
    candidates.prune(LINES)
    expected = ["candidate_6.pth", "candidate_6_both.pth", "candidate_6_optical.pth"]
    assert sorted(path.name for path in tmp_path.iterdir()) == expected
