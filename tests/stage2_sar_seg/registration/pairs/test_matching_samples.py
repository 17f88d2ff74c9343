from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from landcover.errors import InputError
from landcover.images.raster import write_raster
from stage2_sar_seg.registration.pairs.image_pair import ImagePair
from stage2_sar_seg.registration.pairs.matching_samples import TURNS, MatchingSamples, turned, turned_position


def write_pair(folder: Path, name: str, offset: tuple[int, int], side: int = 60, empty_columns: int = 0) -> ImagePair:
    """A SAR image that shows the optical one `offset` away from where it is there."""
    ground = np.random.default_rng([*name.encode()]).integers(1, 256, (side + 20, side + 20, 3), dtype=np.uint8)
    optical = ground[10 : 10 + side, 10 : 10 + side].copy()
    rows, columns = (slice(10 + move, 10 + move + side) for move in offset)
    sar = ground[rows, columns, 0].copy()
    sar[:, :empty_columns] = 0
    pair = ImagePair(name, folder / f"{name}_sar.tif", folder / f"{name}_optical.tif", offset)
    write_raster(pair.sar, sar)
    write_raster(pair.optical, optical)
    return pair


def correlation(sample: dict) -> float:
    """Of the patch and what the window shows at its position."""
    sar, optical = (sample["inputs"][name] for name in ("sar", "optical"))
    row, column = (int(n) for n in sample["data_samples"].position)
    shown = optical[0, row : row + sar.shape[1], column : column + sar.shape[2]]
    return float(np.corrcoef(sar.flatten(), shown.flatten())[0, 1])


@pytest.mark.parametrize("turned", [False, True])
def test_the_window_shows_the_patch_at_its_position(tmp_path: Path, turned: bool) -> None:
    pairs = [write_pair(tmp_path, name, offset) for name, offset in (("a", (3, -2)), ("b", (-1, 5)), ("c", (0, 0)))]
    samples = MatchingSamples(pairs, [], patch=32, search=8, turned=turned)
    positions = set()
    for ordinal in range(30):
        sample = samples[ordinal]
        assert (tuple(sample["inputs"]["sar"].shape), tuple(sample["inputs"]["optical"].shape)) == (
            (1, 32, 32), (3, 48, 48)
        )  # fmt: skip
        assert correlation(sample) == pytest.approx(1, abs=1e-5)
        positions.add(tuple(sample["data_samples"].position.tolist()))
    assert len(positions) > 25 and min(map(min, positions)) >= 0 and max(map(max, positions)) <= 16


def test_positions_of_offsets_between_pixels_lie_between_pixels(tmp_path: Path) -> None:
    pair = write_pair(tmp_path, "a", (0, 0))
    samples = MatchingSamples([ImagePair("a", pair.sar, pair.optical, (1.25, -2.5))], [], patch=32, search=8)
    positions = torch.stack([samples[n]["data_samples"].position for n in range(20)])
    assert torch.equal(positions % 1, torch.tensor([0.25, 0.5]).expand(20, 2))
    assert positions.min() >= 0 and positions.max() <= 16


def test_one_sample_in_so_many_is_labelled_and_an_epoch_sees_every_pair_once(tmp_path: Path) -> None:
    known = [write_pair(tmp_path, name, (1, 1)) for name in "ab"]
    others = [write_pair(tmp_path, name, (2, 2)) for name in "cdefgh"]
    samples = MatchingSamples(known, others, patch=32, search=8, unlabelled_per_labelled=3)
    assert samples.labelled_share == 0.25 and len(samples) == 8
    seen = [samples[ordinal]["data_samples"] for ordinal in range(8)]
    assert [bool(sample.labelled) for sample in seen] == [True, False, False, False] * 2
    names = [Path(sample.metainfo["img_path"]).name[0] for sample in seen]
    assert sorted(names) == list("abcdefgh") and {names[0], names[4]} == {"a", "b"}


def test_labelled_pairs_alone_are_possible(tmp_path: Path) -> None:
    known, other = write_pair(tmp_path, "a", (0, 0)), write_pair(tmp_path, "b", (0, 0))
    for unlabelled, ratio in (([], 15), ([other], 0)):
        samples = MatchingSamples([known], unlabelled, patch=32, search=8, unlabelled_per_labelled=ratio)
        assert samples.labelled_share == 1 and len(samples) == 1
        assert all(samples[n]["data_samples"].labelled for n in range(4))


def test_a_sample_depends_on_seed_and_ordinal_alone(tmp_path: Path) -> None:
    pairs = [write_pair(tmp_path, name, (1, 0)) for name in "abc"]
    one, other = (MatchingSamples(pairs[:1], pairs[1:], 32, 8, 1, seed=4) for _ in range(2))
    one[17]
    for name in ("sar", "optical"):
        assert torch.equal(one[5]["inputs"][name], other[5]["inputs"][name])
    different = MatchingSamples(pairs[:1], pairs[1:], 32, 8, 1, seed=5)
    assert not torch.equal(one[5]["inputs"]["sar"], different[5]["inputs"]["sar"])


def test_crops_with_much_data_are_preferred(tmp_path: Path) -> None:
    pair = write_pair(tmp_path, "a", (0, 0), side=120, empty_columns=50)
    shares = []
    for min_data in (0.0, 0.98):
        samples = MatchingSamples([pair], [], patch=32, search=8, min_data=min_data)
        shares.append(np.mean([(samples[n]["inputs"]["sar"] != 0).float().mean() for n in range(40)]))
    assert shares[0] < 0.75 and shares[1] > 0.95


def test_turned_images_and_positions_go_together() -> None:
    window = np.arange(25, dtype=np.float32).reshape(1, 5, 5)
    position = np.array([1.0, 0.0])
    patches = set()
    for turn in range(TURNS):
        row, column = turned_position(position, 2, turn).astype(int)
        shown = turned(window, turn)[:, row : row + 3, column : column + 3]
        np.testing.assert_array_equal(shown, turned(window[:, 1:4, 0:3], turn))
        patches.add(tuple(shown.ravel()))
    assert len(patches) == TURNS


def test_what_can_not_be_sampled_is_told(tmp_path: Path) -> None:
    pair = write_pair(tmp_path, "a", (0, 0))
    far = ImagePair("a", pair.sar, pair.optical, (0.0, 45.0))
    cases = [
        (pair, 50, 8, r"a_sar\.tif: expected 66 pixels or more in every direction .* found 60 x 60"),
        (far, 32, 8, r"expected an offset of less than 16 pixels, twice model\.search, found \(0\.0, 45\.0\)"),
    ]
    for bad, patch, search, message in cases:
        with pytest.raises(InputError, match=message):
            MatchingSamples([bad], [], patch, search)[0]
    with pytest.raises(InputError, match="labelled pairs: expected at least one, found none"):
        MatchingSamples([], [pair], 32, 8)
    with pytest.raises(InputError, match="unlabelled_per_labelled: expected 0 or more, found -1"):
        MatchingSamples([pair], [], 32, 8, -1)
