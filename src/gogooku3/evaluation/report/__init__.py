"""Room: an evaluation as something to read. Import from the modules; this file stays cheap."""
