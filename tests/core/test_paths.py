from pathlib import Path

import pytest

from genbench.core.paths import cache_dir


def test_the_environment_chooses_the_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("GENBENCH_CACHE", str(tmp_path))
    assert cache_dir() == tmp_path
    monkeypatch.delenv("GENBENCH_CACHE")
    assert "genbench" in cache_dir().parts
