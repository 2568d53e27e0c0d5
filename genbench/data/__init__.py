"""Datasets, one a file; fetching them."""
