"""The report made again from a run's folder, as a browser shows and prints it, and the plots of a run."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from spinekit.core.errors import AnnotationError, EnvironmentFaultError, UsageError
from spinekit.views import print_pdf as printing
from spinekit.views.print_pdf import find_browser
from spinekit.views.report import ReportCard, ReportRun, write_report
from spinekit.workflows.plots import write_plots
from spinekit.workflows.report import make_report
from spinekit.workflows.run_plots import body_tilts
from tests.workflows.made_runs import HOSTILE, made_run, one

NAMES = ("a.png", f"{HOSTILE}.png", "b/c.png")


def test_the_page_is_made_from_the_folder_alone(tmp_path: Path) -> None:
    run = made_run(tmp_path / "run", NAMES)
    page = make_report(run)
    assert page == run / "report.html"
    html = page.read_text("utf-8")
    for words in (
        "cobb_aasce_main",
        "41.1°",
        "C7 was not found",
        "implausible size",
        "no model knows it",
        "cd" * 32,
    ):
        assert words in html
    assert html.count('<figure class="film"') == 4  # the refused one is shown, too
    assert "<script" not in html
    assert "&lt;script&gt;" in html
    assert make_report(run, tmp_path / "again.html").read_bytes() == page.read_bytes()


def test_a_run_without_films_says_so_and_has_no_pictures(tmp_path: Path) -> None:
    html = make_report(made_run(tmp_path / "run", NAMES, films=False)).read_text("utf-8")
    assert "this run kept no films" in html
    assert '<figure class="film"' not in html
    assert "41.1°" in html


def test_an_old_run_is_measured_again_and_says_so(tmp_path: Path) -> None:
    run = made_run(tmp_path / "run", ("a.png",), films=False)
    (run / "measurements.jsonl").unlink()
    assert "measured again" in make_report(run).read_text("utf-8")


def test_lines_in_another_order_find_their_image(tmp_path: Path) -> None:
    run = made_run(tmp_path / "run", NAMES)
    first = make_report(run, tmp_path / "first.html").read_bytes()
    for name in ("predictions.jsonl", "measurements.jsonl"):
        lines = (run / name).read_text("utf-8").splitlines()
        (run / name).write_text("\n".join(reversed(lines)), encoding="utf-8")
    assert make_report(run, tmp_path / "second.html").read_bytes() == first


def test_russian_is_russian(tmp_path: Path) -> None:
    page = make_report(made_run(tmp_path / "run", NAMES), language="ru")
    assert page.name == "report.ru.html"
    html = page.read_text("utf-8")
    assert '<html lang="ru">' in html
    assert "4 снимка" in html
    assert "41,1°" in html
    assert "Only for" not in html
    assert "Research use only" not in html


def test_large_films_can_be_shown_smaller(tmp_path: Path) -> None:
    from tests.workflows.made_runs import keep

    run = made_run(tmp_path / "run", ("a.png",))
    image, _, _ = one("a.png", height=2000, width=900)
    keep(run, image)
    full = make_report(run, tmp_path / "full.html", pictures="full").stat().st_size
    page = make_report(run, tmp_path / "screen.html", pictures="screen")
    assert page.stat().st_size < full


@pytest.mark.parametrize(
    ("change", "kind", "said"),
    [
        (lambda run: (run / "run.json").unlink(), UsageError, "holds no run.json"),
        (lambda run: (run / "run.json").write_text("{}"), AnnotationError, "is no record of a run"),
        (
            lambda run: (run / "run.json").write_text('{"format": "spinekit-run"}'),
            AnnotationError,
            "misshapen",
        ),
        (lambda run: (run / "predictions.jsonl").write_text("{}\n"), AnnotationError, "line 1"),
        (lambda run: (run / "predictions.jsonl").write_text(""), AnnotationError, "has no line of a.png"),
        (lambda run: (run / "predictions.jsonl").write_bytes(b"\xff\n"), AnnotationError, "UTF-8"),
        (lambda run: (run / "predictions.jsonl").unlink(), AnnotationError, "cannot be read"),
        (lambda run: (run / "records.jsonl").write_text('{"images": [1]}'), AnnotationError, "misshapen"),
    ],
)
def test_a_broken_folder_is_told_in_one_line(
    tmp_path: Path, change: Callable[[Path], object], kind: type[Exception], said: str
) -> None:
    run = made_run(tmp_path / "run", ("a.png",))
    change(run)
    with pytest.raises(kind, match=said) as told:
        make_report(run)
    assert "\n" not in str(told.value)
    assert " -- " in str(told.value)
    assert not (run / "report.html").exists()


def test_settings_that_cannot_be_are_refused_before_anything_is_read(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no language 'xx'"):
        make_report(tmp_path, language="xx")
    with pytest.raises(UsageError, match="--pictures huge"):
        make_report(tmp_path, pictures="huge")


def test_a_name_in_the_record_cannot_climb(tmp_path: Path) -> None:
    run = made_run(tmp_path / "run", ("a.png",))
    record = json.loads((run / "run.json").read_text("utf-8"))
    record["files"][1]["name"] = "../../secret"
    (tmp_path / "secret.jpg").write_bytes(b"x")
    (run / "run.json").write_text(json.dumps(record), encoding="utf-8")
    assert make_report(run).read_text("utf-8").count('<figure class="film"') == 1


def test_two_hundred_films_are_written_with_flat_memory(tmp_path: Path) -> None:
    image, scene, results = one("a.png")
    film = (
        np.random.default_rng(0).integers(0, 256, 100_000, dtype=np.uint8).tobytes()
    )  # no picture, as heavy as one
    some = scene.__class__(image.ref, scene.schema, scene.instances[:2])

    def cards() -> Iterator[ReportCard]:
        for k in range(200):
            yield ReportCard(image.ref, some, results, film=bytes([k]) + film)

    write_report(tmp_path / "warm.html", ReportRun([ReportCard(image.ref, some, results)]))
    tracemalloc.start()
    write_report(tmp_path / "report.html", ReportRun(cards()))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 12e6
    assert (tmp_path / "report.html").stat().st_size < 200 * 30_000


def test_films_far_down_are_laid_out_when_they_come_into_view(tmp_path: Path) -> None:
    names = [f"{k}.png" for k in range(14)]
    html = make_report(made_run(tmp_path / "run", names)).read_text("utf-8")
    assert html.count('<img loading="lazy"') == len(names) + 1 - 12  # the refused film is the last
    assert ".card:nth-of-type(n + 13) { content-visibility: auto;" in html


# --- in a browser ---


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    place = find_browser()
    if place is None:
        pytest.skip("no Chromium on this machine")
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as player:
        opened = player.chromium.launch(executable_path=place, args=["--no-sandbox", "--disable-gpu"])
        yield opened
        opened.close()


@pytest.mark.parametrize("width", [1400, 400])
def test_a_browser_shows_it_quietly(tmp_path: Path, browser: Any, width: int) -> None:  # noqa: ANN401
    """No console message, no dialog, no request; switches switch, and nothing sticks out sideways."""
    page = browser.new_page(viewport={"width": width, "height": 900})
    heard: list[str] = []
    page.on("console", lambda message: heard.append(message.text))
    page.on("pageerror", lambda error: heard.append(str(error)))
    page.on("dialog", lambda dialog: heard.append(f"dialog {dialog.message}"))
    page.on(
        "request", lambda request: heard.append(request.url) if not request.url.startswith("data:") else None
    )
    address = make_report(made_run(tmp_path / "run", NAMES)).resolve().as_uri()
    page.goto(address)
    assert page.title() == "Measurement report"
    assert page.evaluate("document.documentElement.scrollWidth") <= width

    def shown(what: str) -> str:
        return str(page.evaluate(f"getComputedStyle(document.querySelector('#image-2 {what}')).display"))

    def press(what: str) -> None:
        page.evaluate(f"document.querySelector('#image-2 {what}').click()")

    assert shown(".names") != "none"
    press(".on-names")
    assert shown(".names") == "none"
    assert shown(".landmarks") != "none"
    press(".zoom-1")
    assert page.evaluate("document.querySelector('#image-2 .stage').getBoundingClientRect().width") == 500
    page.focus("#image-2 tr.m0row")
    lit = "getComputedStyle(document.querySelector('#image-2 .lit .m0')).visibility"
    assert page.evaluate(lit) == "visible"
    assert heard == [address]
    page.close()


def test_it_is_printed(tmp_path: Path) -> None:
    if find_browser() is None:
        pytest.skip("no Chromium on this machine")
    path = make_report(made_run(tmp_path / "run", ("a.png",)), pdf=True)
    assert path.name == "report.pdf"
    assert path.read_bytes().startswith(b"%PDF-")


def test_without_a_browser_one_line_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(printing, "find_browser", lambda: None)
    with pytest.raises(EnvironmentFaultError, match="no Chromium was found to print with -- "):
        make_report(made_run(tmp_path / "run", ("a.png",), films=False), pdf=True)
    assert (tmp_path / "run" / "report.html").is_file()


# --- plots of a run ---


def test_the_plots_of_a_run_and_its_agreement_with_another(tmp_path: Path) -> None:
    names = [f"{k}.png" for k in range(4)]
    first = made_run(tmp_path / "first", names, films=False)
    second = made_run(tmp_path / "second", names, films=False, shift=0.5)
    drawn = write_plots(first, tmp_path / "plots", second)
    assert [path.name for path in drawn] == [
        "tilt-by-level-stack.png",
        "distributions-deg.png",
        "agreement.png",
    ]
    for path in drawn:
        assert path.read_bytes().startswith(b"\x89PNG")
    alone = write_plots(first)
    assert [path.relative_to(first).as_posix() for path in alone] == [
        "plots/tilt-by-level-stack.png",
        "plots/distributions-deg.png",
    ]
    with pytest.raises(UsageError, match="in common"):
        write_plots(first, tmp_path / "none", made_run(tmp_path / "third", ["x.png"], films=False))


def test_a_body_turned_by_an_angle_tilts_by_it() -> None:
    """The made stack turns its bodies from -25 to 25 degrees; where positive, the right is lower."""
    _, scene, _ = one("a.png")
    tilts = body_tilts(scene)
    assert tilts is not None
    assert tilts == pytest.approx(np.linspace(-25, 25, 8), abs=1e-6)
