"""What a run has found: a table for the terminal and one HTML page."""
