"""The page's words: one YAML file a language beside this module, of the same make as those of the report."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from spinekit.core.errors import UsageError
from spinekit.schemas import load_yaml

FOLDER = Path(__file__).resolve().parent / "languages"


def language_files() -> dict[str, Path]:
    """The languages that there are, by code, English first."""
    found = sorted(FOLDER.glob("*.yaml"), key=lambda path: (path.stem != "en", path.stem))
    return {path.stem: path for path in found}


@cache
def words_of(code: str) -> dict[str, Any]:
    """All words of a language, and the names of those that there are; English where there is no such language.

    Args:
        code: Two letters.

    Raises:
        UsageError: If a file is not whole.
    """
    files = language_files()
    chosen = code if code in files else "en"
    content = _content(files[chosen])
    return {
        "code": chosen,
        "plural": content["plural"],
        "text": content["text"],
        "count": content["count"],
        "languages": {name: _content(path)["name"] for name, path in files.items()},
    }


def _content(path: Path) -> dict[str, Any]:
    content = load_yaml(path)
    if not isinstance(content, dict) or not {"name", "plural", "text", "count"} <= set(content):
        raise UsageError(f"{path.name}: lacks name, plural, text or count -- see en.yaml")
    return content
