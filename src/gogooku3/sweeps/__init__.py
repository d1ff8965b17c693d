"""Hyperparameter search: a space, trials, a study that survives, and what may be believed of its best."""
