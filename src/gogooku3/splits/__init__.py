"""Folds that cannot leak: walk-forward by calendar year and purged k-fold, by label span."""
