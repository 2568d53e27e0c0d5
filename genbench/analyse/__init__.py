"""Statistics over records. No torch."""
