"""The commands beside predict: samples, formats, models, data sets."""

from __future__ import annotations

import csv
import json
from pathlib import Path

from spinekit.formats.registry import annotation_formats, image_formats
from spinekit.models.weights import shipped_names
from tests.cli.conftest import Say
from tests.cli.films import SAMPLES


def test_formats_lists_every_format(say: Say) -> None:
    ended = say("formats")
    assert ended.code == 0
    assert ended.err == ""
    words = set(ended.out.split())
    assert {item.name for item in image_formats()} <= words
    assert {item.name for item in annotation_formats()} <= words


def test_a_format_is_shown_in_full(say: Say) -> None:
    for item in annotation_formats():
        ended = say("formats", item.name)
        assert ended.code == 0
        assert ended.err == ""
        assert ended.out.startswith(f"{item.name}: {item.title}\n")
        assert all(f"  {what}: " in ended.out for what in item.keeps)
        assert ("spinekit convert SRC DST --to" in ended.out) == (item.write is not None)
    assert "did you mean coco" in say("formats", "cocos").error()


def test_models_lists_every_model(say: Say) -> None:
    ended = say("models", "list")
    assert ended.code == 0
    assert set(shipped_names()) <= set(ended.out.split())


def test_the_samples_that_ship_can_be_made_again(say: Say, tmp_path: Path) -> None:
    ended = say("samples", "again", "--kind", "orbit", "--count", "2", "--seed", "1")
    assert ended.code == 0, ended.err
    for name in ("orbit-01.truth.json", "orbit-02.truth.json", "orbit-02.png"):
        assert (tmp_path / "again" / name).read_bytes() == (SAMPLES / name).read_bytes()
    assert say("samples", "again", "--kind", "orbit").code == 2


def test_a_split_keeps_groups_together_and_never_moves(say: Say, tmp_path: Path) -> None:
    said = say("samples", "films", "--kind", "orbit", "--count", "4", "--seed", "5")
    assert said.code == 0, said.err
    header = (
        "filename,file_size,file_attributes,region_count,region_id,region_shape_attributes,region_attributes"
    )
    rows = [header.split(",")]
    for path in sorted((tmp_path / "films").glob("*.truth.json")):
        truth = json.loads(path.read_text("utf-8"))
        (points,) = truth["points"].values()
        for number, (x, y) in enumerate(points.values()):
            shape = json.dumps({"name": "point", "cx": round(x), "cy": round(y)})
            group = json.dumps({"group": "head A" if path.name < "orbit-03" else "head B"})
            rows.append([truth["film"], "-1", group, str(len(points)), str(number), shape, "{}"])
    with (tmp_path / "films" / "via.csv").open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows(rows)
    tables = []
    for out in ("one.csv", "two.csv"):
        words = ("--format", "via", "--schema", "orbit-4", "--salt", "test", "--out", out)
        ended = say("dataset", "split", "films/via.csv", *words)
        assert ended.code == 0, ended.err
        tables.append((tmp_path / out).read_text("utf-8"))
    assert tables[0] == tables[1]
    table = list(csv.DictReader(tables[0].splitlines()))
    assert len(table) == 4
    for group in ("head A", "head B"):
        assert len({row["part"] for row in table if row["group"] == group}) == 1
