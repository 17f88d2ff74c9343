import copy

import numpy as np
import pytest
import torch
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample

from landcover.errors import InputError
from landcover.prediction.sliding_window import normalise
from landcover.sar.preprocessor import SarPreprocessor
from landcover.sar.speckle_filters import lee, refined_lee

LOG = {"type": "log", "floor": 2.0}
CLIP = {"type": "percentile", "low": 20.0, "high": 200.0}
SETTINGS = [
    {},
    {"stretch": LOG},
    {"stretch": CLIP, "bands": 3},
    {"despeckle": {"type": "lee", "window": 5, "looks": 2.0}, "stretch": LOG, "bands": 3},
    {"despeckle": {"type": "refined_lee"}, "unit": "intensity"},
]

TWO = {"mean": [60.0, 20.0], "std": [40.0, 8.0], "bands": 2}


def build(**settings):
    from mmseg.registry import MODELS

    return MODELS.build({"type": "SarPreprocessor", "mean": [60.0], "std": [40.0], **settings})


def image(height, width, seed=0, dtype=torch.uint8):
    values = np.random.default_rng(seed).gamma(4, 15, (1, height, width)).clip(0, 255)
    return torch.from_numpy(values.astype(np.uint8)).to(dtype)


def labelled(height, width):
    sample = SegDataSample()
    sample.gt_sem_seg = PixelData(data=torch.ones(1, height, width, dtype=torch.int64))
    return sample


@pytest.mark.usefixtures("registered")
def test_prepare_filters_intensities_then_stretches():
    pixels = image(20, 30)
    amplitude = build(despeckle={"type": "lee", "window": 5, "looks": 2.0}, stretch=LOG)
    expected = 20 * lee(pixels.float() ** 2, 5, 2.0).sqrt().clamp(min=2.0).log10()
    torch.testing.assert_close(amplitude.prepare(pixels), expected)
    intensity = build(despeckle={"type": "refined_lee", "looks": 3.0}, stretch=LOG, unit="intensity")
    expected = 10 * refined_lee(pixels.float(), 3.0).clamp(min=2.0).log10()
    torch.testing.assert_close(intensity.prepare(pixels), expected)
    decibels = pixels.float() / 10 - 20
    decibel = build(despeckle={"type": "lee"}, stretch=LOG, unit="decibel")
    torch.testing.assert_close(decibel.prepare(decibels), 10 * lee(10 ** (decibels / 10)).log10())


@pytest.mark.usefixtures("registered")
@pytest.mark.parametrize("dtype", [torch.uint8, torch.uint16, torch.float32])
def test_without_settings_it_is_the_preprocessor_of_mmseg(dtype):
    from mmseg.registry import MODELS

    plain = MODELS.build(
        {"type": "SegDataPreProcessor", "mean": [60.0], "std": [40.0], "size_divisor": 32, "seg_pad_val": 255}
    )
    ours = build()
    assert list(ours.state_dict()) == list(plain.state_dict())
    data = {"inputs": [image(40, 50, dtype=dtype), image(33, 20, 1, dtype)], "data_samples": None}
    for training in (True, False):
        batches = []
        for preprocessor in (plain, ours):
            shapes = [pixels.shape[1:] for pixels in data["inputs"]] if training else [data["inputs"][0].shape[1:]] * 2
            inputs = data["inputs"] if training else [data["inputs"][0]] * 2
            samples = [labelled(*shape) for shape in shapes]
            batches.append(preprocessor({"inputs": inputs, "data_samples": samples}, training))
        assert torch.equal(batches[0]["inputs"], batches[1]["inputs"])
        for first, second in zip(*(batch["data_samples"] for batch in batches), strict=True):
            assert torch.equal(first.gt_sem_seg.data, second.gt_sem_seg.data)
            assert first.metainfo == second.metainfo


@pytest.mark.usefixtures("registered")
@pytest.mark.parametrize("settings", SETTINGS)
def test_a_training_batch_is_every_image_normalised_then_padded(settings):
    preprocessor = build(**settings)
    images = [image(40, 50), image(33, 20, 1)]
    batch = preprocessor({"inputs": images, "data_samples": [labelled(40, 50), labelled(33, 20)]}, True)
    bands = settings.get("bands", 1)
    assert batch["inputs"].shape == (2, bands, 64, 64) and batch["inputs"].dtype == torch.float32
    for pixels, result, sample in zip(images, batch["inputs"], batch["data_samples"], strict=True):
        height, width = pixels.shape[1:]
        expected = torch.zeros(bands, 64, 64)
        expected[:, :height, :width] = preprocessor.normalise(pixels)
        torch.testing.assert_close(result, expected, rtol=0, atol=0)
        labels = torch.full((1, 64, 64), 255)
        labels[:, :height, :width] = 1
        assert torch.equal(sample.gt_sem_seg.data, labels)


@pytest.mark.usefixtures("registered")
@pytest.mark.parametrize("settings", SETTINGS)
def test_testing_and_prediction_normalise_alike(settings):
    preprocessor = build(**settings)
    images = [image(40, 50), image(40, 50, 1)]
    batch = preprocessor({"inputs": images}, False)
    model = torch.nn.Module()
    model.data_preprocessor = preprocessor
    expected = normalise(torch.stack(images).float(), model)
    assert torch.equal(batch["inputs"], expected)
    alone = (preprocessor.prepare(images[0]) - 60) / 40
    torch.testing.assert_close(expected[0], alone.expand(settings.get("bands", 1), 40, 50), rtol=0, atol=1e-6)


@pytest.mark.usefixtures("registered")
def test_three_bands_are_one_in_memory_and_the_input_stays():
    pixels = image(8, 8, dtype=torch.float32)
    before = pixels.clone()
    bands = build(bands=3, stretch=CLIP).normalise(pixels)
    assert bands.shape == (3, 8, 8) and bands.stride(0) == 0
    assert torch.equal(pixels, before)


@pytest.mark.usefixtures("registered")
@pytest.mark.parametrize(
    ("settings", "of_first", "of_second"),
    [
        ({}, {}, {}),
        ({"despeckle": {"type": "refined_lee"}}, *[{"despeckle": {"type": "refined_lee"}}] * 2),
        (
            {"stretch": {"type": "log", "floor": [2.0, 5.0]}},
            {"stretch": LOG},
            {"stretch": {"type": "log", "floor": 5.0}},
        ),
        (
            {"stretch": {"type": "percentile", "low": [20.0, 1.0], "high": [200.0, 30.0]}, "unit": "intensity"},
            {"stretch": CLIP, "unit": "intensity"},
            {"stretch": {"type": "percentile", "low": 1.0, "high": 30.0}, "unit": "intensity"},
        ),
    ],
)
def test_every_band_is_prepared_as_if_it_were_alone(settings, of_first, of_second):
    first, second = image(33, 20), image(33, 20, 1) // 2
    both = torch.cat([first, second])
    together = build(**TWO, **settings)
    alone = [build(**of_first).normalise(first), build(mean=[20.0], std=[8.0], **of_second).normalise(second)]
    torch.testing.assert_close(together.normalise(both), torch.cat(alone), rtol=0, atol=0)
    batch = together({"inputs": [both, both], "data_samples": [labelled(33, 20)] * 2}, True)
    assert batch["inputs"].shape == (2, 2, 64, 32)
    assert torch.equal(batch["inputs"][1, :, :33, :20], torch.cat(alone))


@pytest.mark.usefixtures("registered")
def test_autocast_does_not_round_what_the_network_gets():
    preprocessor = build(despeckle={"type": "refined_lee"}, stretch=LOG)
    expected = preprocessor({"inputs": [image(32, 32)]})["inputs"]
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(preprocessor({"inputs": [image(32, 32)]})["inputs"], expected)


@pytest.mark.usefixtures("registered")
def test_a_copy_is_the_same():
    preprocessor = build(despeckle={"type": "lee"}, stretch=LOG, bands=3)
    again = copy.deepcopy(preprocessor)
    assert isinstance(again, SarPreprocessor)
    assert torch.equal(again.normalise(image(9, 9)), preprocessor.normalise(image(9, 9)))


@pytest.mark.usefixtures("registered")
@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"unit": "dB"}, "sar.unit: expected one of amplitude, intensity, decibel, found 'dB'"),
        ({"bands": 2}, "sar.bands: expected 1 or 3 for 1 band read, found 2"),
        ({"mean": [1.0, 2.0], "std": [1.0, 2.0]}, "sar.bands: expected 2 for 2 bands read, found 1"),
        (
            {**TWO, "stretch": {"type": "log", "floor": 2.0}},
            "sar.stretch: expected the number floor of each of 2 bands for type 'log', found",
        ),
        (
            {**TWO, "stretch": {"type": "percentile", "low": [1.0, 3.0], "high": [2.0, 3.0]}},
            "sar.stretch: expected low below high, found [1.0, 3.0] and [2.0, 3.0]",
        ),
        ({**TWO, "stretch": {"type": "log", "floor": [1.0, 0.0]}}, "sar.stretch: expected a floor above 0"),
        ({"stretch": "log"}, "sar.stretch: expected None or a type of 'log' or 'percentile', found 'log'"),
        ({"despeckle": "lee"}, "sar.despeckle: expected None or a type of 'lee' or 'refined_lee', found 'lee'"),
        ({"despeckle": {"type": "frost"}}, "sar.despeckle: expected None or a type of 'lee' or 'refined_lee'"),
        ({"despeckle": {"type": "lee", "size": 5}}, "sar.despeckle: expected looks and window for type 'lee'"),
        ({"despeckle": {"type": "refined_lee", "window": 7}}, "sar.despeckle: expected looks for type 'refined_lee'"),
        ({"despeckle": {"type": "lee", "window": 4}}, "sar.despeckle: expected an odd window of at least 3, found 4"),
        ({"despeckle": {"type": "lee", "looks": 0}}, "sar.despeckle: expected looks above 0, found 0"),
        ({"mean": [1.0, 2.0, 3.0]}, "data_preprocessor: expected a mean and a std above 0 for every band"),
        ({"std": [0.0]}, "data_preprocessor: expected a mean and a std above 0 for every band"),
        ({**TWO, "std": [1.0, 0.0]}, "data_preprocessor: expected a mean and a std above 0 for every band"),
    ],
)
def test_wrong_settings_are_refused_by_key(settings, message):
    with pytest.raises(InputError) as error:
        build(**settings)
    assert str(error.value).startswith(message)
