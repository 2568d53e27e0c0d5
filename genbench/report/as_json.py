"""Tables in JSON, for other programs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict

from genbench.report.tables import Table
from genbench.report.untrusted import clean_all

SCHEMA = 1


def render_json(tables: Sequence[Table]) -> str:
    """Tables as ``{"schema": 1, "tables": [...]}``: the fields of ``genbench.report.tables.Table``."""
    content = {"schema": SCHEMA, "tables": [clean_all(asdict(table)) for table in tables]}
    return json.dumps(content, ensure_ascii=False, allow_nan=False, indent=2) + "\n"
