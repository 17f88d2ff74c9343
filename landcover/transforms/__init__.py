"""Random augmentations of training tiles, drawn from a generator that belongs to the sample."""

from landcover import quiet_mmseg as quiet_mmseg
