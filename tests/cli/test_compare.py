"""``spinekit compare`` as a user says it: changes with their own error, and what is not compared."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import pytest

from spinekit.core.scene import Scene
from spinekit.formats.scenes import write
from tests.cli.conftest import Say
from tests.measures.scenes import CEPH, ORBIT, head, spine, spine_corners
from tests.measures.scenes import UPPER as TILTS


def named(scene: Scene, name: str) -> Scene:
    return replace(scene, image=replace(scene.image, name=name, path=Path(name)))


@pytest.fixture
def visits(tmp_path: Path) -> tuple[Path, Path]:
    """A curve of 24 degrees, then of 36."""
    for folder, factor in (("first", 1.0), ("second", 1.5)):
        corners = spine_corners([factor * tilt for tilt in TILTS])
        write([named(spine(corners, spread=0.5), f"{folder}.png")], tmp_path / folder)
    return tmp_path / "first", tmp_path / "second"


def test_a_change_beside_its_own_error(say: Say, visits: tuple[Path, Path]) -> None:
    ended = say("compare", *visits)
    assert ended.code == 0, ended.err
    assert "1 pair of images" in ended.out
    assert "first.png -> second.png" in ended.out
    row = next(line for line in ended.out.splitlines() if line.startswith("cobb_aasce_main")).split()
    assert row[1:4] == ["24.0°", "36.0°", "12.0°"]
    assert row[-1] == "increased"
    assert "no common measure" in ended.out  # lengths in pixels


def test_no_name_is_broken_on_a_narrow_terminal(
    say: Say, visits: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    ended = say("compare", *visits, "--spacing", "0.2")
    first = [line.split()[0] for line in ended.out.splitlines()]
    assert {"cobb_aasce_second", "apical_translation_1"} <= set(first)


def test_json_and_the_table_hold_the_same(say: Say, visits: tuple[Path, Path]) -> None:
    ended = say("compare", *visits, "--json", "--out", "follow-up", "--spacing", "0.2")
    assert ended.code == 0, ended.err
    told = json.loads(ended.out)
    assert told["files"] == ["changes.csv"]
    changes = {one["name"]: one for one in told["pairs"][0]["changes"]}
    with Path("follow-up/changes.csv").open(newline="", encoding="utf-8") as stream:
        rows = {row["name"]: row for row in csv.DictReader(stream)}
    assert set(rows) == set(changes)
    main = changes["cobb_aasce_main"]
    assert main["change"] == pytest.approx(12, abs=1e-6)
    assert float(rows["cobb_aasce_main"]["change"]) == pytest.approx(12, abs=1e-3)
    assert main["low"] < 12 < main["high"]
    assert rows["t1_l5_shift"]["verdict"] == changes["t1_l5_shift"]["verdict"] != "refused"


def test_many_pairs_are_counted(say: Say, tmp_path: Path) -> None:
    for folder in ("one", "two"):
        write([named(head(CEPH, "ceph-19"), f"{k}.png") for k in range(4)], tmp_path / folder)
    ended = say("compare", "one", "two", "--only", "sna", "--only", "snd")
    assert ended.code == 0, ended.err
    row = next(line for line in ended.out.splitlines() if line.startswith("sna")).split()
    assert row == ["sna", "4", "0.0°", "0.0°", "0.0°", "0", "0", "0", "4"]  # of points without a spread
    assert "remark (4 x): sna: the points carry no spread" in ended.out
    refused = [line for line in ended.out.splitlines() if line.startswith("not compared")]
    assert refused == [
        "not compared (4 x): snd: both: ceph-19 has no D (centre of the symphysis' cross-section)"
    ]


def test_films_without_a_partner_are_named(say: Say, tmp_path: Path) -> None:
    write([named(head(ORBIT, "orbit-4"), name) for name in ("a.png", "b.png")], tmp_path / "one")
    write([named(head(ORBIT, "orbit-4"), name) for name in ("b.png", "c.png")], tmp_path / "two")
    ended = say("compare", "one", "two")
    assert ended.code == 0, ended.err
    assert "without a partner: a.png" in ended.err
    assert "without a partner: c.png" in ended.err


@pytest.mark.parametrize(
    ("words", "code", "hint"),
    [
        (("first", "nowhere"), 2, "nowhere: no such file"),
        (("nowhere", "second"), 2, "nowhere: no such file"),
        (("first", "empty"), 3, "empty folder"),
        (("first", "second", "--only", "cobb_aasce_mian"), 2, "did you mean cobb_aasce_main?"),
        (("first", "second", "--pair", "date"), 2, "'auto', 'name' or 'group'"),
        (("first", "second", "--pair", "group"), 3, "--pair name"),
        (("first", "second", "--pair", "name"), 3, "paired by their name"),
        (("first", "second", "--out", "first"), 2, "not empty"),
        (("first", "second", "--spacing", "x"), 2, "not a number"),
        (("first", "orbit"), 2, "none of its landmarks (P1, P2, P3, P4) is in spine-ap"),
        (("first", "orbit"), 2, "pair them with spinekit convert --map before"),
    ],
)
def test_what_cannot_be_is_one_line(
    say: Say, visits: tuple[Path, Path], words: tuple[str, ...], code: int, hint: str
) -> None:
    assert all(folder.is_dir() for folder in visits)
    Path("empty").mkdir()
    write([named(head(ORBIT, "orbit-4"), "a.png")], Path("orbit"))
    ended = say("compare", *words)
    assert ended.code == code
    assert hint in ended.error(mends=code != 3)
