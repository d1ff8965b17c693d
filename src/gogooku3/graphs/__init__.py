"""Who is linked to whom, as of a session."""
