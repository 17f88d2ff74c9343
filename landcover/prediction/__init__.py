"""Class probabilities of whole images: views, sliding window, score files."""
