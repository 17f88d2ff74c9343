from __future__ import annotations

import re

import numpy as np

from landcover.report.collect import TrainingLog
from landcover.report.curves import _running_mean, training_curves

SHORT = TrainingLog("short", ((1, 2.0), (2, 1.0)), ())
LONG = TrainingLog("long <net>", tuple((step, 1.0 / step) for step in range(1, 41)), ((20, 0.3), (30, 0.4)))


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


def test_colours_come_from_the_page_and_no_identifier_is_ambiguous():
    drawings = training_curves("Teachers", [SHORT, LONG])

    assert set(re.findall(r"var\(--(\w+)\)", drawings)) == {"muted", "line", "accent", "score"}
    assert not re.findall(r"#0102|#ffffff|<style|http", drawings)
    # Only shapes that are referred to keep a name.
    assert set(re.findall(r'id="([^"]*)"', drawings)) == set(re.findall(r"#([mp][0-9a-f]{10})", drawings))


def test_the_same_log_gives_the_same_drawing():
    assert training_curves("Teachers", [LONG]) == training_curves("Teachers", [LONG])
