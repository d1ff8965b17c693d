"""What is shipped of a training: weights, what they need to score, what they were made from, and a card."""
