from collections.abc import Callable
from pathlib import Path

import pytest
from a_suite import SUITE


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str | bytes], Path]:
    """A suite file of this content."""

    def make(content: str | bytes = SUITE) -> Path:
        path = tmp_path / "suite.toml"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return make
