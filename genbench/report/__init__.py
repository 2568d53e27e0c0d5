"""Tables and pictures from records. No torch."""
