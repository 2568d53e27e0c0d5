"""Pinned feature extractors: weights with their hash and how they were made."""
