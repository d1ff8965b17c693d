"""What a score is made of: where it works, how long, and what it resembles."""
