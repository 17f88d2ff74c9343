"""Stage 1: an optical teacher, adapted to the target without its labels, and the pseudo-labels it writes."""
