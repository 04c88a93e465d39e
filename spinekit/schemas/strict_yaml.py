"""YAML read as data only: no objects, no aliases, no doubled keys, bounded in size and depth."""

from __future__ import annotations

from collections.abc import Hashable
from pathlib import Path
from typing import Any

import yaml

from spinekit.core.errors import UsageError

MAX_BYTES = 1_000_000
MAX_DEPTH = 20


class _StrictLoader(yaml.SafeLoader):
    """SafeLoader that refuses what makes YAML surprising or dangerous."""

    depth = 0
    number_keys = False

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        """One node; aliases are refused because a few bytes of them unfold to gigabytes."""
        event: Any = self.peek_event()  # type: ignore[no-untyped-call]
        if isinstance(event, yaml.AliasEvent):
            raise _refusal("aliases (*name) are not allowed", event)
        if self.depth >= MAX_DEPTH:
            raise _refusal(f"nested more than {MAX_DEPTH} deep", event)
        self.depth += 1
        try:
            return super().compose_node(parent, index)
        finally:
            self.depth -= 1

    def construct_mapping(self, node: yaml.Node, deep: bool = False) -> dict[Hashable, Any]:
        """A mapping whose keys are strings (or whole numbers, where those are wanted) and occur once."""
        if not isinstance(node, yaml.MappingNode):
            raise _refusal("a mapping is wanted here", node)
        content: dict[Hashable, Any] = {}
        for key_node, value_node in node.value:
            number = self.number_keys and key_node.tag == "tag:yaml.org,2002:int"
            if not number and key_node.tag != "tag:yaml.org,2002:str":
                shown = repr(key_node.value) if isinstance(key_node, yaml.ScalarNode) else "here"
                raise _refusal(f"the key {shown} is not text: put it in quotes", key_node)
            key = self.construct_object(key_node) if number else str(key_node.value)
            if key in content:
                raise _refusal(f"the key {key!r} occurs twice", key_node)
            content[key] = self.construct_object(value_node, deep=True)
        return content


def _refusal(problem: str, where: yaml.Event | yaml.Node) -> yaml.MarkedYAMLError:
    mark: Any = where.start_mark
    return yaml.constructor.ConstructorError(None, None, problem, mark)


def parse_yaml(text: str, source: str, *, number_keys: bool = False) -> object:
    """The content of a YAML text.

    Args:
        text: The text.
        source: What to call it in a message, usually the file.
        number_keys: Whether keys may be whole numbers as well as text.

    Returns:
        Mappings, lists, text, numbers, booleans, dates and None, as YAML has them.

    Raises:
        UsageError: If it is not YAML, or YAML of a kind that is refused; names line and column.
    """
    loader: _StrictLoader | None = None
    try:
        loader = _StrictLoader(text)
        loader.number_keys = number_keys
        return loader.get_single_data()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        said = str(error.problem or error.context)
        mend = "" if " -- " in said else " -- mend the YAML there"
        raise UsageError(f"{source}{place}: {said}{mend}") from error
    except (yaml.YAMLError, ValueError, TypeError, AttributeError, LookupError, OverflowError) as error:
        # PyYAML lets the errors of int(), date() and base64 through for scalars such as 2024-99-99.
        first_line = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UsageError(f"{source}: not valid YAML ({first_line}) -- check its values and tags") from error
    finally:
        if loader is not None:
            loader.dispose()


def load_yaml(path: Path, *, number_keys: bool = False) -> object:
    """The content of a YAML file of at most 1 MB.

    Args:
        path: The file.
        number_keys: Whether keys may be whole numbers as well as text.

    Raises:
        UsageError: If it cannot be read, is too large, not UTF-8 or refused by `parse_yaml`.
    """
    try:
        with path.open("rb") as stream:
            raw = stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror}) -- check the path") from error
    if len(raw) > MAX_BYTES:
        raise UsageError(f"{path}: larger than {MAX_BYTES} bytes -- this is no settings file")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"{path}: not UTF-8 text -- save it as UTF-8") from error
    return parse_yaml(text, str(path), number_keys=number_keys)


def dump_yaml(content: object) -> str:
    """YAML text of plain values, in their given order."""
    text: str = yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=110)
    return text
