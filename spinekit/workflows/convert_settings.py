"""What a conversion is told, and where it may write."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict

from spinekit.core.errors import EnvironmentFaultError, UsageError
from spinekit.files import printable
from spinekit.formats.plugin import WindowChoice

_FILE_SUFFIXES = frozenset({".json", ".csv", ".xml", ".txt", ".yaml", ".yml", ".jsonl", ".zip"})


class ConvertSettings(BaseModel):
    """What is to be converted, and how.

    Attributes:
        source: Annotation file or folder.
        out: A new or empty folder.
        to: Format to write.
        from_format: Format of the source; None to tell it by its content.
        schema_name: Landmark or class set, a name or a file; None for the names that the source uses.
        map: File with the user's own pairs of names.
        images: Folder of the images; None where the annotation says or where they lie beside it.
        class_attribute: Attribute that holds the class, for formats that leave it to the user (VIA).
        allow_loss: Whether what the target cannot carry may be lost.
        allow_missing: Whether annotated images that are not there are passed over.
        consensus: ``mean`` to average the points of several readers; None to keep them apart.
        corrected: Whether a person went over all of it in another tool, so that nothing in it is a model's any more.
        covariates: Whether age and sex may be written.
        copy_images: Whether images are laid beside the annotations; None where the format needs them.
        split: Table of name, group and part; the output is laid out by its parts.
        allow_leak: Whether films that belong together may be in two parts.
        window: Which window DICOM images are shown by; None for the files' own.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    source: Path
    out: Path
    to: str
    from_format: str | None = None
    schema_name: str | None = None
    map: Path | None = None
    images: Path | None = None
    class_attribute: str | None = None
    allow_loss: bool = False
    allow_missing: bool = False
    consensus: str | None = None
    corrected: bool = False
    covariates: bool = False
    copy_images: bool | None = None
    split: Path | None = None
    allow_leak: bool = False
    window: WindowChoice | None = None


def check_places(settings: ConvertSettings, copies: bool) -> None:
    """Refuses an output that would overwrite something or mix with the input.

    Args:
        settings: Source, images and output.
        copies: Whether images are written.

    Raises:
        UsageError: Saying what would go wrong.
    """
    out, source = settings.out.resolve(), settings.source.resolve()
    shown = printable(str(settings.out))
    if settings.out.suffix.lower() in _FILE_SUFFIXES:
        raise UsageError(
            f"{shown}: DST is a folder -- leave the suffix away, files in it get their own names"
        )
    if _holds_something(out):
        raise UsageError(f"{shown}: is not empty -- name a new or empty folder")
    if source.is_dir() and out.is_relative_to(source):
        raise UsageError(f"{shown}: lies inside the input -- name a folder outside of it")
    if copies and settings.images is not None and out.is_relative_to(settings.images.resolve()):
        raise UsageError(
            f"{shown}: lies in the folder of the images, where the copies would be taken for originals -- "
            "name a folder outside of it"
        )


def _holds_something(out: Path) -> bool:
    """Whether a path is taken; whether by anything but an empty folder."""
    try:
        return (out.exists() and not out.is_dir()) or (out.is_dir() and any(out.iterdir()))
    except OSError as error:
        raise EnvironmentFaultError(
            f"{printable(str(out))}: cannot be looked into ({error.strerror}) -- choose another folder"
        ) from error
