"""What a score would have earned, traded in the usual ways."""
