"""Pinned feature extractors: weights with their hash, and how they were made."""

from genbench.features.extractor import Extractor, Features, extractor_for

__all__ = ["Extractor", "Features", "extractor_for"]
