"""Averages of score files, label maps from them, and the contest submission: made, checked and scored."""
