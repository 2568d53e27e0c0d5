"""Where genbench keeps what it can make or fetch again."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs


def cache_dir() -> Path:
    """``$GENBENCH_CACHE``, else this user's cache directory for genbench. Not created here."""
    chosen = os.environ.get("GENBENCH_CACHE")
    return Path(chosen) if chosen else platformdirs.user_cache_path("genbench")
