"""Targets and labels: forward returns with their spans, and their per-day ranks."""
