"""gogooku3 ranks stocks from daily bars."""
