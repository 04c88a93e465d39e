"""``spinekit dataset check`` as it is typed."""

from __future__ import annotations

import csv
import json
from pathlib import Path

from tests.cli.conftest import Say
from tests.workflows.yolo_films import label, spoil, write_films


def test_a_sound_set_ends_with_0(say: Say, tmp_path: Path) -> None:
    write_films(tmp_path / "films", 4)
    ended = say("dataset", "check", "films")
    assert ended.code == 0, ended.err
    assert "4 images, 68 instances of spine-ap: 0 errors, 0 warnings, 0 notes" in ended.err
    assert ended.out == ""


def test_findings_end_with_1_and_say_where_why_and_how_to_mend(say: Say, tmp_path: Path) -> None:
    spoil(label(write_films(tmp_path / "films", 4), 1), 2, 0, "7")
    ended = say("dataset", "check", "films", "--out", "found.csv")
    assert ended.code == 1
    assert "labels/train/film01.txt: line 3: class 7; classes go from 0 to 0" in ended.err
    assert "to mend it: correct the number, or add its name to data.yaml" in ended.err
    with (tmp_path / "found.csv").open(newline="") as stream:
        (row,) = csv.DictReader(stream)
    assert (row["severity"], row["rule"], row["file"], row["place"]) == (
        "error", "row-class", "labels/train/film01.txt", "line 3",
    )  # fmt: skip


def test_json_stands_alone_on_standard_output(say: Say, tmp_path: Path) -> None:
    spoil(label(write_films(tmp_path / "films", 4), 1), 2, 3, "0")
    ended = say("dataset", "check", "films", "--json", "--fix")
    assert ended.code == 1
    assert ended.err == ""
    told = json.loads(ended.out)
    assert told["counts"] == {"error": 1, "warning": 0, "note": 0}
    (finding,) = told["findings"]
    assert (finding["rule"], finding["place"]) == ("row-empty", "line 3")
    assert told["fixed"]["changes"] == ["labels/train/film01.txt: line 3: removed (row-empty)"]
    assert Path(told["fixed"]["folder"]) == tmp_path / "films-fixed"


def test_the_copy_goes_where_it_is_told(say: Say, tmp_path: Path) -> None:
    write_films(tmp_path / "films", 4)
    ended = say("dataset", "check", "films", "--fixed", "copy")
    assert ended.code == 0, ended.err
    assert (tmp_path / "copy" / "data.yaml").is_file()
    assert "exists already" in say("dataset", "check", "films", "--fixed", "copy").err


def test_nothing_usable_ends_with_3(say: Say, tmp_path: Path) -> None:
    films = write_films(tmp_path / "films", 2)
    for path in films.rglob("film*.txt"):
        path.write_text("nonsense\n")
    assert say("dataset", "check", "films", "--from", "yolo").code == 3


def test_what_cannot_be_checked_is_one_line(say: Say, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert "no such file or folder" in say("dataset", "check", "nowhere").error()
    assert say("dataset", "check", "empty").code == 3
    assert (
        "did you mean spine-ap"
        in say("dataset", "check", "empty", "--schema", "spine-app", "--from", "via").error()
    )
    assert "did you mean yolo" in say("dataset", "check", "empty", "--from", "yol").error()


def test_a_name_that_steers_the_terminal_is_shown_plainly(say: Say, tmp_path: Path) -> None:
    films = write_films(tmp_path / "films", 4)
    odd = films / "labels" / "train" / "a\x1b[31m.txt"
    odd.write_text("0 0.5 0.5 0.1 0.1\n")
    ended = say("dataset", "check", "films")
    assert ended.code == 1
    assert "\x1b" not in ended.err
