"""Room: what a set of scores is worth, from plain arrays. Import from the modules; this file stays cheap."""
