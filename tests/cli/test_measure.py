"""``spinekit measure`` as a user says it: what is shown first, what is told, and what cannot be."""

from __future__ import annotations

import csv
import json
import math
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from spinekit.cli.result_tables import by_reason, families
from spinekit.core.scene import Scene
from spinekit.core.spacing import Spacing, SpacingOrigin
from spinekit.formats.scenes import write
from spinekit.schemas import load_schema
from tests.cli.conftest import Say
from tests.measures.scenes import CEPH, ORBIT, head, image, side_view, spine, spine_corners
from tests.measures.scenes import UPPER as TILTS

NARROW = 80
MOST_ROWS = 40


def named(scene: Scene, name: str) -> Scene:
    return replace(scene, image=replace(scene.image, name=name, path=Path(name)))


@pytest.fixture
def orbit(tmp_path: Path) -> Path:
    scale = Spacing(0.5, 0.5, SpacingOrigin.TOMOGRAPHIC)
    write([named(head(ORBIT, "orbit-4", ref=image(scale), spread=1.0), "a.png")], tmp_path / "run")
    return tmp_path / "run"


@pytest.fixture
def skulls(tmp_path: Path) -> Path:
    write([named(head(CEPH, "ceph-19"), f"{k}.png") for k in range(5)], tmp_path / "skulls")
    return tmp_path / "skulls"


def test_one_film_in_full(say: Say, orbit: Path) -> None:
    ended = say("measure", orbit)
    assert ended.code == 0, ended.err
    row = next(line for line in ended.out.splitlines() if line.startswith("orbit_width_right"))
    assert "34.9 mm" in row
    assert " to " in row  # its interval
    assert row.split()[-1] in ("ok", "review")


def test_json_and_the_table_hold_the_same(say: Say, orbit: Path) -> None:
    ended = say("measure", orbit, "--json", "--out", "numbers")
    assert ended.code == 0, ended.err
    told = json.loads(ended.out)
    assert (told["schema"], told["files"]) == ("orbit-4", ["measurements.csv"])
    found = told["images"][0]["measurements"]
    with Path("numbers/measurements.csv").open(newline="", encoding="utf-8") as stream:
        rows = {row["name"]: row for row in csv.DictReader(stream)}
    assert set(rows) == set(found)
    for name, one in found.items():
        assert rows[name]["status"] == one["status"]
        if one["status"] != "refused":
            assert float(rows[name]["value"]) == pytest.approx(one["value"], abs=1e-4)


def test_what_is_refused_says_why_in_the_table_of_many(say: Say, skulls: Path) -> None:
    ended = say("measure", skulls)
    assert ended.code == 0, ended.err
    assert "5 images" in ended.out
    line = next(
        line for line in ended.out.splitlines() if "has no U1a" in line and "interincisal" not in line
    )
    assert line.startswith("not measured (5 x): ")


def test_many_results_fit_a_narrow_terminal(
    say: Say, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Curves first, and what is measured of every level in one row."""
    monkeypatch.setenv("COLUMNS", str(NARROW))
    write([named(side_view(load_schema("spine-lateral"), 1), "a.png")], tmp_path / "spine")
    ended = say("measure", "spine", "--draws", "0")
    assert ended.code == 0, ended.err
    lines = ended.out.splitlines()
    rows = [line for line in lines if not line.startswith(("no", "review", "..."))]
    assert max(map(len, rows)) <= NARROW
    assert len(lines) < 2 * MOST_ROWS
    assert "\N{HORIZONTAL ELLIPSIS}" not in ended.out  # no name is cut
    first = [line.split()[0] for line in rows[3:]]
    assert first.index("lumbar_lordosis") < first.index("body_depth_*")
    assert "disc_angle_l4_l5" not in first
    alone = say("measure", "spine", "--only", "disc_angle_l4_*", "--draws", "0")
    assert [line.split()[0] for line in alone.out.splitlines()[3:]] == ["disc_angle_l4_l5"]
    none = say("measure", "spine", "--only", "disc_angle_l4_l9", "--draws", "0")
    assert none.code == 3
    assert "no result is called disc_angle_l4_l9" in none.error()


def test_words_give_way_to_names(say: Say, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(NARROW))
    scale = Spacing(0.1, 0.1, SpacingOrigin.TOMOGRAPHIC)
    write([named(head(CEPH, "ceph-19", ref=image(scale), spread=1.0), "a.png")], tmp_path / "run")
    ended = say("measure", "run", "--age", "30", "--sex", "F")
    assert ended.code == 0, ended.err
    first = {line.split(" ")[0] for line in ended.out.splitlines()}
    assert {"jarabak_ratio", "posterior_facial_height", "facial_angle"} <= first


def test_families() -> None:
    few = [f"disc_angle_l{k}_l{k + 1}" for k in range(1, 5)]
    assert families(few, ["L1", "L2", "L3", "L4", "L5"]) == {}
    many = [*few, *(f"other{k}" for k in range(40)), "t1_slope"]
    assert families(many, ["T1", "L1", "L2", "L3", "L4", "L5"]) == {"disc_angle_*": tuple(few)}


def test_reasons_are_told_once() -> None:
    told = [("tilt", "turned by 3.5 deg"), ("tilt", "turned by 4 deg"), ("sna", "A is absent")]
    assert by_reason(told, "not measured") == [
        "not measured (2 x): tilt: e.g. turned by 3.5 deg",
        "not measured: sna: A is absent",
    ]
    several = [(f"m{k}", f"reason {'x' * k}") for k in range(20)]
    assert by_reason(several, "not measured")[-1] == "... and 8 more reasons: --json and --out have them all"


def test_norms_stand_beside_the_value_with_their_source(say: Say, skulls: Path) -> None:
    Path("own.yaml").write_text(
        "norms: {sna: [{author: Clinic, year: 2024, population: x, kind: sd, "
        "bands: [{sex: F, ages: [18, 130], mean: 70, sd: 2}]}]}",
        "utf-8",
    )
    one = skulls / "predictions.jsonl"
    one.write_text(one.read_text("utf-8").splitlines()[0] + "\n", "utf-8")
    words = ("measure", one, "--only", "sna", "--norms", "own.yaml")
    known = say(*words, "--age", "20", "--sex", "F")
    assert "Clinic 2024 70 ± 2: z +2.83" in known.out
    assert "no verdict: sna: Clinic 2024: it depends on" in say(*words).out
    plain = say("measure", one, "--only", "convexity_mm", "--age", "30")
    assert "a length in pixels has no norm" in plain.out


@pytest.mark.parametrize(
    ("words", "code", "hint"),
    [
        (("nowhere",), 2, "no such file"),
        (("empty",), 3, "empty folder"),
        (("run", "--only", "iodd"), 2, "did you mean iod?"),
        (("run", "--schema", "orbit"), 2, "did you mean orbit-4?"),
        (("run", "--only", "orbit_asymmetry_left"), 2, "did you mean orbit_asymmetry?"),
        (("run", "--only", "iod_*_x"), 2, "has no measurement"),
        (("run", "--norms", "bad.yaml"), 2, "bad.yaml"),
        (("run", "--norms", "kind.yaml"), 2, "kind"),
        (("run", "--norms", "nowhere.yaml"), 2, "nowhere.yaml"),
        (("run", "--ruler", "1,2,3"), 2, "is no ruler"),
        (("run", "--ruler", "1,1,1,1=10mm"), 2, "0 px long"),
        (("run", "--ruler", "1,1,1,99999=10mm"), 2, "outside"),
        (("run", "--spacing", "abc"), 2, "not a number"),
        (("run", "--spacing", "0"), 2, "--spacing"),
        (("run", "--sex", "X"), 2, "'F' or 'M'"),
        (("run", "--out", "run"), 2, "not empty"),
        (("run", "--format", "vai"), 2, "via"),
        (("points.csv", "--format", "via"), 2, "orbit-4"),
        (("run", "--schema", "own.yaml"), 2, "did you mean P1?"),
    ],
)
def test_what_cannot_be_is_one_line(
    say: Say, orbit: Path, words: tuple[str, ...], code: int, hint: str
) -> None:
    assert orbit.is_dir()
    Path("empty").mkdir()
    Path("bad.yaml").write_text("norms: [\n", "utf-8")
    Path("kind.yaml").write_text("norms: {iod: [{author: A, year: 2000, population: x, kind: sdd}]}", "utf-8")
    Path("own.yaml").write_text(OWN.replace("P2)", "P11)"), "utf-8")
    Path("points.csv").write_text(VIA, "utf-8")
    Image.new("L", (9, 9)).save("a.png")
    ended = say("measure", *words)
    assert ended.code == code
    assert hint in ended.error(mends=code != 3)


OWN = """name: own
version: 1
title: Two points
task: pose
view: any
classes: [thing]
landmarks:
  - {name: P1, definition: one}
  - {name: P2, definition: other}
measurements:
  - {name: width, unit: length, formula: "distance(P1, P2)", definition: their distance}
  - {name: width_mm, unit: mm, formula: "distance(P1, P2)", definition: only with a scale}
"""
VIA = """#filename,file_size,file_attributes,region_count,region_id,region_shape_attributes,region_attributes
a.png,1,"{}",1,0,"{""name"":""point"",""cx"":1,""cy"":2}","{}"
"""


def test_a_set_of_ones_own_measures_what_it_says(say: Say, orbit: Path) -> None:
    """Millimetres that nothing calibrates are refused, with the way out."""
    line = (orbit / "predictions.jsonl").read_text("utf-8")
    Path("plain.jsonl").write_text(line, "utf-8")
    Path("own.yaml").write_text(OWN, "utf-8")
    ended = say("measure", "plain.jsonl", "--schema", "own.yaml", "--json")
    assert ended.code == 0, ended.err
    found = json.loads(ended.out)["images"][0]["measurements"]
    assert found["width"]["value"] == pytest.approx(69.857 / 2, abs=1e-3)
    assert found["width"]["unit"] == "mm"
    scaled = say("measure", "plain.jsonl", "--schema", "own.yaml", "--spacing", "0.25", "--json")
    assert json.loads(scaled.out)["images"][0]["measurements"]["width_mm"]["value"] == pytest.approx(
        69.857 / 4, abs=1e-3
    )


def test_unequal_spacing_is_right_both_ways(say: Say, tmp_path: Path) -> None:
    write([named(spine(spine_corners(TILTS)), "a.png")], tmp_path / "run")
    words = ("measure", "run", "--only", "cobb_aasce_main", "--json", "--draws", "0", "--spacing")

    def angle(spacing: str) -> float:
        ended = say(*words, spacing)
        assert ended.code == 0, ended.err
        return float(json.loads(ended.out)["images"][0]["measurements"]["cobb_aasce_main"]["value"])

    assert angle("0.2") == pytest.approx(24, abs=1e-6)
    stretched = sum(math.degrees(math.atan(2 * math.tan(math.radians(12)))) for _ in range(2))
    assert angle("0.2x0.1") == pytest.approx(stretched, abs=1e-6)
