from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from two_processes import run_by_two_processes

from landcover.data_sets.dfc2025 import SarTile
from landcover.errors import InputError
from landcover.images.grid import Georeference, read_georeference
from landcover.images.raster import read_raster, write_raster
from landcover.labels.label_filter import LABEL_FILTERS, FilterMaterial, LabelFilter, build_filter, filter_labels
from landcover.labels.label_set import label_set
from landcover.labels.quality import References, read_quality
from landcover.processes.group import Processes
from landcover.run_files.manifest import read_manifest

ALONE = Processes(0, 1, torch.device("cpu"))
PLACE = Georeference(((33550, 12, 3, (0.5, 0.5, 0.0)), (33922, 12, 6, (0.0, 0.0, 0.0, 3e5, 4e6, 0.0))))


class Swap:
    """Makes class 1 class 2; a label map of tile "b" that is no label map on request."""

    def __init__(self, material: FilterMaterial, spoilt: NDArray[Any] | None = None) -> None:
        self.seen: list[str] = []
        self._spoilt = spoilt

    def settings(self) -> Mapping[str, Any]:
        return {"to": 2}

    def inputs(self) -> Mapping[str, str]:
        return {"nothing": "0"}

    def apply(self, tile: str, labels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        self.seen.append(tile)
        if tile == "b" and self._spoilt is not None:
            return self._spoilt
        return np.where(labels == 1, np.uint8(2), labels)


@pytest.fixture(autouse=True)
def swap() -> Iterator[None]:
    LABEL_FILTERS.register_module(name="swap", module=Swap)
    yield
    LABEL_FILTERS.module_dict.pop("swap")


@pytest.fixture
def tiles(tmp_path: Path) -> list[SarTile]:
    """Three tiles of 2 x 2 pixels with georeferenced optical images, and labels in `before`."""
    made = []
    for name in "abc":
        optical = tmp_path / "rgb" / f"{name}.tif"
        write_raster(optical, np.zeros((2, 2, 3), np.uint8), PLACE)
        write_raster(tmp_path / "before" / f"{name}.tif", np.array([[1, 0], [3, 1]], np.uint8))
        made.append(SarTile(name, optical, optical, None))
    return made


def run(
    tiles: list[SarTile],
    folder: Path,
    spoilt: NDArray[Any] | None = None,
    further: Callable[[], Iterable[Path]] = tuple,
) -> tuple[bool, list[str]]:
    """Whether something was written, and the tiles that the filter has seen."""
    changes = Swap(FilterMaterial(tiles, {}, 0, ALONE), spoilt)
    images = {tile.name: tile.optical for tile in tiles}
    before, truth = label_set(f"before={folder.parent / 'before'}"), None
    if (folder.parent / "truth").is_dir():
        truth = label_set(str(folder.parent / "truth"))
    written = filter_labels("swap", changes, before, images, folder, References((), truth), ALONE, further)
    return written, changes.seen


def test_every_label_file_is_changed_on_the_grid_of_its_image_and_described(
    tiles: list[SarTile], tmp_path: Path
) -> None:
    folder = tmp_path / "after"
    assert run(tiles, folder) == (True, ["a", "b", "c"])
    assert read_raster(folder / "b.tif").pixels.tolist() == [[2, 0], [3, 2]]
    assert read_georeference(folder / "b.tif") == PLACE
    manifest = read_manifest(folder / "manifest.json")
    assert manifest["made_by"] == {"stage": "label_filter", "method": "swap", "scheme": "openearthmap", "to": 2}
    assert manifest["inputs"]["nothing"] == "0" and len(manifest["inputs"]["labels"]) == 64
    quality = read_quality(folder)
    assert (quality["name"], quality["tiles"], quality["unknown"]) == ("before after swap", 3, 0.25)
    assert quality["shares"]["rangeland"] == 0.5
    assert quality["agreement"]["before"]["equal"] == pytest.approx(1 / 3)


def test_what_is_there_is_skipped_and_what_is_missing_is_made(tiles: list[SarTile], tmp_path: Path) -> None:
    folder = tmp_path / "after"
    run(tiles, folder)
    assert run(tiles, folder) == (False, [])
    (folder / "b.tif").unlink()
    assert run(tiles, folder) == (True, ["b"])
    before = (folder / "a.tif").stat().st_mtime_ns
    write_raster(tmp_path / "truth" / "a.tif", np.array([[2, 2], [2, 2]], np.uint8))
    assert run(tiles, folder) == (False, [])  # new references: the table alone
    quality = read_quality(folder)
    assert quality["truth"]["on_kept"]["accuracy"] == pytest.approx(2 / 3)
    assert quality["truth_before"]["on_kept"]["accuracy"] == 0.0
    assert (folder / "a.tif").stat().st_mtime_ns == before


def test_further_files_are_written_behind_the_labels_and_belong_to_the_folder(
    tiles: list[SarTile], tmp_path: Path
) -> None:
    folder = tmp_path / "after"

    def write_names() -> list[Path]:
        (folder / "names.txt").write_text(" ".join(sorted(path.name for path in folder.glob("*.tif"))))
        return [folder / "names.txt"]

    assert run(tiles, folder, further=write_names) == (True, ["a", "b", "c"])
    assert (folder / "names.txt").read_text() == "a.tif b.tif c.tif"
    names = [row["name"] for row in read_manifest(folder / "manifest.json")["files"]]
    assert names == ["a.tif", "b.tif", "c.tif", "names.txt", "quality.json"]
    assert run(tiles, folder, further=write_names) == (False, [])
    (folder / "names.txt").unlink()
    assert run(tiles, folder, further=write_names) == (True, [])
    assert (folder / "names.txt").exists()


def test_labels_of_other_inputs_are_refused_not_mixed(tiles: list[SarTile], tmp_path: Path) -> None:
    run(tiles, tmp_path / "after")
    write_raster(tmp_path / "before" / "a.tif", np.full((2, 2), 5, np.uint8))
    with pytest.raises(InputError, match=r"after: holds files made from something else \(inputs.labels"):
        run(tiles, tmp_path / "after")


@pytest.mark.parametrize(
    ("spoilt", "message"),
    [
        (np.full((2, 2), 9, np.uint8), r"b.tif: expected label values 0..8"),
        (np.zeros((2, 2), np.int64), r"b.tif: expected a one-band uint8 label map, found int64"),
        (np.zeros((3, 2), np.uint8), r"b.tif: expected 2x2 pixels .*, found 3x2"),
    ],
)
def test_what_is_no_label_map_of_the_tile_is_not_written(
    tiles: list[SarTile], tmp_path: Path, spoilt: NDArray[Any], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        run(tiles, tmp_path / "after", spoilt)
    assert not (tmp_path / "after" / "b.tif").exists()


def test_settings_go_to_the_method_and_others_are_refused_with_those_it_has(tiles: list[SarTile]) -> None:
    material = FilterMaterial(tiles, {}, 0, ALONE)
    spoilt = np.zeros((1, 1), np.uint8)
    assert build_filter("swap", material, "REASSIGN", spoilt=spoilt).apply("b", spoilt) is spoilt
    told = r"^REASSIGN_OPTIONS: expected settings of swap \(spoilt\), found other, size; correct it$"
    with pytest.raises(InputError, match=told):
        build_filter("swap", material, "REASSIGN", size=1, other=2)


def test_an_unknown_method_is_refused_with_the_known_ones(tiles: list[SarTile]) -> None:
    material = FilterMaterial(tiles, {}, 0, ALONE)
    changes: LabelFilter = build_filter("swap", material, "REASSIGN")
    assert isinstance(changes, Swap)
    known = r"none, (ot, sure_sar, )?swap"  # those of stage 21 if another test has imported them
    with pytest.raises(InputError, match=rf"REASSIGN: expected one of {known}, found 'swop'; correct it, or name"):
        build_filter("swop", material, "REASSIGN")


PROGRAM = """
import sys
from pathlib import Path
import numpy as np
from landcover.labels.label_filter import filter_labels
from landcover.labels.label_set import label_set
from landcover.labels.quality import References
from landcover.processes.group import start_processes

class Swap:
    def __init__(self):
        self.seen = []
    def settings(self):
        return {"to": 2}
    def inputs(self):
        return {"nothing": "0"}
    def apply(self, tile, labels):
        self.seen.append(tile)
        return np.where(labels == 1, np.uint8(2), labels)

folder, processes = Path(sys.argv[1]), start_processes()
images = {path.stem: path for path in sorted((folder / "rgb").iterdir())}
changes = Swap()
before = label_set(f"before={folder / 'before'}")
assert filter_labels("swap", changes, before, images, folder / "together", References(), processes)
assert not filter_labels("swap", changes, before, images, folder / "together", References(), processes)
print(" ".join(changes.seen))
"""


def test_two_processes_share_the_tiles_and_write_the_bytes_of_one(tiles: list[SarTile], tmp_path: Path) -> None:
    run(tiles, tmp_path / "after")
    shares = run_by_two_processes(PROGRAM, tmp_path)
    assert sorted(" ".join(shares).split()) == ["a", "b", "c"]
    contents = [{path.name: path.read_bytes() for path in (tmp_path / n).iterdir()} for n in ("after", "together")]
    assert contents[0] == contents[1]
