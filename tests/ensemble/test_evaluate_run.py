import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from ensemble.evaluate_run import evaluate_run
from ensemble.members import Member
from ensemble.submission import write_label_png
from landcover.errors import InputError
from landcover.images.raster import write_raster

Labels = NDArray[np.uint8]

TRUTH = np.array([[1, 1, 2, 2], [1, 1, 2, 2], [0, 0, 0, 0]], np.uint8)
HALF = np.array([[1, 1, 1, 1], [1, 1, 1, 1], [8, 8, 8, 8]], np.uint8)
"""Against TRUTH: IoU 4/8 of bareland, 0/4 of rangeland, void not counted: mIoU 0.25."""


def codes_of(labels: Labels, sure: int = 255) -> NDArray[np.uint8]:
    """Score codes (8, H, W) that prefer the label; void counts as class 1."""
    return np.stack([np.where(np.maximum(labels, 1) == label, sure, 0) for label in range(1, 9)]).astype(np.uint8)


class Run:
    """Folders of a run and of its data."""

    def __init__(self, root: Path, write_file: Callable[..., Path]) -> None:
        self.run_dir, self.data, self.truth = root / "run", root / "data", root / "truth"
        self._write_file = write_file
        for split, name in (("train", "a"), ("val", "b"), ("test", "c")):
            write_raster(self.data / split / "sar_images" / f"{name}.tif", np.ones((3, 4), np.uint8))
        write_raster(self.data / "train" / "rgb_images" / "a.tif", np.ones((3, 4, 3), np.uint8))
        (self.run_dir / "teachers" / "teacher").mkdir(parents=True)
        (self.run_dir / "teachers" / "teacher" / "metrics.json").write_text(json.dumps({"miou": 0.5, "labels": "val"}))
        write_raster(self.run_dir / "pseudo_labels" / "a.tif", TRUTH)

    def scores(self, split: str, name: str, labels: Labels, tile: str, sure: int = 255) -> None:
        self._write_file(self.run_dir / "scores" / split / name / f"{tile}.tif", codes_of(labels, sure))

    def labels(self, folder: Path, tiles: Mapping[str, Labels]) -> None:
        for name, labels in tiles.items():
            write_raster(folder / f"{name}.tif", labels)

    def evaluate(
        self,
        truth: Path | None = None,
        members: tuple[str, ...] = ("good", "bad"),
        others=("other",),
        labels=None,
        unregistered=None,
    ):
        listed = [Member(name, Path("elsewhere") / name, weight=1.0) for name in members]
        truth = truth or self.truth
        of_labels = {"labels": labels, "unregistered": unregistered}
        return evaluate_run(self.run_dir, self.data, truth, ["teacher"], listed, list(others), "logits", **of_labels)


@pytest.fixture
def run(tmp_path: Path, write_file: Callable[..., Path]) -> Run:
    made = Run(tmp_path, write_file)
    for split, tile in (("val", "b"), ("test", "c")):
        made.scores(split, "good", TRUTH, tile)
        made.scores(split, "bad", HALF, tile, sure=100)  # less sure: the good one wins the average
        made.scores(split, "other", HALF, tile)
    return made


def test_without_any_labels_everything_is_unscored_but_the_source_score_stays(run: Run) -> None:
    metrics = run.evaluate()
    unscored = {"miou": None, "iou": {}, "labels": "nothing: no labels are there"}
    assert metrics == {
        "teachers": {"teacher": {"miou": 0.5, "labels": "val"}},
        "pseudo_labels": unscored,
        "sar_models": {"good": unscored, "bad": unscored, "other": unscored},
        "ensemble": {**unscored, "members": ["good", "bad"]},
    }


def test_a_teacher_without_a_score_of_its_own_is_unscored(run: Run) -> None:
    (run.run_dir / "teachers" / "teacher" / "metrics.json").unlink()
    assert run.evaluate()["teachers"]["teacher"]["miou"] is None


def test_models_and_ensemble_are_scored_on_the_labelled_test_tiles(run: Run) -> None:
    run.labels(run.truth / "test" / "labels", {"c": TRUTH, "not_a_tile": TRUTH})
    run.labels(run.truth / "val" / "labels", {"b": HALF})
    metrics = run.evaluate()
    assert list(metrics["sar_models"]) == ["good", "bad", "other"]
    assert {name: summary["miou"] for name, summary in metrics["sar_models"].items()} == {
        "good": 1.0,
        "bad": 0.25,
        "other": 0.25,
    }
    assert metrics["sar_models"]["bad"]["iou"]["bareland"] == 0.5
    assert metrics["sar_models"]["bad"]["labels"] == "manual labels of 1 test tiles"
    assert metrics["sar_models"]["bad"]["pixels"] == 8
    ensemble = metrics["ensemble"]
    assert (ensemble["miou"], ensemble["average"], ensemble["members"]) == (1.0, "logits", ["good", "bad"])
    assert sorted(ensemble["averages"]) == ["logits", "probabilities"]
    assert ensemble["averages"]["logits"]["miou"] == ensemble["averages"]["probabilities"]["miou"] == 1.0
    json.dumps(metrics, allow_nan=False)


def test_the_label_pngs_of_the_submission_are_scored_too(run: Run) -> None:
    run.labels(run.truth / "test" / "labels", {"c": TRUTH})
    assert "submission" not in run.evaluate()
    half_void = np.where(np.arange(4) % 2, TRUTH, 0).astype(np.uint8)
    write_label_png(run.run_dir / "submission" / "c.png", half_void)
    submission = run.evaluate()["submission"]
    assert (submission["miou"], submission["labels"]) == (0.5, "manual labels of 1 test tiles")
    assert submission["no_data_left_out"]["miou"] == 1.0
    json.dumps(submission, allow_nan=False)


def test_the_submission_is_not_scored_on_val_tiles(run: Run) -> None:
    run.labels(run.truth / "val" / "labels", {"b": HALF})
    write_label_png(run.run_dir / "submission" / "c.png", TRUTH)
    assert "submission" not in run.evaluate()


def test_members_keep_their_weights(run: Run) -> None:
    run.labels(run.truth / "test" / "labels", {"c": TRUTH})
    members = [Member("good", Path("elsewhere"), 1.0), Member("bad", Path("elsewhere"), 3.0)]
    metrics = evaluate_run(run.run_dir, run.data, run.truth, ["teacher"], members, [], "probabilities")
    assert metrics["ensemble"]["averages"]["logits"]["miou"] == 0.25  # 3 x 100 is more than 255
    assert metrics["ensemble"]["averages"]["probabilities"]["miou"] == metrics["ensemble"]["miou"] == 1.0


def test_val_tiles_are_scored_where_only_they_have_labels(run: Run) -> None:
    run.labels(run.truth / "val" / "labels", {"b": HALF})
    metrics = run.evaluate()
    assert metrics["sar_models"]["bad"]["labels"] == "manual labels of 1 val tiles"
    assert metrics["sar_models"]["other"]["miou"] == 1.0
    assert metrics["sar_models"]["good"]["iou"]["bareland"] == pytest.approx(4 / 12)  # 8 true, 8 predicted, 4 both


def test_teachers_pseudo_labels_and_published_labels_are_scored_on_the_training_truth(run: Run) -> None:
    run.labels(run.truth / "train" / "labels", {"a": TRUTH})
    run.labels(run.data / "train" / "labels", {"a": HALF})
    run.scores("teachers", "teacher", HALF, "a")
    metrics = run.evaluate()
    assert metrics["pseudo_labels"]["miou"] == 1.0
    assert metrics["published_labels"]["miou"] == 0.25
    assert metrics["teachers"]["teacher"]["miou"] == 0.25
    assert metrics["teachers"]["teacher"]["source"] == {"miou": 0.5, "labels": "val"}
    assert metrics["pseudo_labels"]["labels"] == "manual labels of 1 train tiles"
    assert "training_labels" not in metrics
    assert run.evaluate(labels=run.data / "train" / "labels")["training_labels"] == metrics["published_labels"]


def test_registered_labels_and_those_before_are_scored_on_one_truth_that_of_the_sar_images_if_there_is_one(
    run: Run,
) -> None:
    before, after = run.run_dir / "pseudo_labels", run.run_dir / "registered_labels"
    run.labels(after, {"a": HALF})
    folders = {"labels": after, "unregistered": before}
    assert not {"training_labels", "unregistered_labels"} & set(run.evaluate(**folders))
    run.labels(run.truth / "train" / "sar_grid_labels", {"a": HALF, "not_a_tile": HALF})
    for _ in range(2):
        metrics = run.evaluate(**folders)
        found = [
            (metrics[name]["miou"], metrics[name]["labels"]) for name in ("unregistered_labels", "training_labels")
        ]
        assert [miou for miou, _ in found] == [pytest.approx(4 / 8 / 3), 1.0]  # of bareland, rangeland and building
        assert {told for _, told in found} == {"manual labels of 1 train tiles on the SAR images"}
        run.labels(run.truth / "train" / "labels", {"a": TRUTH})  # on the optical image: still that of the SAR image
        run.scores("teachers", "teacher", HALF, "a")
    shutil.rmtree(run.truth / "train" / "sar_grid_labels")
    metrics = run.evaluate(**folders)
    assert (metrics["unregistered_labels"]["miou"], metrics["training_labels"]["miou"]) == (1.0, 0.25)
    assert metrics["training_labels"]["labels"] == "manual labels of 1 train tiles"


def test_labels_of_some_tiles_are_scored_on_these(run: Run) -> None:
    run.labels(run.truth / "train" / "labels", {"a": TRUTH})
    run.scores("teachers", "teacher", HALF, "a")
    manual = run.run_dir / "manual"
    run.labels(manual, {"b": HALF})
    assert "training_labels" not in run.evaluate(labels=manual)
    run.labels(manual, {"a": HALF})
    assert run.evaluate(labels=manual)["training_labels"]["miou"] == 0.25


@pytest.mark.parametrize("same_root", [True, False])
def test_published_labels_are_compared_with_and_never_called_truth(run: Run, same_root: bool) -> None:
    run.labels(run.data / "train" / "labels", {"a": HALF})
    metrics = run.evaluate(truth=run.data if same_root else None)
    told = "published pseudo-labels of the train tiles (agreement, not accuracy)"
    assert metrics["pseudo_labels"]["labels"] == told
    assert metrics["pseudo_labels"]["iou"]["bareland"] == pytest.approx(4 / 8)
    assert "published_labels" not in metrics
    assert metrics["teachers"]["teacher"] == {"miou": 0.5, "labels": "val"}


def test_a_run_trained_on_published_labels_has_no_pseudo_labels_to_score(run: Run) -> None:
    shutil.rmtree(run.run_dir / "pseudo_labels")
    run.labels(run.data / "train" / "labels", {"a": HALF})
    assert run.evaluate()["pseudo_labels"]["miou"] is None
    run.labels(run.truth / "train" / "labels", {"a": TRUTH})
    metrics = run.evaluate(labels=run.data / "train" / "labels")
    assert metrics["pseudo_labels"]["miou"] is None
    assert metrics["teachers"] == {"teacher": {"miou": 0.5, "labels": "val"}}
    assert metrics["published_labels"]["miou"] == metrics["training_labels"]["miou"] == 0.25


def test_a_model_without_scores_is_told(run: Run) -> None:
    run.labels(run.truth / "test" / "labels", {"c": TRUTH})
    shutil.rmtree(run.run_dir / "scores" / "test" / "other")
    with pytest.raises(InputError, match="other"):
        run.evaluate()
