"""What a search leaves in its folder about itself."""

ABOUT = "sweep.json"
"""File that says of what a search is."""
