"""The Python interface: the same words as the command line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from spinekit.core.image import Image
from spinekit.core.spacing import Spacing
from spinekit.formats import reading
from spinekit.formats.plugin import MAX_PIXELS, ReadOptions
from spinekit.measures import measure
from spinekit.models.load import load_reader as load_model
from spinekit.schemas import load_schema
from spinekit.workflows import predict as workflow

__all__ = ["load_model", "load_schema", "measure", "predict", "read_images"]


def predict(
    sources: str | Path | Sequence[str | Path],
    *,
    model: str = "auto",
    out: str | Path | None = None,
    save: Sequence[str] = (),
    spacing: Spacing | str | None = None,
    overlays: bool = True,
    report: bool = True,
    threads: int | None = None,
    max_pixels: int = MAX_PIXELS,
    on_progress: workflow.Progress | None = None,
) -> workflow.PredictRun:
    """Reads films, names and measures what is in them, and writes overlays, tables and a report.

    Args:
        sources: A file, a folder, or several.
        model: ``auto``, the name of a shipped model, or a path to weights.
        out: A new or empty folder; None for ``spinekit-out/<n>``.
        save: Further formats, e.g. ``["via", "coco"]``.
        spacing: Overrides the files' own: a `Spacing`, or text like ``"0.143"`` or ``"0.2x0.1"`` (mm).
        overlays: Whether to draw.
        report: Whether to write ``report.html``.
        threads: Threads to compute with; None for every core.
        max_pixels: Larger images are refused before they are decoded.
        on_progress: Told before every file: files done, files in all, the next one's name.

    Returns:
        The run: its folder, its record, and a prediction per image.

    Raises:
        SpinekitError: With one line that says what is wrong and how to mend it.
    """
    listed = [sources] if isinstance(sources, (str, Path)) else list(sources)
    stated = reading.parse_spacing(spacing) if isinstance(spacing, str) else spacing
    settings = workflow.PredictSettings(
        sources=tuple(Path(source) for source in listed),
        model=model,
        out=Path(out) if out is not None else None,
        save=tuple(save),
        spacing=stated,
        overlays=overlays,
        report=report,
        threads=threads,
        max_pixels=max_pixels,
    )
    return workflow.predict(settings, on_progress)


def read_images(
    path: str | Path, *, spacing: Spacing | str | None = None, max_pixels: int = MAX_PIXELS
) -> Iterator[Image]:
    """The images of a file, one per frame or page.

    Args:
        path: DICOM, PNG, JPEG, TIFF, BMP or WebP, told by its content.
        spacing: Overrides the file's own, as in `predict`.
        max_pixels: Larger images are refused before they are decoded.

    Raises:
        ReadError: If it cannot be read; the message says why and how to mend it.
    """
    stated = reading.parse_spacing(spacing) if isinstance(spacing, str) else spacing
    return reading.read_images(Path(path), ReadOptions(spacing=stated, max_pixels=max_pixels))
