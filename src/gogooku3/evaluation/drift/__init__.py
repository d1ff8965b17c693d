"""Whether what a model sees, says and earns is still what it was trained on."""
