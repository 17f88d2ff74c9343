"""The command of stage 21 with transport, and the soft targets that it writes on request."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from made_up_scores import sure_of, write_model

from ensemble.members import check_members, find_members
from landcover.images.grid import read_georeference
from landcover.images.raster import read_raster, write_raster
from landcover.run_files.manifest import FINISHED, read_manifest
from landcover.score_files.score_file import decode, read_scores
from stage1_optical_da.reassign_labels import main

RunMain = Callable[..., tuple[int, str]]


@pytest.fixture
def words(demo_root: Path, tmp_path: Path) -> list[Path | str]:
    """Arguments for labels that are wrong in a corner, where a teacher is sure of class 5 everywhere."""
    root, run_dir = demo_root / "DFC2025Track1", tmp_path / "run"
    names = sorted(path.stem for path in (root / "train" / "rgb_images").iterdir())
    labels = np.full((64, 64), 5, np.uint8)
    labels[:10, :10], labels[20:30] = 3, 0
    for name in names:
        write_raster(tmp_path / "labels" / f"{name}.tif", labels)
    scores = sure_of(np.full((64, 64), 5), 0.97)
    write_model(run_dir / "scores" / "teachers" / "one", dict.fromkeys(names, scores))
    places = ["--labels", tmp_path / "labels", "--dfc-root", root, "--run-dir", run_dir]
    return ["--method", "ot", *places, "--teachers", "one"]


def test_labels_are_reassigned_and_soft_targets_are_there_on_request(
    run_main: RunMain, words: list[Path | str], demo_root: Path, tmp_path: Path
) -> None:
    run_dir = tmp_path / "run"
    assert run_main(main, *words)[0] == 0
    folder, soft = run_dir / "reassigned_labels", run_dir / "scores" / "reassigned"
    assert not soft.exists()
    files = sorted(folder.glob("*.tif"))
    assert len(files) == 4 and all((read_raster(path).pixels == 5).all() for path in files)
    before = [path.read_bytes() for path in files]

    code, printed = run_main(main, *words, "--option", "soft=True")  # labels are there, and stay
    assert code == 0 and f"is there: 4 label files in {folder}" in printed
    assert [path.read_bytes() for path in files] == before
    (member,) = find_members(soft)
    assert member.name == "ot" and check_members([member]) == [path.stem for path in files]
    image = next((demo_root / "DFC2025Track1" / "train" / "rgb_images").iterdir())
    header, codes = read_scores(member.score_file(image.stem))
    assert (header.model, header.encoding, header.no_data) == ("ot", "probability", False)
    probabilities = decode(codes, header)
    assert (probabilities.argmax(0) == 4).all() and probabilities[4].min() > 0.9
    np.testing.assert_allclose(probabilities.sum(0), 1, atol=8 / 510)
    assert read_georeference(member.score_file(image.stem)) == read_georeference(image)
    assert read_manifest(soft / "ot" / FINISHED)["made_by"]["stage"] == "soft_targets"

    written = member.score_file(image.stem).read_bytes()
    member.score_file(image.stem).unlink()
    (soft / "ot" / FINISHED).unlink()
    (soft / "ot" / "unfinished.json").write_text("{}")
    code, message = run_main(main, *words, "--option", "soft=True")
    assert code == 2 and str(soft / "ot") in message  # begun from something else
    for path in (soft / "ot").iterdir():
        path.unlink()
    assert run_main(main, *words, "--option", "soft=True")[0] == 0
    assert member.score_file(image.stem).read_bytes() == written


def test_options_reach_the_method_and_other_ones_are_another_label_set(
    run_main: RunMain, words: list[Path | str]
) -> None:
    assert run_main(main, *words, "--option", "side=4", "--option", "regions=cells")[0] == 0
    code, message = run_main(main, *words, "--option", "side=5", "--option", "regions=cells")
    assert code == 2 and "made_by.side: 4 there, 5 now" in message
    code, message = run_main(main, *words, "--option", "side")
    assert code == 2 and message.startswith("error: REASSIGN_OPTIONS: expected key=value, found 'side'; correct it")
    code, message = run_main(main, *words, "--option", "colour=1")
    assert code == 2 and message.startswith("error: REASSIGN_OPTIONS: expected settings of ot (threshold, ")
