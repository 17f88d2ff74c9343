"""Decode heads, registered with mmseg by class name."""

import landcover.quiet_mmseg  # noqa: F401  before any module here imports mmseg
