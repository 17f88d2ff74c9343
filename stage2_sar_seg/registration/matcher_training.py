"""What a config of a matcher becomes for one set of pairs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from mmengine import Config
from torch import nn

from landcover.errors import InputError
from landcover.model_cards.origins import Origins
from landcover.processes.group import Processes
from landcover.run_files.manifest import digest_all, digest_text
from landcover.training.evaluation import Evaluation
from landcover.training.training import Training
from stage2_sar_seg.registration.heatmap import find_peak
from stage2_sar_seg.registration.matching_scores import LIMITS, MatchingScores, matching_scores
from stage2_sar_seg.registration.pairs.image_pair import ImagePair
from stage2_sar_seg.registration.pairs.matching_samples import MatchingSamples
from stage2_sar_seg.registration.pairs.pair_split import PairSplit
from stage2_sar_seg.registration.s2m2.semi_supervised import SemiSupervisedMatching

CROPS = 4
"""Crops of each test pair; drawn from a seed of their own, so that all trainings are compared on the same ones."""


def matcher_training(name: str, config: Config, split: PairSplit, folder: Path, seed: int) -> Training:
    """What `train_model` needs to train one matcher.

    Its model file names the classes of OpenEarthMap as that of every model does; they mean nothing there.

    Args:
        name: the matcher's name.
        config: of a matcher, see `landcover.training.config`.
        split: pairs to learn from and to test on.
        folder: the matcher's folder.
        seed: of everything random but the crops of the test.

    Raises:
        InputError: settings that matchers do not have.
    """
    if config.compile:
        raise InputError("compile: expected False for a matcher, found True; torch.compile is not used for these")
    search = config.model.search
    samples = MatchingSamples(
        split.labelled, split.unlabelled, config.crop_size, search, seed=seed, **config.train_dataloader.dataset
    )
    return Training(
        name=name,
        stage="matcher",
        modality="optical+sar",
        config=config,
        trained={
            "type": SemiSupervisedMatching.__name__,
            "network": config.model,
            "labelled_share": samples.labelled_share,
            **config.matching,
        },
        exported=network_of,
        dataset=samples,
        validation=None,
        inputs=lambda: {
            "labelled": _digest(split.labelled),
            **({"unlabelled": _digest(split.unlabelled)} if samples.labelled_share < 1 else {}),
            **({"test": _digest(split.test)} if split.test else {}),
        },
        folder=folder,
        seed=seed,
        further_evaluations=[test_scores(split.test, config.crop_size, search)] if split.test else [],
        origins=Origins(labels="offsets of the pairs"),
    )


def network_of(model: nn.Module) -> nn.Module:
    """What is exported of the module in training."""
    assert isinstance(model, SemiSupervisedMatching)
    return model.network


def test_scores(pairs: Sequence[ImagePair], patch: int, search: int) -> Evaluation:
    """Scores of the network in training on `CROPS` patches of each pair with known offset.

    The rates of `MatchingScores` compare iterations; the errors are logged beside them.
    """
    samples = MatchingSamples(pairs, [], patch, search)

    def values(model: nn.Module, processes: Processes) -> dict[str, float]:
        scores = network_scores(network_of(model), samples, CROPS * len(pairs), processes)
        rates = {f"test_cmr_{limit}": rate for limit, rate in scores.cmr.items()}
        return {**rates, "test_mean_error": scores.mean_error, "test_rmse": scores.rmse}

    return Evaluation(tuple(f"test_cmr_{limit}" for limit in LIMITS), values)


def network_scores(network: nn.Module, samples: MatchingSamples, count: int, processes: Processes) -> MatchingScores:
    """Scores on the first samples, shared out over processes; all get those of all.

    Args:
        network: an `S2M2Network`; put back to its mode afterwards.
        samples: labelled ones.
        count: how many.
        processes: those that share the work.
    """
    was_training = network.training
    network.eval()
    own = [_found_and_true(network, samples, ordinal, processes.device) for ordinal in processes.share(range(count))]
    network.train(was_training)
    everything = np.concatenate(processes.gather(np.reshape(own, (-1, 2, 2))))
    return matching_scores(everything[:, 0], everything[:, 1])


def _found_and_true(
    network: nn.Module, samples: MatchingSamples, ordinal: int, device: torch.device
) -> tuple[tuple[float, float], list[float]]:
    sample = samples[ordinal]
    images = (sample["inputs"][name][None].to(device) for name in ("sar", "optical"))
    with torch.inference_mode():
        peak = find_peak(network(*images).product[0].cpu().numpy())
    return (peak.row, peak.column), sample["data_samples"].position.tolist()


def _digest(pairs: Sequence[ImagePair]) -> str:
    """Of files and offsets."""
    offsets = "\n".join(f"{pair.name} {pair.offset}" for pair in pairs)
    return digest_text(digest_all([path for pair in pairs for path in (pair.sar, pair.optical)]) + offsets)
