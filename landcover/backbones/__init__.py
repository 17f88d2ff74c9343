"""Image encoders that return feature maps at several strides, registered with mmseg by class name."""

import landcover.quiet_mmseg  # noqa: F401  before any module here imports mmseg
