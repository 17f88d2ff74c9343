"""SAR images as SAR: what their values are, how they are stretched, and their speckle."""

import landcover.quiet_mmseg  # noqa: F401  before any module here imports mmseg
