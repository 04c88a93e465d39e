"""A vocabulary of class names alone: with levels where all of them are vertebrae, or the schema a file names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from spinekit.formats.plugin import Vocabulary
from spinekit.formats.sources import all_labels
from spinekit.schemas import load_schema, schema_names
from spinekit.schemas.made import schema_from_names

_VERTEBRAE = "vertebrae"


def level_vocabulary(task: str, labels: Sequence[str], named: str = "") -> Vocabulary:
    """The vocabulary of some class names.

    Vertebral levels occur once in an image and have an order, which a list of names would lose: they make
    a schema with levels, cranial to caudal.

    Args:
        task: ``seg`` or ``sem``.
        labels: The names, in the file's own order.
        named: Schema that the file says they are of; taken if it ships and has them all.
    """
    if named in schema_names():
        schema = load_schema(named)
        if schema.task == task and set(labels) <= set(all_labels(schema)):
            return Vocabulary(task, schema.classes, schema=schema)
    known = load_schema(_VERTEBRAE).levels
    if task == "seg" and set(labels) <= set(known):
        ordered = tuple(level for level in known if level in labels)
        made = replace(schema_from_names("levels", task, ordered), levels=ordered)
        return Vocabulary(task, ordered, schema=made)
    return Vocabulary(task, tuple(labels))
