"""``spinekit review``."""

from __future__ import annotations

import contextlib
import getpass
import json
from typing import TYPE_CHECKING

import typer

from spinekit.cli import review_options as options
from spinekit.cli.console import one_line_errors, terminal
from spinekit.files import printable

if TYPE_CHECKING:
    from spinekit.review.serve import Served
    from spinekit.workflows.review import Review, ReviewSettings


def command(
    source: options.Source,
    images: options.Images = None,
    from_format: options.FromFormat = None,
    schema: options.Schema = None,
    reader: options.Reader = "",
    export_to: options.ExportTo = None,
    out: options.Out = None,
    allow_loss: options.AllowLoss = False,
    copy_images: options.CopyImages = None,
    host: options.Host = "127.0.0.1",
    port: options.Port = 0,
    browser: options.Browser = True,
    as_json: options.AsJson = False,
) -> None:
    """Look, drag, re-measure: a local page to check a run's films and to mend them, the worst first.

    The predictions stay as they are. Every edit is appended to `RUN/review/edits.jsonl` with who, when, before
    and after. From then on `convert`, `measure`, `evaluate`, `train` and `report` read RUN as reviewed: films that
    were accepted or mended, no others. `RUN/predictions.jsonl` stays what the model said.

    Examples:

    * `spinekit review spinekit-out/1`
    * `spinekit review labels.csv --images films/ --schema orbit-4`
    * `spinekit review spinekit-out/1 --reader anna`
    * `spinekit review spinekit-out/1 --export coco`
    * `spinekit evaluate spinekit-out/1/predictions.jsonl spinekit-out/1` (the machine against the readers)

    Ends with 0, 2 (usage), 3 (nothing to review or to export), 4 (environment: the port or the record).
    """
    with one_line_errors():
        from spinekit.workflows.review import ReviewSettings, export, open_review

        settings = ReviewSettings(
            source=source,
            images=images,
            format=from_format,
            schema_name=schema,
            reader=reader,
            out=None if export_to else out,
        )
        if export_to is not None:
            done = export(settings, export_to, out, allow_loss=allow_loss, copy_images=copy_images)
            summary = {"out": str(done.out), "images": done.images, "instances": done.instances}
            if as_json:
                typer.echo(json.dumps(summary | {"notes": list(done.passed_over)}, ensure_ascii=False))
            else:
                _tell([*done.passed_over, *done.remarks])
                terminal().print(
                    f"written: {done.target_format}: {done.images} images, {done.instances} instances",
                    markup=False,
                )
                terminal().print(f"results: {done.out}", soft_wrap=True, markup=False)
            return
        _serve(open_review(settings), settings, host, port, browser=browser, as_json=as_json)


def _serve(
    review: Review, settings: ReviewSettings, host: str, port: int, *, browser: bool, as_json: bool
) -> None:
    from spinekit.review.serve import is_loopback, serve

    console = terminal()
    _tell(review.notices)
    password = None
    if not is_loopback(host):
        console.print(
            f"warning: on {host} other machines can reach the films, and what they send and see is not encrypted -- "
            "use a network that you trust, or a tunnel (ssh -L) to this machine",
            style="red",
            markup=False,
        )
        password = typer.prompt("Password for the page", hide_input=True, confirmation_prompt=True, err=True)
        if len(password) < _SHORTEST:
            console.print(
                f"error: --host: the password has fewer than {_SHORTEST} characters -- choose a longer one",
                style="red",
                markup=False,
            )
            raise typer.Exit(2)

    def ready(served: Served) -> None:
        if as_json:
            typer.echo(json.dumps({"address": served.address, "films": len(review.films)}))
        else:
            console.print(
                f"review of {len(review.films)} films: {served.address}", soft_wrap=True, markup=False
            )
            console.print("stop with Ctrl+C; every edit is kept as it is made", markup=False)
        if browser and not served.beyond and not as_json:
            typer.launch(served.address)

    with contextlib.suppress(KeyboardInterrupt):  # how a server is stopped
        serve(
            review, host=host, port=port, who=settings.reader or _login_name(), password=password, ready=ready
        )


_SHORTEST = 8
_MOST_LINES = 12


def _tell(notices: list[str]) -> None:
    """Notices one by one while they are few, otherwise how often each kind was given."""
    from spinekit.workflows.survey import reasons

    lines = notices
    if len(notices) > _MOST_LINES:
        lines = [f"{count} x {reason}" for reason, count in reasons(notices).items()]
    for line in lines:
        terminal().print(f"note: {printable(line)}", style="yellow", markup=False)


def _login_name() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return ""
