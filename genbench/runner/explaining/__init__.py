"""What a page on one trained model is made of, a subject a file."""
