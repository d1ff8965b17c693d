"""The strict backtest: what a score would have earned after costs, from arrays. Import from the modules."""
