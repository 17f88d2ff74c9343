from __future__ import annotations

import pytest

from landcover.errors import InputError
from landcover.report.results import member_mean, score_groups


def test_groups_hold_rows_scored_against_the_same_labels(metrics):
    found = [(group.title, group.labels, [row.name for row in group.rows]) for group in score_groups(metrics)]

    assert found == [
        ("Teachers, source", "source tiles", ["teacher_a", "teacher_b"]),
        ("Teachers, target", "train truth", ["teacher_a", "teacher_b"]),
        ("Training labels", "train truth", ["published labels", "pseudo-labels of the teachers"]),
        (
            "SAR models and ensemble",
            "test truth",
            ["net_a", "net_b", "ensemble, mean of logits (submitted)", "ensemble, mean of probabilities"],
        ),
    ]


def test_models_scored_against_other_labels_do_not_share_the_group_of_the_ensemble(metrics):
    metrics["sar_models"]["net_a"]["labels"] = "validation truth"

    titles = [(group.title, group.labels) for group in score_groups(metrics)]

    assert titles[-3:] == [("SAR models", "validation truth"), ("SAR models", "test truth"), ("Ensemble", "test truth")]


def test_best_is_the_largest_present_score_and_a_single_one_is_not_best(metrics):
    source, target, labels, _ = score_groups(metrics)

    assert target.best(None) == 0.5
    assert target.best("water") == 0.4
    assert labels.best("building") == 0.9
    assert source.best("bareland") is None


def test_member_mean_needs_members_scored_against_the_labels_of_the_ensemble(metrics):
    assert member_mean(metrics) == pytest.approx(0.31)
    metrics["sar_models"]["net_a"]["labels"] = "validation truth"
    assert member_mean(metrics) is None
    assert member_mean({}) is None


def test_an_entry_without_scores_is_told_in_one_line(metrics):
    del metrics["ensemble"]["miou"]
    with pytest.raises(InputError, match=r"metrics\.json: expected entries with miou"):
        score_groups(metrics)
