"""Encoders, decode heads, pretrained weights and files of trained models; mmseg knows the classes by name."""

import landcover.quiet_mmseg  # noqa: F401  before any module here imports mmseg
