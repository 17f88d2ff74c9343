import json
import sys
from pathlib import Path

import numpy as np
import pytest

from ensemble.fit_weights import fit_weights, main
from ensemble.members import Member
from ensemble.pool import minimise_cross_entropy
from landcover.classes import OPEN_EARTH_MAP
from landcover.errors import InputError
from landcover.images.raster import write_raster
from landcover.score_files.score_file import encode, read_scores

TILES = [f"t{number}" for number in range(4)]


def scores_of(labels: np.ndarray, gain: float, seed: int) -> np.ndarray:
    """Logit codes of a model that knows the labels as well as `gain` says."""
    logits = np.random.default_rng(seed).normal(0, 1, (8, *labels.shape))
    logits += gain * (labels == np.arange(1, 9)[:, None, None])
    odds = np.exp(logits)
    return encode((odds / odds.sum(axis=0)).astype(np.float32), "logit")


@pytest.fixture
def truth(tmp_path: Path) -> dict[str, Path]:
    paths = {}
    for number, tile in enumerate(TILES):
        labels = np.random.default_rng([1, number]).integers(0, 9, (24, 20), dtype=np.uint8)
        paths[tile] = tmp_path / "truth" / f"{tile}.tif"
        write_raster(paths[tile], labels)
    return paths


@pytest.fixture
def labels(truth) -> dict[str, np.ndarray]:
    return {
        tile: np.random.default_rng([1, number]).integers(0, 9, (24, 20), dtype=np.uint8)
        for number, tile in enumerate(truth)
    }


@pytest.fixture
def write_models(write_member, labels):
    def write(gains: dict[str, list[float]]) -> list[Member]:
        """Members by name, with the gain of each tile."""
        return [
            write_member(name, {t: scores_of(labels[t], own[i], 10 * m + i) for i, t in enumerate(TILES)})
            for m, (name, own) in enumerate(gains.items())
        ]

    return write


@pytest.mark.parametrize("average", ["logits", "probabilities"])
def test_the_better_model_counts_more_and_the_check_is_on_other_tiles(truth, write_models, average) -> None:
    members = write_models({"good": [2.0] * 4, "poor": [0.3] * 4, "blind": [0.0] * 4})
    fit = fit_weights(members, truth, average, OPEN_EARTH_MAP, np.random.default_rng(0))
    assert fit.weights["good"] > 0.6
    assert sum(fit.weights.values()) == pytest.approx(1, abs=0.002)
    assert sorted([*fit.fitted_on, *fit.checked_on]) == TILES
    assert len(fit.fitted_on) == len(fit.checked_on) == 2
    assert fit.fitted_miou > fit.equal_miou + 0.05
    assert not fit.worse


@pytest.mark.parametrize("average", ["logits", "probabilities"])
def test_the_weights_are_those_of_all_labelled_pixels_of_the_fitted_half(truth, labels, write_models, average) -> None:
    members = write_models({"good": [2.0] * 4, "fair": [1.5] * 4})
    fit = fit_weights(members, truth, average, OPEN_EARTH_MAP, np.random.default_rng(0))
    labelled = np.concatenate([labels[tile].ravel() for tile in fit.fitted_on])
    codes = [
        np.concatenate([read_scores(member.score_file(tile))[1].reshape(8, -1) for tile in fit.fitted_on], axis=1)
        for member in members
    ]
    scores = 10 * (np.array(codes)[:, :, labelled > 0] / 255 - 1)
    if average == "probabilities":
        scores = np.exp(scores)
        scores /= scores.sum(axis=1, keepdims=True)
    expected = minimise_cross_entropy(scores, labelled[labelled > 0] - np.intp(1), average)
    assert expected.min() > 0.05
    assert list(fit.weights) == ["good", "fair"]
    # Conversion to probability codes rounds them.
    assert list(fit.weights.values()) == pytest.approx(expected, abs=0.001 if average == "logits" else 0.02)


def test_the_same_seed_gives_the_same_weights(truth, write_models) -> None:
    members = write_models({"a": [1.0] * 4, "b": [0.8] * 4})
    fits = [fit_weights(members, truth, "logits", OPEN_EARTH_MAP, np.random.default_rng(5), 200) for _ in range(2)]
    assert fits[0] == fits[1]


def test_weights_need_two_labelled_tiles_of_the_size_of_the_scores(tmp_path, truth, write_models) -> None:
    members = write_models({"a": [1.0] * 4})
    rng = np.random.default_rng(0)
    with pytest.raises(InputError, match=r"at least 2 tiles .* found 1"):
        fit_weights(members, {"t0": truth["t0"], "other": truth["t1"]}, "logits", OPEN_EARTH_MAP, rng)
    wide = tmp_path / "wide.tif"
    write_raster(wide, np.ones((24, 21), np.uint8))
    with pytest.raises(InputError, match=r"wide.tif: expected 24x20 pixels .* found 24x21"):
        fit_weights(members, dict.fromkeys(TILES, wide), "logits", OPEN_EARTH_MAP, rng)


def run(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> None:
    monkeypatch.setattr(sys, "argv", ["fit_weights", *map(str, arguments)])
    main()


def test_weights_that_are_worse_on_the_other_half_are_written_only_by_force(
    tmp_path, monkeypatch, capsys, truth, write_models
) -> None:
    """A model that is good on the tiles fitted on, and misleads on the others."""
    fitted_on = fit_weights(
        write_models({"a": [1.0] * 4}), truth, "logits", OPEN_EARTH_MAP, np.random.default_rng(0)
    ).fitted_on
    write_models({"a": [1.0] * 4, "luck": [4.0 if tile in fitted_on else -4.0 for tile in TILES]})
    arguments = ("--scores", tmp_path / "scores", "--truth", tmp_path / "truth", "--out", tmp_path / "w.json")
    run(monkeypatch, *arguments)
    printed, written = capsys.readouterr().out, json.loads((tmp_path / "w.json").read_text())
    fitted, equal = (100 * written["report"][name] for name in ("fitted_miou", "equal_miou"))
    assert f"fitted on 2 tiles; mIoU of the other 2: {fitted:.1f} with these weights, {equal:.1f} with equal" in printed
    assert "worse than equal weights" in printed
    assert written["members"] == {"a": 1.0, "luck": 1.0}
    assert written["report"]["written"] == "equal"
    assert written["report"]["fitted_miou"] < written["report"]["equal_miou"]
    run(monkeypatch, *arguments, "--force")
    written = json.loads((tmp_path / "w.json").read_text())
    assert written["members"] == written["report"]["fitted_weights"]
    assert written["members"]["luck"] > 0.5


def test_the_command_tells_who_is_left_out(tmp_path, monkeypatch, capsys, truth, write_models) -> None:
    write_models({"blind": [-3.0] * 4, "good": [3.0] * 4})
    arguments = ("--scores", tmp_path / "scores", "--truth", tmp_path / "truth", "--out", tmp_path / "w.json")
    run(monkeypatch, *arguments, "--average", "probabilities")
    printed = capsys.readouterr().out
    assert "good  1.000" in printed
    assert "left out: blind" in printed
    assert json.loads((tmp_path / "w.json").read_text())["average"] == "probabilities"


def test_what_the_command_needs_is_told(monkeypatch, capsys) -> None:
    with pytest.raises(SystemExit):
        run(monkeypatch)
    assert "the following arguments are required: --scores, --truth, --out" in capsys.readouterr().err


def test_a_missing_truth_folder_is_told(tmp_path, monkeypatch, capsys, write_models) -> None:
    write_models({"a": [1.0] * 4})
    with pytest.raises(SystemExit):
        run(monkeypatch, "--scores", tmp_path / "scores", "--truth", tmp_path / "none", "--out", tmp_path / "w.json")
    assert "none: expected a folder of manual labels" in capsys.readouterr().err


def test_truth_of_any_suffix_is_read(tmp_path, monkeypatch, capsys, truth, write_models) -> None:
    write_models({"a": [1.0] * 4})
    for path, suffix in zip(truth.values(), [".tiff", ".TIF", ".TIFF", ".tif"], strict=True):
        path.rename(path.with_suffix(suffix))
        (path.parent / f"._{path.name}").touch()
    run(monkeypatch, "--scores", tmp_path / "scores", "--truth", tmp_path / "truth", "--out", tmp_path / "w.json")
    assert "fitted on 2 tiles; mIoU of the other 2:" in capsys.readouterr().out
