"""Stage 2: SAR models trained on pseudo-labels, and their predictions."""
