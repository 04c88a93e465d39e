"""``spinekit measure``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import typer

from spinekit.cli import measure_options as options
from spinekit.cli.console import one_line_errors, progress_bar, terminal
from spinekit.files import printable

if TYPE_CHECKING:
    from spinekit.core.measurement import Result
    from spinekit.workflows.measure import MeasureRun


def command(
    source: options.Source,
    schema: options.Schema = None,
    only: options.Only = None,
    norms: options.Norms = None,
    age: options.Age = None,
    sex: options.Sex = None,
    covariates: options.Covariates = False,
    inferred: options.Inferred = False,
    spacing: options.Spacing = None,
    ruler: options.Ruler = None,
    draws: options.Draws = 500,
    data_format: options.DataFormat = None,
    images: options.Images = None,
    reader: options.Reader = None,
    out: options.Out = None,
    as_json: options.AsJson = False,
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
        from spinekit.workflows.checked_settings import checked
        from spinekit.workflows.measure import MeasureSettings, measure_files

        settings = checked(
            MeasureSettings,
            {
                "source": source, "format": data_format, "schema_name": schema, "only": tuple(only or ()),
                "norms": norms, "age": age, "sex": sex, "covariates": covariates, "ruler": ruler,
                "inferred": inferred,
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

    from spinekit.cli.result_tables import EACH, image_table, summary_tables

    console = Console(soft_wrap=True, highlight=False)
    count, name = len(found.images), printable(found.schema.name)
    console.print(f"{count} image{'s' * (count != 1)}, {found.format}, schema {name}", markup=False)
    several = count > EACH
    shown = [summary_tables(found)] if several else [image_table(one, found.schema) for one in found.images]
    for tables, lines in shown:
        for table in tables:
            console.print(table, soft_wrap=False)
        for line in lines:
            console.print(line, markup=False, style="dim")


def _tell(found: MeasureRun) -> None:
    """What was passed over and where the table lies, on standard error."""
    from spinekit.cli.dataset_words import say_notices

    say_notices(found.notices)
    if found.table is not None:
        terminal().print(f"results: {found.table}", soft_wrap=True, markup=False)
