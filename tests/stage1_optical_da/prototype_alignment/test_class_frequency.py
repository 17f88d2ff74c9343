import pytest
import torch

from stage1_optical_da.prototype_alignment.class_frequency import ClassFrequency


def test_the_first_step_sets_the_shares_and_later_ones_average_them() -> None:
    frequency = ClassFrequency(2)
    frequency.update(torch.tensor([30, 10]))
    assert frequency.shares.tolist() == [0.75, 0.25]
    frequency.update(torch.tensor([0, 0]))  # a step without labels
    frequency.update(torch.tensor([10, 30]))
    assert frequency.shares.tolist() == [0.5, 0.5]
    for _ in range(2000):
        frequency.update(torch.tensor([90, 10]))
    assert frequency.shares.tolist() == pytest.approx([0.9, 0.1], abs=1e-3)


def test_rarer_classes_weigh_more_and_need_less_confidence() -> None:
    frequency = ClassFrequency(3)
    frequency.update(torch.tensor([8, 2, 0]))
    assert frequency.sampling_weights().tolist() == pytest.approx([1.25, 5.0, 1e4])
    assert frequency.confidences(0.96, 0.8).tolist() == pytest.approx([0.96, 0.84, 0.8])
