from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as PillowImage

from spinekit.core.errors import UsageError
from spinekit.core.finding import Severity
from spinekit.workflows.convert import ConvertSettings, convert
from spinekit.workflows.dataset_check import RULES, CheckReport, CheckSettings, check
from tests.anatomy.spines import quads_of
from tests.formats.annotation_samples import real_data
from tests.workflows.yolo_films import SETTINGS, image, label, rows_of, spoil, write_films, write_rows


def rules(report: CheckReport) -> set[str]:
    return {finding.rule.name for finding in report.findings}


@pytest.fixture
def films(tmp_path: Path) -> Path:
    return write_films(tmp_path / "films")


def test_rules_have_names_of_their_own() -> None:
    names = [rule.name for rule in RULES]
    assert len(names) == len(set(names))
    assert all(rule.title and rule.mend for rule in RULES)


def test_a_sound_set_is_silent(films: Path) -> None:
    report = check(CheckSettings(films))
    assert report.findings == ()
    assert (report.format, report.schema, report.images, report.instances) == ("yolo", "spine-ap", 8, 8 * 17)
    assert not report.bad


ROWS: list[tuple[str, int, str, str, str]] = [
    ("a word", 1, "x", "row-number", "line 3"),
    ("not a number", 1, "nan", "row-number", "line 3"),
    ("a decimal comma", 1, "0,5", "row-number", "line 3"),
    ("a class without a name", 0, "1", "row-class", "line 3"),
    ("half a class", 0, "0.5", "row-class", "line 3"),
    ("a box without width", 3, "0", "row-empty", "line 3"),
    ("pixels for parts", 5, "350", "row-range", "line 3"),
    ("far outside", 5, "1.2", "row-range", "line 3"),
    ("-1 for absent", 5, "-1", "row-range", "line 3"),
    ("no visibility of that kind", 7, "3", "row-visibility", "line 3"),
]


@pytest.mark.parametrize(
    ("token", "value", "rule", "place"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS]
)
def test_a_row_that_costs_its_image(films: Path, token: int, value: str, rule: str, place: str) -> None:
    spoil(label(films, 1), 2, token, value)
    report = check(CheckSettings(films, pixels=False))
    assert (rule, "labels/train/film01.txt", place) in {
        (finding.rule.name, finding.file, finding.place) for finding in report.findings
    }
    assert report.instances == 8 * 17 - 1  # all others are looked at
    assert rules(report) == {rule}


def _drop_columns(films: Path) -> None:
    path = label(films, 1)
    rows = path.read_text().splitlines()
    write_rows(path, [" ".join(rows[0].split()[:5]), *rows[1:]])


def _repeat(films: Path) -> None:
    path = label(films, 1)
    write_rows(path, [*path.read_text().splitlines(), path.read_text().splitlines()[3]])


def _latin(films: Path) -> None:
    label(films, 1).write_bytes(b"0 0.5 0.5 \xe9\n")


def _swap(films: Path) -> None:
    quads = quads_of(1, 12.0)
    quads[4] = quads[4][[1, 0, 3, 2]]
    write_rows(label(films, 1), rows_of(quads))


def _same_image(films: Path) -> None:
    shutil.copyfile(image(films, 1), image(films, 4))


def _alike_image(films: Path) -> None:
    pixels = np.asarray(PillowImage.open(image(films, 1)))
    PillowImage.fromarray((pixels // 2 + 9).astype(np.uint8)).save(image(films, 4))


def _black(films: Path) -> None:
    PillowImage.fromarray(np.full((1500, 700), 7, np.uint8)).save(image(films, 1))


def _cut(films: Path) -> None:
    image(films, 1).write_bytes(image(films, 1).read_bytes()[:-500])


def _cache(films: Path) -> None:
    (films / "labels" / "train.cache").write_bytes(b"")


def _rows_of_a_class_nobody_names(films: Path) -> None:
    (films / "data.yaml").write_text(SETTINGS.replace("[vertebra]", "[vertebra, rib]"))


def _patients(films: Path) -> None:
    rows = "".join(
        f"{part}/film0{n}.png,clinic-02-Jan-2017-16{n // 4} A AP.jpg\n"
        for n, part in ((1, "train"), (0, "val"))
    )
    (films / "index.csv").write_text(f"path,name\n{rows}")


SPOILT: list[tuple[Callable[[Path], object], set[str]]] = [
    (_drop_columns, {"row-columns"}),
    (_repeat, {"row-twice"}),
    (_latin, {"label-text", "image-without-instances"}),
    (_swap, {"corner-order"}),
    (_same_image, {"image-in-two-parts"}),
    (_alike_image, {"alike-in-two-parts"}),
    (_black, {"image-constant"}),
    (_cut, {"image-damaged"}),
    (_cache, {"labels-cache"}),
    (_rows_of_a_class_nobody_names, {"class-without-example"}),
    (_patients, {"group-in-two-parts"}),
    (lambda films: label(films, 1).unlink(), {"image-without-label"}),
    (lambda films: image(films, 1).unlink(), {"label-without-image"}),
    (lambda films: label(films, 1).write_text(""), {"image-without-instances"}),
    (lambda films: shutil.rmtree(films / "labels" / "val"), {"image-without-label"}),
    (
        lambda films: shutil.rmtree(films / "images" / "val"),
        {"label-without-image", "settings-places", "part-empty"},
    ),
]


@pytest.mark.parametrize(("change", "expected"), SPOILT)
def test_one_thing_spoilt_is_one_thing_told(
    films: Path, change: Callable[[Path], object], expected: set[str]
) -> None:
    change(films)
    assert rules(check(CheckSettings(films))) == expected


SETTINGS_SPOILT = [
    ("names: [vertebra]", "names: [vertebra]\nnc: 3", "class-names"),
    ("names: [vertebra]", "names: [no]", "class-names"),
    ("names: [vertebra]", "names: {1: vertebra}", "class-names"),
    ("kpt_shape: [4, 3]", "kpt_shape: [4]", "keypoint-shape"),
    ("kpt_shape: [4, 3]\n", "", "keypoint-shape"),
    ("flip_idx: [1, 0, 3, 2]", "flip_idx: [1, 2, 3, 0]", "flip-index"),
    ("flip_idx: [1, 0, 3, 2]", "flip_idx: [0, 1, 2, 3]", "flip-index"),
    ("flip_idx: [1, 0, 3, 2]", "flip_idx: [1, 0, 3]", "flip-index"),
    ("flip_idx: [1, 0, 3, 2]\n", "", "flip-index-missing"),
    ("kpt_oks_sigmas: [0.05, 0.05, 0.05, 0.05]\n", "", "keypoint-sigmas"),
    ("kpt_oks_sigmas: [0.05,", "kpt_oks_sigmas: [5,", "keypoint-sigmas"),
    ("train: images/train", "path: datasets\ntrain: images/train", "settings-places"),
    ("train: images/train\n", "", "settings-places"),
    ("train: images/train", "train: images/none", "settings-places"),
    ("train: images/train", "train: images/train\ndownload: curl x", "settings-download"),
    ("train: images/train", "train: images", "parts-share-a-folder"),
    ("names: [vertebra]", "names: [vertebra", "settings-broken"),
]


@pytest.mark.parametrize(("old", "new", "rule"), SETTINGS_SPOILT)
def test_settings_that_do_not_fit(films: Path, old: str, new: str, rule: str) -> None:
    assert old in SETTINGS
    (films / "data.yaml").write_text(SETTINGS.replace(old, new))
    assert rule in rules(check(CheckSettings(films, "yolo", pixels=False)))


def test_pairs_are_seen_by_their_names_where_no_schema_knows_them(films: Path) -> None:
    names = "kpt_names: {0: [left a, right a, left b, right b]}"
    text = SETTINGS.replace("kpt_names: {0: [TL, TR, BL, BR]}", names)
    (films / "data.yaml").write_text(text)
    assert rules(check(CheckSettings(films, pixels=False))) == set()
    (films / "data.yaml").write_text(text.replace("flip_idx: [1, 0, 3, 2]", "flip_idx: [0, 1, 3, 2]"))
    (finding,) = check(CheckSettings(films, pixels=False)).findings
    assert (finding.rule.name, finding.why) == ("flip-index", "left a and right a are not exchanged")


def test_points_without_visibility(films: Path) -> None:
    (films / "data.yaml").write_text(SETTINGS.replace("[4, 3]", "[4, 2]"))
    for path in films.rglob("film*.txt"):
        kept = [
            [t for k, t in enumerate(row.split()) if k < 5 or (k - 5) % 3 != 2]
            for row in path.read_text().splitlines()
        ]
        write_rows(path, [" ".join(tokens) for tokens in kept])
    assert rules(check(CheckSettings(films, pixels=False))) == {"keypoint-visibility"}


def test_boxes_among_polygons(films: Path) -> None:
    (films / "data.yaml").write_text("train: images/train\nval: images/val\nnames: [a]\n")
    for number in range(8):
        row = "0 0.5 0.5 0.2 0.2" if number == 2 else "0 0.1 0.1 0.5 0.1 0.5 0.6"
        write_rows(label(films, number), [row])
    (finding,) = check(CheckSettings(films, pixels=False)).findings
    assert (finding.rule.name, finding.file) == ("kinds-mixed", "labels/train/film02.txt")


def test_an_unknown_class_gets_the_nearest_name(films: Path) -> None:
    (films / "data.yaml").write_text(SETTINGS.replace("[vertebra]", "[vertebrae, vertebra]"))
    report = check(CheckSettings(films, schema="spine-ap", pixels=False))
    (finding,) = [item for item in report.findings if item.rule.name == "class-unknown"]
    assert "did you mean vertebra?" in finding.why


@pytest.mark.parametrize("to", ["coco", "yolo"])
def test_points_that_say_their_vertebra_are_its_body_whatever_the_class(to: str, tmp_path: Path) -> None:
    data = real_data() / "spine_lateral"
    if to == "yolo":
        data = convert(ConvertSettings(source=data, out=tmp_path / "yolo", to="yolo")).out
    report = check(CheckSettings(data, schema="spine-lateral", pixels=False))
    assert "class-unknown" not in rules(report)
    assert (report.schema, report.images, report.instances) == ("spine-lateral", 10, 240)


def test_annotations_that_break_off_are_looked_at_until_there(tmp_path: Path) -> None:
    write_films(tmp_path, 4)
    data = {
        "images": [{"id": 1, "file_name": "train/film01.png", "width": 700, "height": 1500}],
        "categories": [{"id": 1, "name": "rib"}],
        "annotations": [{"id": 1, "image_id": 1, "category_id": 7, "bbox": [1, 2, 30, 40], "iscrowd": 0}],
    }
    (tmp_path / "coco.json").write_text(json.dumps(data))
    report = check(CheckSettings(tmp_path / "coco.json", "coco", images=tmp_path / "images"))
    (finding,) = [item for item in report.findings if item.rule.severity is Severity.ERROR]
    assert finding.rule.name == "labels-broken"
    assert finding.file == "coco.json"


def test_a_split_beside_the_data_is_held_against_groups(tmp_path: Path) -> None:
    write_films(tmp_path, 4)
    header = (
        "filename,file_size,file_attributes,region_count,region_id,region_shape_attributes,region_attributes"
    )
    rows = [header.split(",")]
    for number in range(4):
        name = image(tmp_path, number).relative_to(tmp_path / "images").as_posix()
        for index, x in enumerate((100, 210, 300, 410)):
            shape = json.dumps({"name": "point", "cx": x, "cy": 250 + number})
            rows.append([name, "-1", json.dumps({"group": "head"}), "4", str(index), shape, "{}"])
    with (tmp_path / "via.csv").open("w", newline="") as stream:
        csv.writer(stream).writerows(rows)
    settings = CheckSettings(tmp_path / "via.csv", "via", "orbit-4", tmp_path / "images")
    assert "group-in-two-parts" not in rules(check(settings))
    parts = "".join(
        f"{row[0]},head,{'train' if k < 8 else 'val'}\n" for k, row in enumerate(rows[1:]) if k % 4 == 0
    )
    (tmp_path / "split.csv").write_text(f"name,group,part\n{parts}")
    assert "group-in-two-parts" in rules(check(settings))


def test_no_such_data(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such file"):
        check(CheckSettings(tmp_path / "none"))


def test_the_suspect_labels_of_the_challenge_are_found() -> None:
    """By rules of anatomy alone: at least 24 of the 29, among at most 60 others of 481 films."""
    folder = real_data() / "aasce2019"
    report = check(CheckSettings(folder, "aasce", "spine-ap", pixels=False))
    with (folder / "suspect_labels.csv").open(newline="") as stream:
        suspect = {row["file"] for row in csv.DictReader(stream)}
    told = {
        Path(finding.file).name for finding in report.findings if finding.rule.severity is not Severity.NOTE
    } - {"aasce2019"}
    assert len(suspect) == 29
    assert len(told & suspect) >= 24
    assert len(told - suspect) <= 60
    assert "angles-disagree" not in rules(report)


def test_the_cephalograms_of_the_challenge_are_sound() -> None:
    folder = real_data() / "ceph_isbi2015"
    report = check(CheckSettings(folder, "isbi", "ceph-19", pixels=False))
    assert report.images == 150
    assert not report.bad
