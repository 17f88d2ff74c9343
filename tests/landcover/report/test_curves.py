from __future__ import annotations

import re
from dataclasses import replace

import numpy as np

from landcover.report.collect import TrainingLog
from landcover.report.curves import _running_mean, training_curves

SHORT = TrainingLog("short", ((1, 2.0), (2, 1.0)))
LONG = TrainingLog("long <net>", tuple((step, 1.0 / step) for step in range(1, 41)), ((20, 0.3), (30, 0.4)))
TEACHER = replace(
    LONG,
    name="teacher",
    target_agreement=((20, 0.9), (30, 0.8)),
    target_confidence=((20, 0.5), (30, 0.7)),
    rule="target_agreement",
    chosen=20,
)


def test_running_mean_is_centred_and_narrower_at_the_ends():
    values = np.array([0.0, 3.0, 6.0, 0.0])
    np.testing.assert_allclose(_running_mean(values, 1), [1.5, 3.0, 3.0, 3.0])
    np.testing.assert_array_equal(_running_mean(values, 0), values)


def test_every_model_has_a_drawing_that_says_what_it_shows():
    drawings = training_curves("Teachers", [SHORT, LONG])

    assert drawings.count("<svg ") == drawings.count("</svg>") == 2
    assert 'aria-label="Training of short: loss 2.00 to 1.00"' in drawings
    assert "long &lt;net&gt;</b> loss 1.00 to 0.03, validation mIoU 40.0 %" in drawings


def test_the_score_has_a_panel_only_where_a_model_has_logged_it():
    assert ">mIoU in %</text>" not in training_curves("Teachers", [SHORT])
    assert training_curves("Teachers", [SHORT, LONG]).count(">mIoU in %</text>") == 2


def test_values_on_the_target_have_a_panel_with_a_name_for_each_line():
    assert ">target in %</text>" not in training_curves("Teachers", [LONG])
    drawing = training_curves("Teachers", [TEACHER])
    for label in ("target in %", "agreement", "confidence"):
        assert drawing.count(f">{label}</text>") == 1


def test_the_rule_and_the_values_of_the_chosen_iteration_are_told():
    last = replace(TEACHER, rule="last", chosen=30)
    assert "validation mIoU 30.0 %, target agreement 90.0 %, target confidence 50.0 %" in training_curves(
        "T", [TEACHER]
    )
    assert "model of iteration 20, chosen by target agreement" in training_curves("T", [TEACHER])
    assert "target agreement 80.0 %, target confidence 70.0 %, model of iteration 30, the last" in training_curves(
        "T", [last]
    )
    assert "model of" not in training_curves("T", [LONG])


def test_the_chosen_iteration_is_marked_in_every_panel_unless_it_is_the_last():
    dotted = [training_curves("T", [log]).count("stroke-dasharray") for log in (TEACHER, replace(TEACHER, rule="last"))]
    assert dotted[0] - dotted[1] == 3


def test_colours_come_from_the_page_and_no_identifier_is_ambiguous():
    drawings = training_curves("Teachers", [SHORT, LONG, TEACHER])

    assert set(re.findall(r"var\(--(\w+)\)", drawings)) == {"muted", "line", "accent", "score"}
    assert not re.findall(r"#0102|#ffffff|<style|http", drawings)
    # Only shapes that are referred to keep a name.
    assert set(re.findall(r'id="([^"]*)"', drawings)) == set(re.findall(r"#([mp][0-9a-f]{10})", drawings))


def test_the_same_log_gives_the_same_drawing():
    assert training_curves("Teachers", [LONG]) == training_curves("Teachers", [LONG])
