from __future__ import annotations

from pathlib import Path

import pytest
from mmengine import Config
from mmengine.dataset import pseudo_collate
from mmengine.logging import MMLogger
from mmengine.optim import build_optim_wrapper
from mmseg.registry import MODELS
from torch.profiler import ProfilerActivity, profile

from landcover.errors import InputError
from landcover.training.config import load_config
from tools.memory.blank_training import blank_training
from tools.memory.estimate import Estimate, estimate, train_a_step

CONFIGS = Path(__file__).parents[3] / "configs"
TEACHER, SAR_MODEL = "demo/teacher_segformer.py", "demo/sar_upernet_convnextv2.py"

RECOMPUTED, BF16 = "model.backbone.with_cp=True", "optim_wrapper.type=Bf16OptimWrapper"

pytestmark = pytest.mark.usefixtures("registered")


def config_of(name: str, *options: str) -> Config:
    MMLogger.get_current_instance().setLevel("ERROR")
    return load_config(CONFIGS / name, options)


def estimated(name: str, *options: str, gpus: int = 1) -> Estimate:
    return estimate(config_of(name, *options), gpus)


def allocated(config: Config, folder: Path) -> int:
    """Peak of what torch's allocator on the CPU gave out while a training was set up and did two steps."""
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True, acc_events=True) as profiler:
        training = blank_training(config, folder)
        data = pseudo_collate([training.dataset[n] for n in range(config.train_dataloader.batch_size)])
        model = MODELS.build(training.trained).train()
        wrapper = build_optim_wrapper(model, training.config.optim_wrapper)
        for _ in range(2):  # the optimizer's state is there in the second
            train_a_step(training, model, wrapper, data)
    changes = [event for event in profiler.profiler.kineto_results.events() if event.name() == "[memory]"]
    now = peak = 0
    for change in sorted(changes, key=lambda event: event.start_ns()):
        now += change.nbytes()
        peak = max(peak, now)
    return peak


@pytest.mark.parametrize("options", [["sar.bands=[VV,VH]", "sar.unit=decibel"], ["sar.band=VH", "sar.bands=3"]])
def test_bands_that_a_config_names_are_in_the_made_up_tile(options: list[str], tmp_path: Path) -> None:
    config = config_of("demo/sar_segformer.py", *options, "train_dataloader.dataset.augmentations=[]")
    before = config.pretty_text
    training = blank_training(config, tmp_path)
    bands = 2 if "sar.unit=decibel" in options else 1
    assert training.dataset[0]["inputs"].shape[0] == bands
    assert training.config.model.backbone.in_channels == (2 if bands == 2 else 3)
    assert config.pretty_text == before


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("demo/sar_segformer.py", []),
        ("demo/sar_upernet_swinv2.py", [RECOMPUTED]),
        ("demo/teacher_upernet_convnext.py", []),
    ],
)
def test_a_step_on_a_cpu_takes_what_was_estimated(name: str, options: list[str], tmp_path: Path) -> None:
    config = config_of(name, *options)
    found = estimate(config, gpus=1)
    assert found.total == pytest.approx(allocated(config, tmp_path), rel=0.1)
    assert found.batch == config.train_dataloader.batch_size


def test_student_teacher_and_optimizer_are_always_there() -> None:
    config = config_of(TEACHER)
    weights = sum(4 * parameter.numel() for parameter in MODELS.build(config.model).parameters())
    alone, shared = estimate(config, gpus=1), estimate(config, gpus=2)
    assert alone.kept == pytest.approx(4 * weights, rel=0.02)  # student, teacher, two moments
    assert shared.kept == pytest.approx(5 * weights, rel=0.02)  # and the buckets of the processes
    assert 0.5 * alone.step < shared.step < 0.6 * alone.step  # gradients are the same, the rest is half
    assert (alone.batch, shared.batch) == (8, 4)


@pytest.mark.parametrize("name", [TEACHER, SAR_MODEL])
def test_a_step_takes_less_on_more_gpus_recomputed_or_in_bf16(name: str) -> None:
    plain, recomputed, in_bf16 = estimated(name), estimated(name, RECOMPUTED), estimated(name, BF16)
    for smaller in (estimated(name, gpus=2), recomputed, in_bf16):
        assert 0.4 * plain.step < smaller.step < 0.9 * plain.step
    assert recomputed.kept == in_bf16.kept == plain.kept


def test_the_average_of_the_weights_counts() -> None:
    plain, averaged = estimated(SAR_MODEL), estimated(SAR_MODEL, "weight_ema=0.999")
    assert averaged.kept == pytest.approx(4 / 3 * plain.kept, rel=0.05)  # weights and two moments were there


def test_a_source_only_teacher_takes_no_more(tmp_path: Path) -> None:
    assert estimated(TEACHER, "self_training.target_weight=0.0").step < estimated(TEACHER).step


def test_sar_images_in_decibels_have_float_values() -> None:
    gain = "train_dataloader.dataset.augmentations.1={'type':'RandomGain','decibels':2.0,'probability':0.5}"
    grey, decibels = estimated(SAR_MODEL), estimated(SAR_MODEL, "sar.unit=decibel", gain)
    assert decibels.kept == grey.kept and decibels.step >= grey.step


def test_a_batch_that_can_not_be_shared_out_is_refused() -> None:
    with pytest.raises(InputError, match="batch_size: expected a multiple of the 3 processes"):
        estimated(TEACHER, gpus=3)
