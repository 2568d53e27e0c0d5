"""Identities and derived seeds: short hashes of content, stable across processes and machines."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence

JSON = None | bool | int | float | str | Sequence["JSON"] | Mapping[str, "JSON"]


def content_hash(content: JSON, *, digits: int = 12) -> str:
    """Hash ``content`` (anything JSON can say) by its canonical JSON text; ``digits`` hexadecimal digits."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:digits]


def bytes_hash(*chunks: bytes | memoryview, digits: int = 12) -> str:
    """Hash raw bytes, in order; ``digits`` hexadecimal digits of SHA-256."""
    digest = hashlib.sha256()
    for chunk in chunks:
        digest.update(chunk)
    return digest.hexdigest()[:digits]


def derive_seed(*parts: int | str) -> int:
    """A 63-bit seed that depends on every part, so that streams with different purposes never meet.

    ``derive_seed(seed, "noise", "generator", block)`` names one block of one stream. Adding a purpose
    elsewhere cannot shift it, and any block can be drawn without drawing those before it.
    """
    text = "\x1f".join(f"{type(part).__name__}:{part}" for part in parts)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


PLAIN_NAME = "1 to 48 letters, digits, '.', '_', '+' or '-', beginning with a letter or digit"
"""What a name that becomes a folder, a table row or part of a file name is made of, for messages."""


def is_plain_name(text: str) -> bool:
    """Whether ``text`` is what ``PLAIN_NAME`` says."""
    return re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,47}", text) is not None
