"""What a model is, in a page for people: made of what, under which licences, for which images, how good."""
