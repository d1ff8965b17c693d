"""Where trials are computed."""
