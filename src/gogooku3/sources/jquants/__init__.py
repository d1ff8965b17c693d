"""J-Quants API V2: the client, the store of days, and the fetch that fills it."""
