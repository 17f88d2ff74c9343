"""What the two stages and the ensemble share: files, class scheme, metrics, data sets, models, prediction."""
