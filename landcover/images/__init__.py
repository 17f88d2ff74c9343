"""Images on disk: rasters with their georeferencing, footprints, pixels without data."""
