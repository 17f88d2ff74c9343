"""Folders of label files: sets of one origin, what they are worth, and stages that change them."""
