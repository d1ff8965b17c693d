"""One kind of experiment a file."""
