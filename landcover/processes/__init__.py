"""One process or many that work together, and their progress."""
