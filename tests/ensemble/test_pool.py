import numpy as np
import pytest

from ensemble.pool import cross_entropy, minimise_cross_entropy


def members(average: str, seed: int = 0, count: int = 3, pixels: int = 300) -> tuple[np.ndarray, np.ndarray]:
    """Scores (M, 4, N) of models that know the class, the first best and the last not at all."""
    rng = np.random.default_rng(seed)
    classes = rng.integers(0, 4, pixels)
    logits = rng.normal(0, 1, (count, 4, pixels))
    for member, gain in enumerate(np.linspace(2, 0, count)):
        logits[member, classes, np.arange(pixels)] += gain
    logits -= np.log(np.exp(logits).sum(axis=1, keepdims=True))
    return (logits if average == "logits" else np.exp(logits)), classes


@pytest.mark.parametrize("average", ["logits", "probabilities"])
def test_cross_entropy_and_gradient_are_those_of_the_definition(average) -> None:
    scores, classes = members(average)
    weights = np.array([0.2, 0.5, 0.3])

    def by_hand(weights: np.ndarray) -> float:
        pooled = sum(weight * own for weight, own in zip(weights, scores, strict=True))
        odds = np.exp(pooled) if average == "logits" else pooled
        return -np.mean([np.log(odds[y, n] / odds[:, n].sum()) for n, y in enumerate(classes)])

    loss, gradient = cross_entropy(weights, scores, classes, average)
    assert loss == pytest.approx(by_hand(weights), rel=1e-12)
    along = np.array([0.7, -0.3, -0.4])  # weights keep their sum
    slope = (by_hand(weights + 1e-6 * along) - by_hand(weights - 1e-6 * along)) / 2e-6
    assert gradient @ along == pytest.approx(slope, rel=1e-6)


def test_members_that_exclude_what_the_other_is_sure_of_leave_both_classes_equal() -> None:
    sure = np.array([[[0.0, 0.0], [-2000.0, -2000.0]], [[-2000.0, 0.0], [0.0, -2000.0]]])  # at odds on the first pixel
    loss, gradient = cross_entropy(np.array([0.5, 0.5]), sure, np.array([0, 0]), "logits")
    assert loss == pytest.approx(np.log(2) / 2)
    np.testing.assert_allclose(gradient, [-500, 500])


@pytest.mark.parametrize("average", ["logits", "probabilities"])
def test_the_weights_are_the_minimum_of_a_grid(average) -> None:
    scores, classes = members(average)
    found = minimise_cross_entropy(scores, classes, average)
    assert found.sum() == pytest.approx(1)
    grid = [(a / 50, b / 50, 1 - (a + b) / 50) for a in range(51) for b in range(51 - a)]
    best = min(cross_entropy(np.array(weights), scores, classes, average)[0] for weights in grid)
    assert cross_entropy(found, scores, classes, average)[0] <= best + 1e-5


@pytest.mark.parametrize("average", ["logits", "probabilities"])
def test_a_model_that_knows_nothing_gets_hardly_any_weight(average) -> None:
    found = minimise_cross_entropy(*members(average, pixels=4000), average)
    assert found[0] > found[1] > found[2]
    assert found[2] < 0.1


def test_equal_models_share_the_weight() -> None:
    scores, classes = members("logits", count=1)
    found = minimise_cross_entropy(np.concatenate([scores, scores]), classes, "logits")
    np.testing.assert_allclose(found, [0.5, 0.5])
