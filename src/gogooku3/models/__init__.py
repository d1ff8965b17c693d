"""Models: plain arrays in, scores out; nothing of files' contents, dates or markets."""
