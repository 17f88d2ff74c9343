"""Score files: what one model thinks of one image, tile by tile."""
