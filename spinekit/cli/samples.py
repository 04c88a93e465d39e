"""``spinekit samples``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from spinekit.cli.console import one_line_errors, terminal

if TYPE_CHECKING:
    from spinekit.phantoms import Kind


def command(
    out: Annotated[Path, typer.Argument(help="A new or empty folder.")],
    count: Annotated[int, typer.Option(min=1, max=1000, help="Films of each kind.")] = 1,
    seed: Annotated[int, typer.Option(min=0, help="Other seeds give other films.")] = 0,
    kind: Annotated[
        list[str] | None,
        typer.Option(help="spine-ap, spine-lateral, skull-lateral, orbit or membrane; may be given again."),
    ] = None,
) -> None:
    """Make synthetic films with exact truth: DICOM, PNG and `*.truth.json` beside them.

    Examples:

    * `spinekit samples films/ --count 3`
    * `spinekit samples spines/ --kind spine-ap --count 20 --seed 7`
    """
    with one_line_errors():
        from spinekit.runs import claim_folder
        from spinekit.workflows.samples import UNASKED, write_samples

        kinds = cast("list[Kind]", kind) if kind else UNASKED  # which there are is checked there
        written = write_samples(claim_folder(out, "OUT"), count=count, seed=seed, kinds=kinds)
        terminal().print(f"{len(written)} files in {out}", markup=False)
