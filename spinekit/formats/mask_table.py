"""What the values of masks mean: stated in ``masks.yaml`` beside them, or told by other tools' tables.

::

    kind: instances            # or classes, or binary
    values: {1: L1, 2: L2}     # a value without a name, or named background, is background
    step: 10                   # instances: 11 is a second L1, 21 a third

``colours: {"#800000": L1}`` takes the place of ``values`` for colour masks. Also read are ``classes.csv``
(header ``value,label``) and the ``labelmap.txt`` of CVAT (``label:red,green,blue:parts:actions``), beside which
the undecided border that VOC draws (#e0e0c0) is background.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from spinekit.core.errors import AnnotationError, UsageError
from spinekit.core.schema import Schema
from spinekit.files import printable
from spinekit.formats.mask_pixels import listed
from spinekit.formats.sources import all_labels, class_label, csv_rows, number, read_text
from spinekit.schemas import load_yaml, nearest

FILE = "masks.yaml"
KINDS = ("classes", "instances", "binary")
_KEYS = ("kind", "values", "colours", "step", "schema")
_COLOUR = re.compile(r"#([0-9a-fA-F]{6})")
_LARGEST = (1 << 24) - 1
_VOID = 0xE0E0C0


@dataclass(frozen=True, slots=True)
class MaskTable:
    """What values of masks mean.

    Attributes:
        kind: ``classes``: a value is a class, and what hangs together is one body. ``instances``: a value is
            a body. ``binary``: bodies are what hangs together, and parted where they merely touch.
        values: Label of each value, an empty one for background. A value 0 that is not there is background.
        colours: Whether the values are colours, 0xRRGGBB.
        step: A body of value v + k x step is the (k+1)-th of the label of v; 0 where each occurs once.
        any_body: The label of every value that ``values`` does not name, or empty.
        schema: Name of the schema that the labels are of, or empty.
        source: The file, or how it was derived.
    """

    kind: str
    values: Mapping[int, str]
    colours: bool = False
    step: int = 0
    any_body: str = ""
    schema: str = ""
    source: str = ""

    def named(self, value: int) -> str | None:
        """The label that the table itself gives a value, empty for background, or None."""
        if value in self.values:
            return self.values[value]
        return self.values.get(value % self.step) or None if 0 < self.step <= value else None

    def label(self, value: int) -> str | None:
        """The label of a value, empty for background, None for a value without meaning."""
        label = self.named(value)
        return label if label is not None else "" if value == 0 else self.any_body or None

    def labels(self) -> tuple[str, ...]:
        """The labels other than background, in the order of the values."""
        return tuple(dict.fromkeys(self.values[value] for value in sorted(self.values) if self.values[value]))


def find_table(masks: Path) -> MaskTable | None:
    """The table beside masks: in their folder, or in the one above.

    Raises:
        AnnotationError: If it is broken.
    """
    for folder in (masks, masks.parent):
        if (folder / FILE).is_file():
            return _from_yaml(folder / FILE)
        if (folder / "classes.csv").is_file():
            return _from_csv(folder / "classes.csv")
        if (folder / "labelmap.txt").is_file():
            return _from_labelmap(folder / "labelmap.txt")
    return None


def fitted(table: MaskTable, schema: Schema) -> MaskTable:
    """A table in the words of a schema.

    Raises:
        AnnotationError: If it holds a label that the schema lacks, or no class for what is binary.
    """
    values = {
        value: "" if _is_ground(label, schema) else class_label(label, schema, f"{table.source}: {value}")
        for value, label in table.values.items()
    }
    single = schema.classes[0] if len(schema.classes) == 1 else ""
    if table.kind == "instances" and not table.any_body and not table.colours:
        return MaskTable(table.kind, values, False, table.step, single, table.schema, table.source)
    if table.kind == "binary" and not any(values.values()):
        if not single:
            raise AnnotationError(
                f"{table.source}: binary masks of {len(schema.classes)} possible classes -- say which one: "
                f"values: {{255: {all_labels(schema)[0]}}}"
            )
        values |= {1: single, 255: single}
    return MaskTable(table.kind, values, table.colours, table.step, "", table.schema, table.source)


def _is_ground(label: str, schema: Schema) -> bool:
    return not label or (label.casefold() == "background" and "background" not in all_labels(schema))


def _from_yaml(path: Path) -> MaskTable:
    try:
        content = load_yaml(path, number_keys=True)
    except UsageError as error:
        raise AnnotationError(f"{error} -- correct it") from error
    if not isinstance(content, dict):
        raise AnnotationError(f"{path}: is no mapping of keys -- write kind and values")
    for key in content:
        if key not in _KEYS:
            raise AnnotationError(
                f"{path}: unknown key {printable(repr(key)[:40])} -- {nearest(str(key), _KEYS)}"
            )
    step, kind = content.get("step", 0), content.get("kind", "classes")
    if kind not in KINDS:
        raise AnnotationError(f"{path}: kind: {printable(repr(kind)[:40])} -- write {', '.join(KINDS)}")
    if isinstance(step, bool) or not isinstance(step, int) or step < 0:
        raise AnnotationError(f"{path}: step: is no whole number from 0 -- correct it")
    if "values" in content and "colours" in content:
        raise AnnotationError(f"{path}: tells both values and colours -- keep one")
    named = str(content.get("schema") or "")
    part = "colours" if "colours" in content else "values"
    entries = content.get(part, {})
    if not isinstance(entries, dict):
        raise AnnotationError(f"{path}: {part}: is no mapping -- write {part}: {{1: L1}}")
    values: dict[int, str] = {}
    for key, label in entries.items():
        where = f"{path}: {part}: {printable(repr(key)[:40])}"
        if label is not None and not isinstance(label, str):
            raise AnnotationError(f"{where}: the label is no text -- put it in quotes")
        _enter(values, _colour(key, where) if part == "colours" else _value(key, where), label or "", where)
    if step and any(value >= step for value in values):
        raise AnnotationError(f"{path}: step: {step} is not above all values -- use a larger one")
    return MaskTable(kind, values, part == "colours", step, schema=named, source=str(path))


def _value(key: object, where: str) -> int:
    try:
        value = int(key) if isinstance(key, str) and key.isascii() and key.isdigit() else key
    except ValueError:
        value = None
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= _LARGEST:
        raise AnnotationError(f"{where}: is no value of a mask -- write a whole number from 0")
    return value


def _colour(key: object, where: str) -> int:
    match = _COLOUR.fullmatch(key) if isinstance(key, str) else None
    if match is None:
        raise AnnotationError(f'{where}: is no colour -- write it like "#800000"')
    return int(match[1], 16)


def _enter(values: dict[int, str], value: int, label: str, where: str) -> None:
    if value in values:
        raise AnnotationError(f"{where}: is told twice -- keep one")
    values[value] = label.strip()


def _from_csv(path: Path) -> MaskTable:
    rows = list(csv_rows(path))
    if [cell.strip() for cell in rows[0][1][:2]] != ["value", "label"]:
        raise AnnotationError(f"{path}: line 1 is not value,label -- add this header")
    values: dict[int, str] = {}
    for line, row in rows[1:]:
        where = f"{path}: line {line}"
        if len(row) < 2:
            raise AnnotationError(f"{where} has one cell -- give value and label")
        value = number(row[0], where)
        _enter(values, _value(int(value) if value.is_integer() else None, where), row[1], where)
    return MaskTable("classes", values, source=str(path))


def _from_labelmap(path: Path) -> MaskTable:
    values: dict[int, str] = {}
    for line, text in enumerate(read_text(path).splitlines(), 1):
        if not text.strip() or text.lstrip().startswith("#"):
            continue
        where = f"{path}: line {line}"
        label, _, rest = text.partition(":")
        parts = rest.partition(":")[0].split(",")
        if len(parts) != 3 or not all(part.strip().isdecimal() and int(part) < 256 for part in parts):
            raise AnnotationError(f"{where} is not label:red,green,blue:: -- export the masks again")
        red, green, blue = (int(part) for part in parts)
        _enter(values, red << 16 | green << 8 | blue, label, where)
    values.setdefault(_VOID, "")
    return MaskTable("classes", values, colours=True, source=str(path))


def to_write(values: list[int], labels: list[str], colours: bool) -> str:
    """The ``masks.yaml`` that a user might write, as a line for a message.

    Args:
        values: Those of the masks.
        labels: Some of the schema's, to show how they are named.
        colours: Whether the values are colours.
    """
    word = "colours" if colours else "values"
    pairs = []
    for index, value in enumerate(values[:3]):
        key = f'"{listed([value], True)}"' if colours else str(value)
        pairs.append(f"{key}: {labels[index % len(labels)]}")
    return f"{FILE} beside the masks, like {{kind: classes, {word}: {{{', '.join(pairs)}}}}}"
