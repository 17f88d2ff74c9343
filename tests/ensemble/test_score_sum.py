import numpy as np
import pytest

from ensemble.average import average_labels
from ensemble.score_sum import ScoreSum
from ensemble.weights import tile_weights
from landcover.classes import OPEN_EARTH_MAP
from landcover.score_files.score_file import encode


def softmax(seed: int, height: int = 30, width: int = 20) -> np.ndarray:
    scores = np.exp(np.random.default_rng(seed).normal(0, 2, (8, height, width)))
    return (scores / scores.sum(axis=0)).astype(np.float32)


@pytest.mark.parametrize(("average", "encoding"), [("logits", "logit"), ("probabilities", "probability")])
@pytest.mark.parametrize("factors", [None, [1, 1, 4, 1, 0.5, 1, 1, 1]])
def test_the_labels_are_those_of_score_files(tmp_path, write_file, average, encoding, factors) -> None:
    models = [softmax(seed) for seed in range(4)]
    own = [1.0, 0.5, 3.0, 1 / 3]
    paths = [write_file(tmp_path / str(m) / "t.tif", encode(p, encoding), encoding) for m, p in enumerate(models)]
    total = ScoreSum(tile_weights(own, 8, average, factors), 30, 20, average)
    for member in (2, 0, 3, 1):
        total.add(member, models[member])
    expected = average_labels(paths, own, average, OPEN_EARTH_MAP, factors)
    np.testing.assert_array_equal(total.labels(OPEN_EARTH_MAP), expected)


def test_the_labels_are_those_of_the_mean_but_where_codes_round() -> None:
    models = [softmax(seed) for seed in range(3)]
    total = ScoreSum(tile_weights([1, 1, 1], 8, "logits"), 30, 20)
    for member, probabilities in enumerate(models):
        total.add(member, probabilities)
    mean = np.mean([np.log(np.maximum(p.astype(np.float64), np.exp(-10))) for p in models], axis=0)
    chosen = np.take_along_axis(mean, total.labels(OPEN_EARTH_MAP)[None].astype(int) - 1, axis=0)[0]
    assert (mean.max(axis=0) - chosen).max() <= 10 / 255 + 1e-6  # half a code step for each of two classes
    assert (mean.argmax(axis=0) + 1 == total.labels(OPEN_EARTH_MAP)).mean() > 0.98


def test_every_model_is_added_once() -> None:
    total = ScoreSum(tile_weights([1, 1], 8, "logits"), 4, 4)
    total.add(1, softmax(0, 4, 4))
    with pytest.raises(ValueError, match=r"one of the models \[0\] that are missing, got 1"):
        total.add(1, softmax(0, 4, 4))
    with pytest.raises(ValueError, match=r"the models \[0\] are missing"):
        total.labels(OPEN_EARTH_MAP)
    with pytest.raises(ValueError, match=r"expected probabilities of shape \(8, 4, 4\), got \(8, 4, 5\)"):
        total.add(0, softmax(0, 4, 5))
