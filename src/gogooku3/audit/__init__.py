"""Proof by experiment that nothing known at a session depends on what happened after it."""
