"""The labels of a training sample on their way from a loader process to the device."""

from __future__ import annotations

from typing import Any

import torch
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample
from torch import Tensor


class TrainingSample(SegDataSample):
    """mmseg's sample with labels of one byte per pixel, eight as losses need them once `to` has moved them.

    Every preprocessor of mmengine moves its batch by `to`, so that no network sees the narrow labels. Of a crop of
    1024 x 1024 pixels 1 MiB and not 8 goes through shared memory, of which a container has 64 MiB, and to the device.
    """

    @staticmethod
    def of(indices: Tensor, image_path: str) -> TrainingSample:
        """The sample of one crop.

        Args:
            indices: training indices (1, H, W), uint8.
            image_path: of its image; mmseg's name for it is `img_path`.
        """
        sample = TrainingSample(metainfo={"img_path": image_path})
        sample.gt_sem_seg = PixelData(data=indices)
        return sample

    def to(self, *args: Any, **kwargs: Any) -> TrainingSample:  # torch's arguments
        """The sample elsewhere, its labels int64."""
        moved: TrainingSample = super().to(*args, **kwargs)
        moved.gt_sem_seg.data = moved.gt_sem_seg.data.to(torch.int64)
        return moved

    def pin_memory(self) -> TrainingSample:
        """The sample in page-locked memory; torch's loaders ask for it by this name, mmengine's samples have none."""
        return TrainingSample.of(self.gt_sem_seg.data.pin_memory(), self.img_path)
