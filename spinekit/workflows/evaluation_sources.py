"""Opens prediction and truth under one schema, so that names mean the same on both sides."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from spinekit.core.errors import UsageError
from spinekit.core.schema import Schema
from spinekit.files import printable
from spinekit.formats.detection import detect_format
from spinekit.formats.plugin import AnnotationFormat, LabelOptions
from spinekit.formats.registry import annotation_format
from spinekit.schemas import load_schema, schema_names
from spinekit.workflows.labelled import Labelled, find_labelled, own_schema


@dataclass(frozen=True, slots=True)
class Source:
    """Where one side of an evaluation lies.

    Attributes:
        path: File or folder.
        option: With which the user names its format, for messages.
        format: Name of its format; None to tell it by its content.
        images: Folder of its images, where the format does not know.
    """

    path: Path
    option: str
    format: str | None = None
    images: Path | None = None

    def options(self, notice: Callable[[str], None]) -> LabelOptions:
        """How it is read."""
        return LabelOptions(images=self.images, notice=notice)

    def plugin(self) -> AnnotationFormat:
        """Its format.

        Raises:
            UsageError: If it is not there, or cannot be told.
        """
        if not self.path.exists():
            raise UsageError(f"{printable(str(self.path))}: no such file or folder -- check the path")
        if self.format:
            return annotation_format(self.format)
        try:
            return detect_format(self.path)
        except UsageError as error:
            # Elsewhere a format is named with --from, which would say nothing here, where there are two.
            raise UsageError(str(error).replace("--from", self.option)) from None


def open_both(
    predicted: Source, truth: Source, schema: str | None, notice: Callable[[str], None]
) -> tuple[Labelled, Labelled]:
    """Both sides, ready to be read as scenes of one schema.

    Without a schema named, one that ships goes before one made of the labels in a file, and masks go before corners,
    since a mask can be made of corners but not the other way.

    Args:
        predicted: What was found.
        truth: What is there.
        schema: Name or file of the landmark or class set; None to choose one of those that the two use.
        notice: Told of everything passed over.

    Raises:
        UsageError: If a format or the schema cannot be told, or if the two have nothing in common.
    """
    wanted = load_schema(schema) if schema is not None else _chosen(predicted, truth, notice)
    both = [
        find_labelled(side.path, side.plugin().name, wanted, side.options(notice))
        for side in (predicted, truth)
    ]
    return both[0], both[1]


def _chosen(predicted: Source, truth: Source, notice: Callable[[str], None]) -> Schema:
    found = [own_schema(side.path, side.plugin(), side.options(notice)) for side in (predicted, truth)]
    known = [schema for schema in found if schema is not None]
    if not known:
        raise UsageError(
            f"{printable(str(predicted.path))}: neither it nor {printable(str(truth.path))} says what its labels are "
            "called -- name a landmark or class set with --schema"
        )
    return max(known, key=lambda schema: (_ships(schema), schema.task == "seg" and not schema.landmarks))


def _ships(schema: Schema) -> bool:
    return schema.name in schema_names() and load_schema(schema.name).fingerprint() == schema.fingerprint()
