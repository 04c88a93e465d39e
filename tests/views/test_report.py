from __future__ import annotations

import base64
import re
import weakref
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from spinekit.core.image import UInt8Array
from spinekit.core.measurement import Measurement, NotMeasured, Status
from spinekit.core.spacing import Spacing, SpacingOrigin
from spinekit.views.overlay import encode_picture
from spinekit.views.report import FileNote, ReportCard, ReportRun, write_report
from spinekit.views.report_film import PICTURE_PX
from tests.views.scenes import cobb, film, stack

HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "</style><script src=//evil.example/x.js></script>",
    "{{ 7 * 7 }}{% for %}",
    "photo\u202egpj.exe",
    "line\nend\x00\x1b[31m",
    "&lt;b&gt; & \udcff",
)
ALLOWED = {"html", "head", "meta", "title", "style", "body", "header", "main", "section", "article", "footer"}
ALLOWED |= {
    "h1",
    "h2",
    "h3",
    "h4",
    "p",
    "ul",
    "li",
    "dl",
    "dt",
    "dd",
    "details",
    "summary",
    "div",
    "img",
    "a",
}
ALLOWED |= {"table", "thead", "tbody", "tr", "th", "td", "span", "small", "bdi", "b", "ol"}
ALLOWED |= {
    "figure",
    "label",
    "input",
    "svg",
    "g",
    "path",
    "text",
    "ellipse",
    "circle",
    "line",
    "rect",
    "image",
}
VOID = {"meta", "img", "input"}
INERT = {
    *(
        "lang",
        "charset",
        "http-equiv",
        "content",
        "name",
        "class",
        "id",
        "src",
        "href",
        "alt",
        "open",
        "loading",
    ),
    *("decoding", "type", "checked", "style", "tabindex", "role", "aria-label", "viewbox", "width", "height"),
    *("d", "x", "y", "x1", "x2", "y1", "y2", "cx", "cy", "r", "rx", "ry", "fill", "stroke", "fill-rule"),
    *("font-size", "font-weight", "stroke-width", "textlength", "lengthadjust", "title"),
}
"""Attributes that neither run nor fetch anything; ``src`` and ``href`` are looked at one by one."""


class Page(HTMLParser):
    """Elements, attributes and text of a page; unbalanced tags are an error."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.words: list[str] = []
        self._open: list[str] = []
        self.feed(html)
        self.close()
        assert self._open == []
        self.text = "\n".join(self.words)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open[-1:] != ["style"]:
            self.words.append(data)


def card(name: str = "film.png", picture: bool = True) -> ReportCard:
    image = film(900, 500, name)
    scene = stack(image, flags={"L2": ("implausible size",)})
    review = cobb(scene, "L1", "L5", "cobb_aasce_second", Status.REVIEW)
    results = (
        cobb(scene, "T10", "L4"),
        review,
        NotMeasured("cobb_aasce_third", "the film ends within the curve"),
    )
    content = encode_picture(image.pixels, ".jpg") if picture else None
    return ReportCard(image.ref, scene, results, None, ("several windows: the first was used",), content)


def page_of(path: Path, run: ReportRun) -> Page:
    write_report(path, run)
    return Page(path.read_text(encoding="utf-8"))


def test_the_page_says_what_was_measured_and_refused(tmp_path: Path) -> None:
    text = page_of(tmp_path / "report.html", ReportRun([card()], models=("spine-ap-pose 3",))).text
    for words in (
        "spine-ap-pose 3",
        "cobb_aasce_main",
        "41.1°",
        "38.0° to 44.3°",
        "near the edge",
        "cobb_aasce_third",
        "the film ends within the curve",
        "implausible size",
        "several windows: the first was used",
        "No scale known: lengths are in pixels",
        "8: T10 to L5",
    ):
        assert words in text
    assert text.count("Research use only") == 3  # at the head, below the card on paper, at the foot


def test_counts_at_the_head_are_those_of_the_cards(tmp_path: Path) -> None:
    run = ReportRun((card(f"{k}.png") for k in range(3)), failed=[FileNote("a.dcm", "cut off")])
    text = " ".join(page_of(tmp_path / "report.html", run).text.split())
    assert "3 images 6 measurements 3 to check 3 not measured 1 file failed" in text
    assert "passed over" not in text


def test_failed_and_skipped_files_have_their_reasons(tmp_path: Path) -> None:
    run = ReportRun(
        [],
        failed=[FileNote("bad/cut.dcm", "pixel data ends early -- copy it again")],
        skipped=[FileNote("sr.dcm", "holds a report, not an image")],
    )
    text = page_of(tmp_path / "report.html", run).text
    for words in (
        "bad/cut.dcm",
        "pixel data ends early -- copy it again",
        "sr.dcm",
        "holds a report, not an image",
    ):
        assert words in text
    assert "No image gave a result." in text


def test_the_scale_and_its_source_are_printed(tmp_path: Path) -> None:
    spacing = Spacing(0.1, 0.12, SpacingOrigin.DETECTOR)
    plain = card(picture=False)
    image = replace(
        plain.image, spacing=spacing, provenance={"window": "VOI LUT", "inverted": "yes"}, sha256="ab" * 32
    )
    length = Measurement("Wits", -1.24, "mm", "AO-BO", spacing_origin=SpacingOrigin.DETECTOR)
    text = page_of(tmp_path / "report.html", ReportRun([replace(plain, image=image, results=(length,))])).text
    for words in (
        "0.1 × 0.12 mm (row × column)",
        spacing.label,
        "check lengths",
        "VOI LUT",
        "inverted",
        "ab" * 32,
    ):
        assert words in text


def hostile_run(words: str) -> ReportRun:
    plain = card(picture=False)
    assert plain.scene is not None
    image = replace(plain.image, name=words, provenance={words: words}, hints={words: words}, sha256=words)
    items = tuple(replace(item, label=words, flags=(words,)) for item in plain.scene.instances[:2])
    measured = Measurement(
        words, 1.0, words, words, reason=words, status=Status.REVIEW, details={words: words}
    )
    return ReportRun(
        [
            ReportCard(
                image,
                replace(plain.scene, image=image, instances=items, notes=(words,), model=words),
                (measured, NotMeasured(words, words)),
                None,
                (words,),
                encode_picture(np.zeros((900, 500), dtype=np.uint8), ".jpg"),
            ),
            ReportCard(replace(image, name=words), warnings=(words,), refusal=words),
        ],
        title=words,
        models=(words,),
        settings={words: words},
        failed=[FileNote(words, words)],
        skipped=[FileNote(words, words)],
        notes=(words,),
        version=words,
        hashes={words: words},
        versions={words: words},
    )


def check_harmless(page: Page, html: str) -> None:
    assert set(page.tags) <= ALLOWED
    assert not [name for _, name, _ in page.attributes if name.startswith("on")]
    for tag, name, value in page.attributes:
        if name == "src":
            assert tag == "img"
            assert value.startswith("data:image/jpeg;base64,")
        if name == "href":
            assert value.startswith("#" if tag == "a" else "data:image/png;base64,")
            assert tag in {"a", "image"}
        if name == "style":
            assert re.fullmatch(r"(--[a-z0-9]+:[\d.]+;?)+", value)
        assert name in INERT, (tag, name)
    assert not set(html) & set("\x00\x1b\u202e\u2066")


@pytest.mark.parametrize("words", HOSTILE)
def test_hostile_text_stays_text(tmp_path: Path, words: str) -> None:
    page = page_of(tmp_path / "report.html", hostile_run(words))
    html = (tmp_path / "report.html").read_text(encoding="utf-8")
    check_harmless(page, html)
    shown = words.replace("\u202e", "?").replace("\n", "?").replace("\x00", "?").replace("\x1b", "?")
    assert page.text.count(shown.replace("\udcff", "\\udcff")) >= 15


@given(st.text(alphabet=st.sampled_from("<>&\"'/=`{}%#!-\n\u202e\u2028ax é"), max_size=40))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_stays_text(tmp_path: Path, words: str) -> None:
    page = page_of(tmp_path / "report.html", hostile_run(words))
    check_harmless(page, (tmp_path / "report.html").read_text(encoding="utf-8"))


def test_nothing_is_asked_of_the_network(tmp_path: Path) -> None:
    page = page_of(tmp_path / "report.html", ReportRun([card()]))
    html = (tmp_path / "report.html").read_text(encoding="utf-8")
    stripped = re.sub(r"base64,[A-Za-z0-9+/=]+", "", html)
    assert "http:" not in stripped
    assert "https:" not in stripped
    assert "//" not in stripped
    assert "url(" not in stripped
    assert "@import" not in stripped
    assert "script" not in page.tags
    policy = next(
        value for tag, name, value in page.attributes if name == "content" and "default-src" in value
    )
    assert "default-src 'none'" in policy
    assert "img-src data:" in policy
    assert "script" not in policy


def test_equal_runs_give_equal_files(tmp_path: Path) -> None:
    for name in ("a.html", "b.html"):
        write_report(
            tmp_path / name, ReportRun([card("x.png"), card("y.png")], settings={"b": "1", "a": "2"})
        )
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()


def test_pictures_are_shrunk_and_whole(tmp_path: Path) -> None:
    picture = np.zeros((4000, 2000, 3), dtype=np.uint8)
    picture[:2000] = 255
    page = page_of(tmp_path / "report.html", ReportRun([replace(card(picture=False), picture=picture)]))
    source = max((value for _, name, value in page.attributes if name == "src"), key=len)
    back = cv2.imdecode(np.frombuffer(base64.b64decode(source.split(",")[1]), np.uint8), cv2.IMREAD_COLOR)
    assert back is not None
    assert back.shape == (PICTURE_PX, PICTURE_PX // 2, 3)
    assert back[10, 10].min() > 240
    assert back[-10, -10].max() < 15


def test_cards_are_not_kept(tmp_path: Path) -> None:
    alive: list[weakref.ref[UInt8Array]] = []
    most = 0

    def cards() -> Iterator[ReportCard]:
        nonlocal most
        for k in range(6):
            picture = np.zeros((50, 50, 3), dtype=np.uint8)
            alive.append(weakref.ref(picture))
            yield replace(card(f"{k}.png", picture=False), picture=picture)
            del picture
            most = max(most, sum(reference() is not None for reference in alive))

    write_report(tmp_path / "report.html", ReportRun(cards()))
    assert most <= 1


def test_a_run_that_breaks_leaves_the_old_report(tmp_path: Path) -> None:
    def cards() -> Iterator[ReportCard]:
        yield card(picture=False)
        raise RuntimeError("interrupted")

    path = tmp_path / "report.html"
    write_report(path, ReportRun([]))
    before = path.read_bytes()
    with pytest.raises(RuntimeError, match="interrupted"):
        write_report(path, ReportRun(cards()))
    assert path.read_bytes() == before
    assert [item.name for item in tmp_path.iterdir()] == ["report.html"]


def test_failures_may_be_found_while_cards_are_made(tmp_path: Path) -> None:
    failed: list[FileNote] = []

    def cards() -> Iterator[ReportCard]:
        yield card(picture=False)
        failed.append(FileNote("late.dcm", "no pixels"))

    assert "late.dcm" in page_of(tmp_path / "report.html", ReportRun(cards(), failed=failed)).text
