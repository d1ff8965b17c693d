"""Layers of the deep models, one idea a file; day-major blocks [sessions, stocks, channels]."""
