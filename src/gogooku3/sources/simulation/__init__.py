"""A simulated market whose planted signal, and so whose attainable RankIC, is known exactly."""
