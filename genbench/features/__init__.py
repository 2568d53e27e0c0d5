"""Pinned feature extractors: weights with their hash, and how they were made."""

from genbench.features.choose import extractor_for
from genbench.features.extractor import Extractor
from genbench.features.protocol import Features

__all__ = ["Extractor", "Features", "extractor_for"]
