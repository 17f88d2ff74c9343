"""Published data sets: which files make up a tile, and clear errors when one is not there."""
