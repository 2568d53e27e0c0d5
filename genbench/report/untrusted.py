"""Names and reasons come from files that anyone may have written: made harmless before they are shown."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

# Control characters move the cursor or recolour a terminal; format characters reverse the reading order;
# surrogates cannot be encoded. None of them belongs in a name.
_HARMFUL = {"Cc", "Cf", "Cs", "Co", "Cn"}
_ESCAPE_SEQUENCE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")


@lru_cache(maxsize=4096)
def clean(text: str) -> str:
    """One line of printable text: escape sequences and control characters gone, white space single."""
    text = re.sub(r"\s", " ", _ESCAPE_SEQUENCE.sub("", text))
    printable = "".join(letter for letter in text if unicodedata.category(letter) not in _HARMFUL)
    return re.sub(" +", " ", printable).strip()  # last: what is dropped may have stood between two spaces
