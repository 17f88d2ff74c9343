import math

import pytest

from tools.benchmarks._training_step import disagreement, print_agreement

PLAIN = {"step 1, ce": 2.0, "step 1, Lovasz": 0.9, "step 2, ce": 2.0, "step 2, Lovasz": 0.9}


def test_the_first_step_must_agree_closely_and_the_second_roughly() -> None:
    values = [("source 1", 2.0, 2.0001), ("mix 1", 2.0, 2.0003), ("confident 1", 0.5, 0.5)]
    values += [("source 2", 2.0, 2.01), ("mix 2", 2.0, 1.97), ("confident 2", 0.5, math.nan)]
    assert disagreement(values) == ["mix 1", "mix 2", "confident 2"]


def test_values_of_both_sides_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    print_agreement("same batch", PLAIN, {**PLAIN, "step 2, Lovasz": 0.905})
    assert capsys.readouterr().out == (
        "\n"
        "same batch         plain      ours\n"
        "step 1, ce      2.000000  2.000000\n"
        "step 1, Lovasz  0.900000  0.900000\n"
        "step 2, ce      2.000000  2.000000\n"
        "step 2, Lovasz  0.900000  0.905000\n"
    )


def test_sides_that_compute_something_else_are_not_timed() -> None:
    with pytest.raises(SystemExit, match=r"^error: step 1, Lovasz; step 2, ce: the two sides do not compute the same"):
        print_agreement("same batch", PLAIN, {**PLAIN, "step 1, Lovasz": 0.901, "step 2, ce": 1.9})
