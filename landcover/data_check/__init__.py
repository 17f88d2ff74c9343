"""Whether the files of a data set are what training needs."""
