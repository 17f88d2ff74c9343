from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import ensemble.pictures as pictures_module
from ensemble.members import Member
from ensemble.pictures import write_quick_looks
from ensemble.submission import write_label_png
from landcover.classes import OPEN_EARTH_MAP
from landcover.data_sets.dfc2025 import SarTile
from landcover.errors import InputError
from landcover.images.raster import write_raster
from landcover.report.quick_looks import TileView, cell_corner

SIDE = 8
SURE = {"T_1": 0.9, "T_2": 0.3, "T_3": 0.6}
"""Mean probability of the best class."""


class Scene:
    """A run with two members, three tiles and a truth of one of them."""

    def __init__(self, root: Path, write_member, write_sar) -> None:
        self.run_dir, self.looks = root / "run", root / "run" / "quick_looks"
        codes = {name: np.zeros((8, SIDE, SIDE), np.uint8) for name in SURE}
        for name, sure in SURE.items():
            codes[name][3] = round(255 * sure)
        self.members: list[Member] = [write_member(name, codes, encoding="probability") for name in ("a", "b")]
        self.tiles: list[SarTile] = []
        for name in SURE:
            self.tiles.append(write_sar(name, np.full((SIDE, SIDE), 50, np.uint8)))
            self.write_map(name, 4)
        self.truth = {"T_2": root / "truth" / "T_2.tif"}
        write_raster(self.truth["T_2"], np.full((SIDE, SIDE), 6, np.uint8))

    def write_map(self, name: str, label: int) -> None:
        write_label_png(self.run_dir / "submission" / f"{name}.png", np.full((SIDE, SIDE), label, np.uint8))

    def draw(self, tiles: list[SarTile] | None = None) -> int:
        return write_quick_looks(self.members, self.tiles if tiles is None else tiles, self.truth, self.run_dir)

    def files(self) -> dict[str, bytes]:
        paths = (path for path in self.looks.rglob("*") if path.is_file())
        return {path.relative_to(self.looks).as_posix(): path.read_bytes() for path in paths}


@pytest.fixture
def scene(tmp_path, write_member, write_sar) -> Scene:
    return Scene(tmp_path, write_member, write_sar)


@pytest.fixture
def shown(monkeypatch) -> list[tuple[str, float]]:
    """Names and uncertainties of the tiles of every contact sheet that is drawn."""
    listed: list[tuple[str, float]] = []
    draw = pictures_module.contact_sheet

    def record(views, scheme):
        views = list(views)
        listed.extend((view.name, view.uncertainty) for view in views)
        return draw(views, scheme)

    monkeypatch.setattr(pictures_module, "contact_sheet", record)
    return listed


def test_there_is_a_picture_per_tile_and_a_sheet(scene: Scene) -> None:
    assert scene.draw() == 3
    assert sorted(scene.files()) == ["most_uncertain.png", "tiles/T_1.png", "tiles/T_2.png", "tiles/T_3.png"]


def test_the_picture_shows_the_submitted_map_and_the_truth_where_there_is_one(scene: Scene) -> None:
    scene.draw()
    for name, columns in (("T_1", 2), ("T_2", 3)):
        with Image.open(scene.looks / "tiles" / f"{name}.png") as image:
            left, top = cell_corner(1, columns, np.empty((512, 512, 3), np.uint8))
            assert image.getpixel((left + 256, top + 256)) == OPEN_EARTH_MAP.palette[3]
            if columns == 3:
                left, top = cell_corner(2, columns, np.empty((512, 512, 3), np.uint8))
                assert image.getpixel((left + 256, top + 256)) == OPEN_EARTH_MAP.palette[5]
            assert float(image.info["uncertainty"]) == pytest.approx(1 - SURE[name], abs=0.002)


def test_the_sheet_has_the_least_certain_tiles_in_order(scene: Scene, shown, monkeypatch) -> None:
    scene.draw()
    assert [name for name, _ in shown] == ["T_2", "T_3", "T_1"]
    assert [value for _, value in shown] == pytest.approx([0.7, 0.4, 0.1], abs=0.002)
    shown.clear()
    monkeypatch.setattr(pictures_module, "SHOWN", 2)
    scene.draw()
    assert [name for name, _ in shown] == ["T_2", "T_3"]


def test_a_second_call_draws_nothing_and_changes_no_byte(scene: Scene, shown) -> None:
    scene.draw()
    before = scene.files()
    shown.clear()
    assert scene.draw() == 0
    assert shown == []
    assert scene.files() == before


def test_an_interrupted_drawing_goes_on_to_the_same_bytes(scene: Scene) -> None:
    scene.draw()
    before = scene.files()
    (scene.looks / "tiles" / "T_3.png").unlink()
    (scene.looks / "tiles" / ".1.T_3.png").write_bytes(b"half")
    (scene.looks / "most_uncertain.png").unlink()
    assert scene.draw() == 1
    assert scene.files() == before


def test_what_changed_is_drawn_anew_and_nothing_else(scene: Scene) -> None:
    scene.draw()
    before = scene.files()
    scene.write_map("T_1", 5)
    assert scene.draw() == 1
    changed = {name for name, content in scene.files().items() if content != before[name]}
    assert changed == {"most_uncertain.png", "tiles/T_1.png"}
    del scene.truth["T_2"]
    assert scene.draw() == 1
    scene.members = [Member("a", scene.members[0].folder, 2.0), scene.members[1]]
    assert scene.draw() == 3


def test_a_damaged_picture_is_drawn_anew(scene: Scene) -> None:
    scene.draw()
    before = scene.files()
    (scene.looks / "tiles" / "T_1.png").write_bytes(b"no png")
    assert scene.draw() == 1
    assert scene.files() == before


def test_pictures_of_other_tiles_are_removed(scene: Scene, shown) -> None:
    scene.draw()
    shown.clear()
    assert scene.draw(scene.tiles[:2]) == 0
    assert sorted(scene.files()) == ["most_uncertain.png", "tiles/T_1.png", "tiles/T_2.png"]
    assert [name for name, _ in shown] == ["T_2", "T_1"]


def test_tiles_that_are_equally_certain_stand_by_name(scene: Scene, shown, monkeypatch) -> None:
    monkeypatch.setattr(TileView, "uncertainty", property(lambda view: 0.5))
    scene.draw(scene.tiles[::-1])
    assert [name for name, _ in shown] == ["T_1", "T_2", "T_3"]


def test_a_missing_label_png_is_told(scene: Scene) -> None:
    (scene.run_dir / "submission" / "T_2.png").unlink()
    with pytest.raises(InputError, match="submission: expected label PNGs of 3 test tiles, 1 missing: T_2"):
        scene.draw()
    assert not scene.looks.exists()
