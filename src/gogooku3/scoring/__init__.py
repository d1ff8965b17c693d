"""Scoring: a trained model over sessions of a panel."""
