"""One trained model as an illustrated page: what is known of it, its figures, and the page."""
