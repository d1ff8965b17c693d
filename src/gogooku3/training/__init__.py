"""Training: per-day normalisation, and models over walk-forward folds."""
