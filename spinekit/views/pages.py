"""HTML pages that need nothing else: templates that escape all they are given, and pictures inside the page."""

from __future__ import annotations

import base64
from functools import cache

import jinja2
from jinja2.environment import TemplateModule
from markupsafe import Markup

from spinekit.views.wording import family_of, plain


@cache
def page_parts(name: str) -> TemplateModule:
    """The macros of a template of this package.

    Args:
        name: E.g. ``report.html``.
    """
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("spinekit.views"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=_cleaned,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"anchor": anchor, "family": family_of}
    return environment.get_template(name).module


def anchor(name: str) -> str:
    """A name as part of an ``id``: letters and digits of ASCII, everything else by its number."""
    return "".join(c if c.isascii() and c.isalnum() else f"_{ord(c):x}" for c in name)


def picture_address(content: bytes, kind: str) -> Markup:
    """A picture as an address that holds it whole.

    Args:
        content: Bytes of the file.
        kind: ``png`` or ``jpeg``.
    """
    # Base64 of our own bytes holds nothing that could need escaping.
    return Markup("data:image/{};base64,").format(kind) + Markup(base64.b64encode(content).decode("ascii"))


def _cleaned(value: object) -> object:
    """Every text on its way into the page: no control characters, none that turn the direction of reading."""
    return plain(value) if isinstance(value, str) and not isinstance(value, Markup) else value
