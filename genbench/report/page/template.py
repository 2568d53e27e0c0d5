"""Templates made into pages that hold everything in them and load nothing."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jinja2 import Environment


def rendered(template: str, content: Mapping[str, Any], styles: Sequence[str] = ("style.css",)) -> str:
    """A page. ``style``, ``script`` and the ``policy`` that lets nothing but these two in are added.

    Args:
        template: name of a file beside this one.
        content: what the template shows; all of it is escaped.
        styles: names of style sheets beside this one, one after the other.
    """
    from markupsafe import Markup

    style, script = "".join(map(_asset, styles)), _asset("script.js")
    page = _environment().get_template(template)
    policy = (
        f"default-src 'none'; img-src data:; style-src '{_hash(style)}'; script-src '{_hash(script)}'; "
        "base-uri 'none'; form-action 'none'"
    )
    # both are ours, and neither holds what would end its element
    safe = {"style": Markup(style), "script": Markup(script), "policy": policy}
    return page.render(**content, **safe)


@cache
def _environment() -> Environment:
    from jinja2 import Environment, FunctionLoader, StrictUndefined

    return Environment(
        loader=FunctionLoader(_asset),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def _asset(name: str) -> str:
    return (files(__package__) / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    """How a content security policy names an element's text."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
