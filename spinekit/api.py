"""The Python interface: the same words as the command line."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from spinekit.core.image import Image
from spinekit.core.spacing import Spacing
from spinekit.formats import reading
from spinekit.formats.plugin import MAX_BYTES, MAX_PIXELS, ReadOptions
from spinekit.measures import measure
from spinekit.models.computed import EngineChoice
from spinekit.models.engines.registry import check_engine
from spinekit.models.load import load_reader
from spinekit.models.reader import Reader
from spinekit.schemas import load_schema

if TYPE_CHECKING:
    from spinekit.workflows import compare as comparing
    from spinekit.workflows import convert as converting
    from spinekit.workflows import deidentify as cleaning
    from spinekit.workflows import evaluate as evaluating
    from spinekit.workflows import evaluation
    from spinekit.workflows import measure as measuring
    from spinekit.workflows import predict as workflow
    from spinekit.workflows import report as reporting
    from spinekit.workflows.installation import Check

__all__ = [
    "compare",
    "convert",
    "deidentify",
    "doctor",
    "evaluate",
    "load_model",
    "load_schema",
    "measure",
    "measure_files",
    "predict",
    "read_images",
    "report",
]


def predict(
    sources: str | Path | Sequence[str | Path],
    *,
    model: str = "auto",
    out: str | Path | None = None,
    save: Sequence[str] = (),
    deidentify: bool = False,
    names: str = "neutral",
    name_table: str | Path | None = None,
    spacing: Spacing | str | None = None,
    overlays: bool = True,
    report: bool = True,
    refine: bool = True,
    second_opinion: bool = False,
    engine: str = "auto",
    precision: str = "f32",
    threads: int | None = None,
    workers: int | None = None,
    max_pixels: int = MAX_PIXELS,
    max_bytes: int = MAX_BYTES,
    seconds: float = 60.0,
    window: str | None = None,
    resume: bool = False,
    force: bool = False,
    fail_fast: bool = False,
    max_failures: int | None = None,
    on_progress: workflow.Progress | None = None,
) -> workflow.PredictRun:
    """Reads films, names and measures what is in them, and writes overlays, tables and a report.

    Args:
        sources: A file, a folder, or several.
        model: ``auto``, the name of a shipped model, or a path to weights.
        out: A new or empty folder, or that of the run to go on with; None for ``spinekit-out/<n>``.
        save: Further formats, e.g. ``["via", "coco"]``.
        deidentify: Whether DICOM objects that are written are freed of identities.
        names: What DICOM files are called in the results: ``"neutral"`` for names made of their content,
            ``"keep"`` for their own, which may name somebody.
        name_table: File to write neutral and own names to, apart from the results; None for none.
        spacing: Overrides the files' own: a `Spacing`, or text like ``"0.143"`` or ``"0.2x0.1"`` (mm).
        overlays: Whether to draw.
        report: Whether to write ``report.html``.
        refine: Whether landmarks are looked at again, each at the film's resolution, where the model can.
        second_opinion: Whether a second model of the same films is asked too, where there is one; bodies on which the
            two disagree are flagged, and their intervals are wider.
        engine: ``"openvino"``, ``"onnx"``, ``"torch"``, or ``"auto"`` for the fastest that is installed and agrees.
        precision: ``"f32"`` for measuring; ``"bf16"`` is faster on some processors and moves points.
        threads: Threads to compute with; None for every core.
        workers: Processes that decode files ahead of the network; 0 to decode in this one; None to choose by the
            files.
        max_pixels: Larger images are refused before they are decoded.
        max_bytes: Larger files are refused before they are opened.
        seconds: Files that decode for longer are given up.
        window: Which window DICOM images are read by, as in `convert`; None for the files' own.
        resume: Whether the run in ``out`` goes on: what is done and unchanged is not read again.
        force: Whether a run that goes on begins anew where its settings were others.
        fail_fast: Whether the first file that fails ends the run.
        max_failures: As many failed files end the run; None for no limit.
        on_progress: Told before every file: files done, files in all, the next one's name.

    Returns:
        The run: its folder, its record, and a prediction per image.

    Raises:
        SpinekitError: With one line that says what is wrong and how to mend it.
    """
    from spinekit.workflows import predict as workflow
    from spinekit.workflows.checked_settings import checked

    listed = [sources] if isinstance(sources, (str, Path)) else list(sources)
    stated = reading.parse_spacing(spacing) if isinstance(spacing, str) else spacing
    content = {
        "sources": tuple(Path(source) for source in listed), "model": model,
        "out": Path(out) if out is not None else None, "save": tuple(save), "deidentify": deidentify,
        "names": names, "name_table": None if name_table is None else Path(name_table), "spacing": stated,
        "overlays": overlays, "report": report, "refine": refine, "second_opinion": second_opinion,
        "engine": engine, "precision": precision, "threads": threads, "workers": workers,
        "max_pixels": max_pixels, "max_bytes": max_bytes, "seconds": seconds,
        "window": None if window is None else reading.parse_window(window), "resume": resume, "force": force,
        "fail_fast": fail_fast, "max_failures": max_failures,
    }  # fmt: skip
    return workflow.predict(checked(workflow.PredictSettings, content), on_progress)


def load_model(
    model: str | Path,
    *,
    refine: bool = True,
    engine: str = "auto",
    precision: str = "f32",
    threads: int | None = None,
) -> Reader:
    """A model ready to read images: `read` gives candidates, `look_closer` places their landmarks anew.

    Args:
        model: Name of a shipped model, or a path to weights with their card beside them.
        refine: Whether landmarks are looked at again, each at the film's resolution, where the model can.
        engine: ``"openvino"``, ``"onnx"``, ``"torch"``, or ``"auto"`` for the fastest that is installed and agrees.
        precision: ``"f32"`` for measuring; ``"bf16"`` is faster on some processors and moves points.
        threads: Threads to compute with; None for every core.

    Raises:
        SpinekitError: With one line that says what is wrong and how to mend it.
    """
    check_engine(engine, precision)
    return load_reader(str(model), EngineChoice(engine, precision, threads), refine)


def convert(
    source: str | Path,
    out: str | Path,
    *,
    to: str,
    from_format: str | None = None,
    schema: str | Path | None = None,
    names: str | Path | None = None,
    images: str | Path | None = None,
    class_attribute: str | None = None,
    allow_loss: bool = False,
    allow_missing: bool = False,
    consensus: str | None = None,
    corrected: bool = False,
    covariates: bool = False,
    copy_images: bool | None = None,
    split: str | Path | None = None,
    allow_leak: bool = False,
    window: str | None = None,
    on_progress: converting.Progress | None = None,
    on_loss: Callable[[Mapping[str, str]], None] | None = None,
) -> converting.Conversion:
    """Converts annotations from one format to another; nothing is lost that is not told first.

    Args:
        source: Annotation file or folder.
        out: A new or empty folder.
        to: Format to write, e.g. ``"coco"``.
        from_format: Format of the source; None to tell it by its content.
        schema: Landmark or class set, a name or a file; None for the names that the source uses.
        names: YAML file with ``classes: {old: new, unwanted: null}`` and ``landmarks: {...}``.
        images: Folder of the images; None where the annotation says or where they lie beside it.
        class_attribute: Attribute that holds the class, for formats that leave it to the user (VIA).
        allow_loss: Whether what the target cannot carry may be lost.
        allow_missing: Whether annotated images that are not there are passed over.
        consensus: ``"mean"`` to average the points of several readers; None to keep them apart.
        corrected: Whether a person went over all of it in another tool, so that nothing in it is a model's any more.
        covariates: Whether age and sex may be written.
        copy_images: Whether 8-bit copies of the images are laid beside; None where the format needs them.
        split: Table of ``name,group,part``; the output is laid out by its parts.
        allow_leak: Whether a patient or an image may be in two of the parts.
        window: Which window DICOM images are shown by: ``"C,W"``, the number or name of one of the files' own, or
            ``"full"``; None for the files' own.
        on_progress: Told of work: what, how many images are done, of how many (0: unknown).
        on_loss: Told, before anything is written, what is lost.

    Returns:
        What was written, passed over and lost.

    Raises:
        SpinekitError: With one line that says what is wrong and how to mend it.
    """
    from spinekit.workflows import convert as converting

    settings = converting.ConvertSettings(
        source=Path(source),
        out=Path(out),
        to=to,
        from_format=from_format,
        schema_name=None if schema is None else str(schema),
        map=None if names is None else Path(names),
        images=None if images is None else Path(images),
        class_attribute=class_attribute,
        allow_loss=allow_loss,
        allow_missing=allow_missing,
        consensus=consensus,
        corrected=corrected,
        covariates=covariates,
        copy_images=copy_images,
        split=None if split is None else Path(split),
        allow_leak=allow_leak,
        window=None if window is None else reading.parse_window(window),
    )
    return converting.convert(settings, on_progress, on_loss)


def deidentify(
    sources: str | Path | Sequence[str | Path],
    out: str | Path,
    *,
    blank: Sequence[tuple[int, int, int, int]] = (),
    dates: str = "remove",
    keep_person: bool = False,
    key: str | Path | None = None,
    table: str | Path | None = None,
    max_pixels: int = MAX_PIXELS,
    on_progress: cleaning.Progress | None = None,
) -> cleaning.Deidentified:
    """Writes copies of images that name nobody, each searched for what was taken away.

    Args:
        sources: A file, a folder, or several.
        out: A new or empty folder.
        blank: Parts of every picture to be blackened: left, top, width, height in px.
        dates: ``"remove"``, or ``"shift"`` by a number of days that is the patient's own.
        keep_person: Whether sex, and age below 90 years, stay.
        key: File with the secret of the pseudonyms, made where missing; None for the user's own.
        table: File to write old and new names to; None for none.
        max_pixels: Larger images are refused before they are decoded.
        on_progress: Told before every file: files done, files in all.

    Returns:
        What became of every file.

    Raises:
        SpinekitError: With one line that says what is wrong and how to mend it.
    """
    from spinekit.workflows import deidentify as cleaning
    from spinekit.workflows.checked_settings import checked

    listed = [sources] if isinstance(sources, (str, Path)) else list(sources)
    content = {
        "sources": tuple(Path(source) for source in listed),
        "out": Path(out),
        "blank": tuple(blank),
        "dates": dates,
        "person": keep_person,
        "key": None if key is None else Path(key),
        "table": None if table is None else Path(table),
        "max_pixels": max_pixels,
    }
    return cleaning.deidentify(checked(cleaning.DeidentifySettings, content), on_progress)


def evaluate(
    predicted: str | Path,
    truth: str | Path,
    *,
    schema: str | Path | None = None,
    pred_format: str | None = None,
    truth_format: str | None = None,
    images: str | Path | None = None,
    against: str | Path | None = None,
    split: str | Path | None = None,
    part: str | None = None,
    spacing: Spacing | str | None = None,
    out: str | Path | None = None,
    on_progress: evaluating.Progress | None = None,
) -> evaluation.Evaluation:
    """Compares what was found with what is there, in the metrics of the field.

    Args:
        predicted: Annotations of any format; the folder of a run of `predict` among them.
        truth: Likewise.
        schema: Landmark or class set, a name or a file; None to choose one of those that the two use.
        pred_format: Format of ``predicted`` and ``against``; None to tell it by its content.
        truth_format: Format of ``truth``; None to tell it by its content.
        images: Folder of the images, where the annotations do not know.
        against: A second prediction or reader, compared with the first image by image.
        split: Table of ``name,group,part``.
        part: Part of it that is evaluated.
        spacing: Overrides what both sides say, as in `predict`.
        out: A new or empty folder for tables, plots and a page; None writes nothing.
        on_progress: Told after each image.

    Returns:
        Every figure with its number of images, its misses and its interval.

    Raises:
        SpinekitError: With one line that says what is wrong and how to mend it.
    """
    from spinekit.workflows import evaluate as evaluating
    from spinekit.workflows import evaluation

    settings = evaluation.EvaluateSettings(
        predicted=Path(predicted),
        truth=Path(truth),
        schema_name=None if schema is None else str(schema),
        pred_format=pred_format,
        truth_format=truth_format,
        images=None if images is None else Path(images),
        against=None if against is None else Path(against),
        split=None if split is None else Path(split),
        part=part,
        spacing=reading.parse_spacing(spacing) if isinstance(spacing, str) else spacing,
        out=None if out is None else Path(out),
    )
    return evaluating.evaluate(settings, on_progress)


def measure_files(
    source: str | Path,
    *,
    data_format: str | None = None,
    schema: str | Path | None = None,
    only: Sequence[str] = (),
    norms: str | Path | None = None,
    age: float | None = None,
    sex: str | None = None,
    covariates: bool = False,
    inferred: bool = False,
    ruler: str | None = None,
    spacing: Spacing | str | None = None,
    draws: int = 500,
    images: str | Path | None = None,
    reader: str | None = None,
    out: str | Path | None = None,
    on_progress: measuring.Progress | None = None,
) -> measuring.MeasureRun:
    """Measures what is labelled or was predicted; `measure` does so for one scene in memory.

    Args:
        source: Folder of a run of `predict`, a file of predictions, or annotations of any format.
        data_format: Format of the source; None to tell it by its content.
        schema: Landmark or class set, a name or a file; None for the one that the source uses.
        only: Names of measurements or of analyses; empty for all.
        norms: A file of your own norms.
        age: In years, for norms.
        sex: ``"F"`` or ``"M"``, for norms.
        covariates: Whether age and sex are taken from the DICOM files; the results may tell of them.
        inferred: Whether bodies that were drawn where they must be, not seen, are measured too; what comes of it is
            to be reviewed.
        ruler: A line of known length on the one film, ``"120,80,120,580=100mm"``.
        spacing: Overrides what the source says, as in `predict`.
        draws: Random positions of each point for the intervals; 0 for none.
        images: Folder of the images, where the source does not know.
        reader: Of several readers; None for their mean.
        out: A new or empty folder for ``measurements.csv``; None writes nothing.
        on_progress: Told after each image.

    Returns:
        Every measurement and refusal of every image.

    Raises:
        SpinekitError: With one line that says what is wrong and how to mend it.
    """
    from spinekit.workflows import measure as measuring
    from spinekit.workflows.checked_settings import checked

    content = {
        "source": Path(source), "format": data_format, "schema_name": None if schema is None else str(schema),
        "only": tuple(only), "norms": None if norms is None else Path(norms), "age": age, "sex": sex,
        "covariates": covariates, "ruler": ruler, "inferred": inferred,
        "spacing": reading.parse_spacing(spacing) if isinstance(spacing, str) else spacing, "draws": draws,
        "images": None if images is None else Path(images), "reader": reader,
        "out": None if out is None else Path(out),
    }  # fmt: skip
    return measuring.measure_files(checked(measuring.MeasureSettings, content), on_progress)


def compare(
    before: str | Path,
    after: str | Path,
    *,
    schema: str | Path | None = None,
    only: Sequence[str] = (),
    pair: str = "auto",
    spacing: Spacing | str | None = None,
    out: str | Path | None = None,
    on_progress: measuring.Progress | None = None,
) -> comparing.Comparison:
    """Compares two studies of one patient: each change against the error of the measurement itself.

    Args:
        before: The earlier study, as for `measure_files`.
        after: The later one.
        schema: Landmark or class set; None for the one of the earlier study.
        only: Names of measurements or of analyses; empty for all.
        pair: What says which images belong together: ``"name"``, ``"group"`` (the patient) or ``"auto"``.
        spacing: Overrides what both say, as in `predict`.
        out: A new or empty folder for ``changes.csv``; None writes nothing.
        on_progress: Told after each image.

    Raises:
        SpinekitError: With one line that says what is wrong and how to mend it.
    """
    from spinekit.workflows import compare as comparing
    from spinekit.workflows.checked_settings import checked

    content = {
        "before": Path(before), "after": Path(after), "schema_name": None if schema is None else str(schema),
        "only": tuple(only), "pair": pair,
        "spacing": reading.parse_spacing(spacing) if isinstance(spacing, str) else spacing,
        "out": None if out is None else Path(out),
    }  # fmt: skip
    return comparing.compare(checked(comparing.CompareSettings, content), on_progress)


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


def report(
    run: str | Path,
    *,
    out: str | Path | None = None,
    language: str = "en",
    pdf: bool = False,
    pictures: str = "auto",
    on_progress: reporting.Progress | None = None,
) -> Path:
    """Makes the report of a run again from its folder: one page that needs nothing else.

    Args:
        run: Folder that `predict` wrote.
        out: The page, with ``pdf`` the PDF; None for ``report.html`` in the folder.
        language: ``"en"``, ``"ru"``, or that of a file added.
        pdf: Whether it is printed too, by a Chromium of this machine.
        pictures: ``"full"``, ``"screen"`` (1600 px), or ``"auto"`` to shrink where they are many.
        on_progress: Told before each image: how many are done, of how many, its name.

    Returns:
        The page, or the PDF.

    Raises:
        SpinekitError: With one line that says what is wrong and how to mend it.
    """
    from spinekit.workflows import report as reporting

    place = None if out is None else Path(out)
    return reporting.make_report(Path(run), place, language, pdf, pictures, on_progress)


def doctor() -> tuple[Check, ...]:
    """Looks at everything that spinekit needs of this machine; see `spinekit.workflows.doctor`.

    Returns:
        One check after the other; those that are not well say how to mend it.
    """
    from spinekit.workflows.doctor import doctor as look

    return look()
