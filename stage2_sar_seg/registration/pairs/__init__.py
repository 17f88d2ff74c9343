"""Pairs of SAR and optical images from which matchers learn: data sets, their split, crops with a known offset."""
