"""Features: what is measured of each stock on each session, from its past alone."""
