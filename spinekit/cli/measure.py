"""``spinekit measure``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from spinekit.cli.console import one_line_errors, progress_bar, terminal
from spinekit.files import printable

if TYPE_CHECKING:
    from spinekit.core.measurement import Result
    from spinekit.workflows.measure import Measured, MeasureRun

_EACH = 3  # images up to which all results are shown


def command(
    source: Annotated[
        Path,
        typer.Argument(
            metavar="SRC", help="A run's folder, a file of predictions, or annotations of any format."
        ),
    ],
    schema: Annotated[
        str | None, typer.Option(help="Landmark or class set.", show_default="of the source")
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME", help="A measurement or an analysis, e.g. `sna` or `steiner`; may be repeated."
        ),
    ] = None,
    norms: Annotated[
        Path | None, typer.Option(help="Your own norms, a YAML file; they take the place of those that ship.")
    ] = None,
    age: Annotated[float | None, typer.Option(min=0, max=130, help="Age in years, for norms.")] = None,
    sex: Annotated[str | None, typer.Option(metavar="F|M", help="Sex, for norms.")] = None,
    covariates: Annotated[
        bool,
        typer.Option(
            "--covariates", help="Take age and sex from the DICOM files; the results may tell of them."
        ),
    ] = False,
    spacing: Annotated[
        str | None,
        typer.Option(metavar="MM|ROWxCOL", help="Pixel spacing in mm; overrides the source's own."),
    ] = None,
    ruler: Annotated[
        str | None,
        typer.Option(
            metavar="X1,Y1,X2,Y2=100mm", help="Ends and length of a ruler on the one film, to calibrate it."
        ),
    ] = None,
    draws: Annotated[
        int, typer.Option(min=0, help="Random positions of each point for the intervals; 0 for none.")
    ] = 500,
    data_format: Annotated[
        str | None, typer.Option("--format", help="Format of SRC.", show_default="by its content")
    ] = None,
    images: Annotated[Path | None, typer.Option(help="Folder of the images, where it is another.")] = None,
    reader: Annotated[str | None, typer.Option(help="Of several readers.", show_default="their mean")] = None,
    out: Annotated[Path | None, typer.Option(help="A new or empty folder for `measurements.csv`.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print all results as JSON, for scripts.")] = False,
) -> None:
    """Measure what is labelled or was predicted: each value with its unit, its interval and its doubts, or a reason.

    Lengths are in mm where the scale is known, otherwise in px. A value is compared with published norms where age
    and sex that they ask for are known.

    Examples:

    * `spinekit measure run/ --out numbers`
    * `spinekit measure labels/ --schema ceph-19 --spacing 0.1 --only steiner --age 12 --sex F`
    * `spinekit measure film.json --ruler 120,80,120,580=100mm`

    Ends with 0 (measured), 1 (annotations are broken), 2 (usage), 3 (nothing could be measured), 4 (environment).
    """
    with one_line_errors():
        from spinekit.formats.reading import parse_spacing
        from spinekit.workflows.dataset_source import checked
        from spinekit.workflows.measure import MeasureSettings, measure_files

        settings = checked(
            MeasureSettings,
            {
                "source": source, "format": data_format, "schema_name": schema, "only": tuple(only or ()),
                "norms": norms, "age": age, "sex": sex, "covariates": covariates, "ruler": ruler,
                "spacing": None if spacing is None else parse_spacing(spacing), "draws": draws, "images": images,
                "reader": reader, "out": out,
            },
        )  # fmt: skip
        with progress_bar("images", quiet=as_json) as bar:
            task = bar.add_task("measuring", total=None)
            found = measure_files(
                settings,
                lambda done, name: bar.update(task, completed=done, description=printable(name)[-40:]),
            )
        if as_json:
            typer.echo(json.dumps(_summary(found), ensure_ascii=False, indent=1))
        else:
            _print(found)
        _tell(found)


def _summary(found: MeasureRun) -> dict[str, object]:
    return {
        "schema": found.schema.name,
        "format": found.format,
        "images": [
            {"image": image.image.name, "measurements": {r.name: _plain(r) for r in image.results}}
            for image in found.images
        ],
        "notices": list(found.notices),
        "files": [] if found.table is None else [found.table.name],
    }


def _plain(result: Result) -> dict[str, object]:
    from spinekit.core.measurement import Measurement
    from spinekit.core.norm import norm_words

    if not isinstance(result, Measurement):
        return {"status": "refused", "reason": result.reason}
    return {
        "value": result.value, "unit": result.unit, "low": result.low, "high": result.high,
        "status": result.status.value, "reason": result.reason, "grade": result.grade,
        "norms": [norm_words(norm) for norm in result.norms],
        "spacing_origin": None if result.spacing_origin is None else result.spacing_origin.value,
        "landmarks": list(result.landmarks_used), "details": dict(result.details),
    }  # fmt: skip


def _print(found: MeasureRun) -> None:
    from rich.console import Console

    console = Console(soft_wrap=True, highlight=False)
    console.print(
        f"{len(found.images)} images, {found.format}, schema {printable(found.schema.name)}", markup=False
    )
    if len(found.images) <= _EACH:
        for image in found.images:
            console.print(_of_image(image))
            for line in _refusals(image):
                console.print(line, markup=False, style="dim")
    else:
        console.print(_of_all(found))


def _of_image(image: Measured) -> Table:
    from spinekit.core.measurement import Measurement
    from spinekit.core.norm import norm_words
    from spinekit.views.wording import interval, number

    shown = Table(title=printable(image.image.name), title_justify="left", box=None, pad_edge=False)
    shown.add_column("name", no_wrap=True)
    for title in ("value", "95 % interval"):
        shown.add_column(title, justify="right", no_wrap=True)
    for title in ("status", "grade", "norms, reason"):
        shown.add_column(title)
    for result in image.results:
        if isinstance(result, Measurement):
            words = [norm_words(norm, note=False) for norm in result.norms]
            words += [result.reason] if result.reason else []
            value, held = number(result.value, result.unit), interval(result)
            cells = (value, held, result.status.value, printable(result.grade), printable("; ".join(words)))
            shown.add_row(printable(result.name), *cells)
    return shown


def _of_all(found: MeasureRun) -> Table:
    """A row for each measurement: how it went over all images."""
    from statistics import median

    from spinekit.core.measurement import Measurement, Status
    from spinekit.views.wording import number

    rows: dict[tuple[str, str], list[Measurement]] = {}
    refused: dict[str, int] = {}
    for image in found.images:
        for result in image.results:
            if isinstance(result, Measurement):
                rows.setdefault((result.name, result.unit), []).append(result)
            else:
                refused[result.name] = refused.get(result.name, 0) + 1
    shown = Table(title="all images", title_justify="left", box=None, pad_edge=False)
    shown.add_column("name")
    for title in ("n", "median", "lowest", "highest", "review", "refused"):
        shown.add_column(title, justify="right", no_wrap=True)
    for (name, unit), results in rows.items():
        values = [result.value for result in results]
        review = sum(result.status is Status.REVIEW for result in results)
        numbers = (number(one, unit) for one in (median(values), min(values), max(values)))
        shown.add_row(printable(name), str(len(values)), *numbers, str(review), str(refused.pop(name, 0)))
    for name, count in refused.items():
        shown.add_row(printable(name), "0", "-", "-", "-", "-", str(count))
    return shown


def _refusals(image: Measured) -> list[str]:
    """What was not measured, one line for each reason."""
    from spinekit.core.measurement import NotMeasured

    by_reason: dict[str, list[str]] = {}
    for result in image.results:
        if isinstance(result, NotMeasured):
            by_reason.setdefault(result.reason, []).append(result.name)
    return [f"not measured: {', '.join(names)}: {printable(reason)}" for reason, names in by_reason.items()]


def _tell(found: MeasureRun) -> None:
    """What was passed over and where the table lies, on standard error."""
    from spinekit.cli.dataset_words import say_lines
    from spinekit.workflows.survey import reasons

    say_lines("note", [f"{count} x {reason}" for reason, count in reasons(found.notices).items()])
    if found.table is not None:
        terminal().print(f"results: {found.table}", soft_wrap=True, markup=False)
