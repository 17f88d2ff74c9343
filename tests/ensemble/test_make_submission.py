import zipfile

import numpy as np
import pytest
from PIL import Image

from ensemble.class_shares import ClassShares
from ensemble.make_submission import make_submission, tile_labels
from landcover.classes import OPEN_EARTH_MAP
from landcover.errors import InputError
from landcover.images.raster import read_raster
from landcover.score_files.score_file import read_scores, write_scores

SIDE = 64


@pytest.fixture
def scene(write_member, write_sar, random_codes):
    """Two members, three tiles: plain, with a no-data wedge, without any data."""
    sar = {name: np.full((SIDE, SIDE), 50, np.uint8) for name in ("T_1", "T_2", "T_3")}
    sar["T_1"][20:23, 20:23] = 0  # dark water is data
    sar["T_2"][:, :32] = 0
    sar["T_3"][:] = 0
    codes = {name: random_codes(number, SIDE, SIDE) for number, name in enumerate(sar)}
    other = {name: random_codes(number + 10, SIDE, SIDE) for number, name in enumerate([*sar, "ValArea_1"])}
    members = [write_member("a", {**codes, "ValArea_1": codes["T_1"]}), write_member("b", other)]
    tiles = [write_sar(name, pixels) for name, pixels in sar.items()]
    expected = {name: (codes[name].astype(int) + other[name]).argmax(axis=0) + 1 for name in sar}
    expected["T_2"][:, :32] = 0
    expected["T_3"][:] = 0
    return members, tiles, expected


def test_the_submission_is_the_average_with_no_data_as_zero(tmp_path, scene, capsys) -> None:
    members, tiles, expected = scene
    path = make_submission(members, tiles, tmp_path / "run", "logits")
    assert path == tmp_path / "run" / "submission.zip"
    with zipfile.ZipFile(path) as archive:
        assert archive.namelist() == ["T_1.png", "T_2.png", "T_3.png"]
    for name, labels in expected.items():
        np.testing.assert_array_equal(read_raster(tmp_path / "run" / "submission" / f"{name}.png").pixels, labels)
    share = sum(int((labels == 0).sum()) for labels in expected.values()) / (3 * SIDE * SIDE)
    printed = capsys.readouterr().out
    assert f"  no data{share:>16.2%}\n" in printed
    assert all(name in printed for name in OPEN_EARTH_MAP.classes)
    assert "warning" not in printed


def test_no_data_is_where_the_bands_of_the_members_have_none(tmp_path, write_member, write_sar, random_codes) -> None:
    sar = np.full((4, 5, 2), 7.0, np.float32)
    sar[:2, :, 0], sar[:, :2, 1] = np.nan, np.nan  # a model of the second band alone has data in the first rows
    tile, no_data = write_sar("t", sar), np.isnan(sar[..., 1])
    member = write_member("vh", {"t": random_codes(1, 4, 5)}, no_data=no_data)
    np.testing.assert_array_equal(tile_labels([member], tile, "logits") == 0, no_data)


def test_a_class_that_the_training_labels_have_and_the_submission_lacks_is_told(tmp_path, scene, capsys) -> None:
    members, tiles, _ = scene
    training = ClassShares(0.0, np.array([0.2, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.2]))
    for member in members:
        for tile in tiles:
            path = member.score_file(tile.name)
            header, codes = read_scores(path)
            codes[7] = 0
            write_scores(path, codes, header)
    make_submission(members, tiles, tmp_path / "run", "logits", training=training)
    (warning,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("warning")]
    assert warning.startswith("warning: building is 0.00% of the submission, but 20.00% of the training labels")


def test_a_submission_that_is_mostly_zeros_is_warned_of(tmp_path, scene, capsys) -> None:
    members, tiles, _ = scene
    make_submission(members, tiles[2:], tmp_path / "run", "logits")
    assert (
        f"warning: {tmp_path / 'run' / 'submission.zip'}: 100.0% of the pixels are 0, a miss" in capsys.readouterr().out
    )


def test_the_same_input_gives_the_same_bytes_in_any_order(tmp_path, scene) -> None:
    members, tiles, _ = scene
    first = make_submission(members, tiles, tmp_path / "first", "probabilities")
    second = make_submission(members[::-1], tiles[::-1], tmp_path / "second", "probabilities")
    assert first.read_bytes() == second.read_bytes()


def test_pngs_of_an_earlier_run_for_other_tiles_disappear(tmp_path, scene) -> None:
    members, tiles, _ = scene
    make_submission(members, tiles, tmp_path / "run", "logits")
    path = make_submission(members, tiles[1:], tmp_path / "run", "logits")
    assert sorted(file.name for file in (tmp_path / "run" / "submission").iterdir()) == ["T_2.png", "T_3.png"]
    assert zipfile.ZipFile(path).namelist() == ["T_2.png", "T_3.png"]


def test_a_test_tile_without_scores_is_named(tmp_path, scene, write_sar) -> None:
    members, tiles, _ = scene
    extra = write_sar("T_9", np.full((4, 4), 50, np.uint8))
    with pytest.raises(InputError, match=r"score files of 4 test tiles, 1 missing in every member: T_9"):
        make_submission(members, [*tiles, extra], tmp_path / "run", "logits")
    with pytest.raises(InputError, match=r"expected test tiles .* set DFC_ROOT"):
        make_submission(members, [], tmp_path / "run", "logits")
    assert not (tmp_path / "run").exists()


def test_scores_of_another_size_than_the_sar_tile_are_refused(tmp_path, write_member, write_sar, random_codes) -> None:
    member = write_member("a", {"T_1": random_codes(0, 6, 5)})
    tile = write_sar("T_1", np.full((6, 6), 50, np.uint8))
    with pytest.raises(InputError, match=r"a/T_1.tif: expected 6x6 pixels as .*T_1.tif, found 6x5"):
        make_submission([member], [tile], tmp_path / "run", "logits")
    assert not (tmp_path / "run" / "submission.zip").exists()


def test_label_pngs_open_as_grey_images(tmp_path, scene) -> None:
    members, tiles, _ = scene
    make_submission(members, tiles, tmp_path / "run", "logits")
    with Image.open(tmp_path / "run" / "submission" / "T_1.png") as image:
        assert (image.mode, image.size) == ("L", (SIDE, SIDE))
