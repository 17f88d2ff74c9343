from __future__ import annotations

import pytest

from landcover.errors import InputError
from landcover.report.collect import collect_run


def test_a_run_is_read_with_its_logs_and_manifests(fake_run):
    run = collect_run(fake_run.run)

    assert run.metrics == fake_run.metrics
    assert list(run.manifests) == ["teachers/teacher_a"]
    assert list(run.logs) == ["Teachers"]
    log = run.logs["Teachers"][0]
    assert log.loss[:2] == ((1, 5.0), (2, 2.5))
    assert (log.validation_miou, log.target_agreement, log.target_confidence) == tuple(
        ((10, value),) for value in (0.25, 0.75, 0.5)
    )
    assert (log.rule, log.chosen) == ("target_agreement", 10)
    assert list(run.maps()) == ["TestArea_001", "TestArea_002"]
    assert [path.parent.name for path in run.member_scores("TestArea_001")] == ["net_a", "net_b"]


def test_a_training_that_is_not_finished_has_chosen_nothing(fake_run):
    (fake_run.run / "teachers/teacher_a/metrics.json").unlink()
    log = collect_run(fake_run.run).logs["Teachers"][0]
    assert (log.rule, log.chosen) == (None, None)


def test_an_empty_folder_is_an_empty_run(tmp_path):
    run = collect_run(tmp_path)

    assert (run.metrics, run.manifests, run.logs, run.maps(), run.pseudo_labels()) == ({}, {}, {}, {}, {})


def test_a_missing_folder_and_damaged_metrics_are_told_in_one_line(tmp_path):
    with pytest.raises(InputError, match="expected the folder of a run"):
        collect_run(tmp_path / "nowhere")
    (tmp_path / "metrics.json").write_text("{")
    with pytest.raises(InputError, match=r"metrics\.json: expected JSON"):
        collect_run(tmp_path)
    (tmp_path / "metrics.json").write_text("[]")
    with pytest.raises(InputError, match="expected a JSON object, found list"):
        collect_run(tmp_path)
