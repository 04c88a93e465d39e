"""Conversions that are laid out by the parts of a split table."""

from __future__ import annotations

import csv
import importlib
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from spinekit.core.errors import AnnotationError, NothingUsableError, SpinekitError, UsageError
from spinekit.core.schema import Schema
from spinekit.formats.registry import annotation_format
from spinekit.models.environment import load_library
from spinekit.workflows.convert import Conversion, ConvertSettings, convert
from spinekit.workflows.dataset_check import CheckSettings, check
from spinekit.workflows.dataset_merge import MergeSettings, MergeSource, merge_datasets
from spinekit.workflows.dataset_source import DataSource, scenes_of
from spinekit.workflows.labelled import open_labelled
from tests.formats.annotation_samples import POSE
from tests.workflows.labelled_films import block, data_set, dots, film, saved

LEVELS = ("L1", "L2", "L3")
SCHEMA = Schema("lumbar", 1, "Lumbar", "seg", "", LEVELS, LEVELS)
ROWS = {"0.png": "train", "1.png": "train", "2.png": "train", "3.png": "val", "4.png": "test"}


def films(folder: Path, names: Mapping[str, str] = ROWS, **more: object) -> Path:
    shapes = {name: [block("L1", 10, 10), block("L2", 10, 40)] for name in names}
    return data_set(folder, SCHEMA, shapes, **more)  # type: ignore[arg-type]


def split_table(path: Path, rows: Mapping[str, str] = ROWS, groups: Mapping[str, str] | None = None) -> Path:
    lines = [f"{name},{(groups or {}).get(name, name)},{part}\n" for name, part in rows.items()]
    path.write_text("name,group,part\n" + "".join(lines), encoding="utf-8")
    return path


def converted(folder: Path, source: Path, to: str = "yolo", **changes: object) -> Conversion:
    words = {"source": source, "out": folder / f"out-{to}", "to": to, **changes}
    return convert(ConvertSettings.model_validate(words))


def below(folder: Path, pattern: str) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob(pattern)}


def test_a_yolo_set_has_a_folder_for_each_part(tmp_path: Path) -> None:
    done = converted(tmp_path, films(tmp_path / "films"), split=split_table(tmp_path / "s.csv"))
    expected = {f"{part}/{name}" for name, part in ROWS.items()}
    assert below(done.out / "images", "*.png") == expected
    assert below(done.out / "labels", "*.txt") == {name.replace(".png", ".txt") for name in expected}
    text = (done.out / "data.yaml").read_text()
    for part in ("train", "val", "test"):
        assert f"{part}: images/{part}\n" in text
    assert (done.images, done.parts, done.remarks) == (5, {"train": 3, "val": 1, "test": 1}, ())
    with (done.out / "manifest.csv").open(newline="") as stream:
        named = {row["image"]: row["source"] for row in csv.DictReader(stream)}
    assert named == {f"{part}/{name}": name for name, part in ROWS.items()}
    report = check(CheckSettings(done.out))
    assert not [finding for finding in report.findings if "part" in finding.rule.name]


def test_of_another_format_each_part_is_a_data_set(tmp_path: Path) -> None:
    source = films(tmp_path / "films")
    done = converted(tmp_path, source, "coco", split=split_table(tmp_path / "s.csv"), copy_images=True)
    assert {file.relative_to(done.out).as_posix() for file in done.files} == {
        f"{part}/{file}" for part in ("train", "val", "test") for file in ("coco.json", "manifest.csv")
    }
    names: dict[str, str] = {}
    for part in ("train", "val", "test"):
        content = json.loads((done.out / part / "coco.json").read_text())
        names |= {image["file_name"]: part for image in content["images"]}
        _, scenes = open_labelled(done.out / part)
        assert [len(scene.instances) for scene in scenes] == [2] * list(ROWS.values()).count(part)
    assert names == ROWS


def test_an_older_division_gives_way(tmp_path: Path) -> None:
    source = films(tmp_path / "films")
    first = converted(tmp_path, source, split=split_table(tmp_path / "s.csv"))
    moved = {
        "train/0.png": "val",
        "train/1.png": "test",
        "train/2.png": "train",
        "val/3.png": "train",
        "test/4.png": "train",
    }
    done = converted(
        tmp_path, first.out, out=tmp_path / "again", split=split_table(tmp_path / "t.csv", moved)
    )
    assert below(done.out / "images", "*.png") == {
        f"{part}/{Path(name).name}" for name, part in moved.items()
    }


def test_without_a_table_it_is_told_that_train_is_val(tmp_path: Path) -> None:
    source = films(tmp_path / "films")
    (remark,) = converted(tmp_path, source).remarks
    assert remark.startswith("data.yaml names the same images for train and val")
    assert "--split" in remark
    assert converted(tmp_path, source, "coco").remarks == ()


@pytest.mark.parametrize(
    ("text", "error", "words"),
    [
        ("name,fold\n0.png,1\n", UsageError, "of a table of folds name one"),
        ("image,set\n0.png,train\n", UsageError, "no column name and part"),
        ("", AnnotationError, "is empty"),
        ("name,group,part\n", UsageError, "names no film"),
        ("name,group,part\n0.png,a,training\n", AnnotationError, r"line 2: part 'training'"),
        ("name,group,part\n0.png,a,train\n0.png,a,val\n", AnnotationError, "line 3: the name '0.png' is"),
        ("name,group,part\nx.png,a,train\n", UsageError, "names none of the films of .*, e.g. not 0.png, 1.png"),
        ("name,group,part\n0.png,a,val\n", UsageError, "no film of .* is in the part train"),
        ("name,group,part\n0.png,a,train\n1.png,a,val\n", UsageError, r"the table's group a is in two parts"),
    ],
)  # fmt: skip
def test_a_table_that_does_not_fit_is_one_line(
    tmp_path: Path, text: str, error: type[SpinekitError], words: str
) -> None:
    (tmp_path / "s.csv").write_text(text)
    with pytest.raises(error, match=words) as caught:
        converted(tmp_path, films(tmp_path / "films"), split=tmp_path / "s.csv")
    assert "\n" not in str(caught.value)
    assert " -- " in str(caught.value)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["films", "s.csv"]


def test_films_and_parts_that_are_missing_are_told(tmp_path: Path) -> None:
    table = split_table(tmp_path / "s.csv", {"0.png": "train", "1.png": "test", "gone.png": "train"})
    done = converted(tmp_path, films(tmp_path / "films"), split=table)
    left, absent, empty = done.remarks
    assert "3 films left out that it does not name: 2.png, 3.png, 4.png" in left
    assert "1 film of its rows not in the data: gone.png" in absent
    assert "no film is in the part val, so train stands for val" in empty
    assert below(done.out / "images", "*.png") == {"train/0.png", "test/1.png"}


def test_what_belongs_together_is_never_torn_apart(tmp_path: Path) -> None:
    twins = films(tmp_path / "twins", seeds={"3.png": 0})
    table = split_table(tmp_path / "s.csv")
    with pytest.raises(
        UsageError, match=r"the same image is in two parts: train \(0.png\) and val \(3.png\)"
    ):
        converted(tmp_path, twins, split=table)
    patients = films(tmp_path / "patients", groups={"0.png": "P7", "4.png": "P7"})
    with pytest.raises(UsageError, match=r"the labels' group P7 is in two parts.*--allow-leak"):
        converted(tmp_path, patients, split=table)
    done = converted(tmp_path, patients, split=table, allow_leak=True)
    assert any("P7 is in two parts" in remark for remark in done.remarks)


def test_altered_copies_stay_with_their_film(tmp_path: Path) -> None:
    source = films(tmp_path / "films")
    (source / "sources.csv").write_text(
        "name,source,group,alteration\n0.png,a.png,,\n1.png,b.png,,\n2.png,c.png,,\n3.png,a.png,,rotate 5\n"
        "4.png,d.png,,\n"
    )
    with pytest.raises(UsageError, match=r"altered copies of a.png is in two parts: train \(0.png\) and val"):
        converted(tmp_path, source, split=split_table(tmp_path / "s.csv"))


def test_blocks_of_one_stack_may_be_in_several_parts(tmp_path: Path) -> None:
    source = films(tmp_path / "films", groups=dict.fromkeys(ROWS, "S01"))
    blocks = {name: f"S01 block {1 + list(ROWS).index(name)} of 5" for name in ROWS}
    assert converted(tmp_path, source, split=split_table(tmp_path / "s.csv", groups=blocks)).images == 5


def test_near_duplicates_in_two_parts_are_told(tmp_path: Path) -> None:
    source = films(tmp_path / "films")
    lighter = film(0) // 2 + 60
    saved(source / "3.png", lighter)
    scenes = [
        replace(scene, image=replace(scene.image, sha256=""))
        for scene in scenes_of(DataSource(data=source).labelled(lambda _: None))
    ]
    writer = annotation_format("scenes").write
    assert writer is not None
    writer(scenes, source)
    done = converted(tmp_path, source, split=split_table(tmp_path / "s.csv"))
    (remark,) = done.remarks
    assert "nearly the same films are in two parts (1): train/0.png (train) and val/3.png (val)" in remark


def test_nothing_left_is_said(tmp_path: Path) -> None:
    table = split_table(tmp_path / "s.csv")
    with pytest.raises(UsageError, match="--allow-leak"):
        converted(tmp_path, films(tmp_path / "films"), allow_leak=True)
    with pytest.raises(UsageError, match="no such file"):
        converted(tmp_path, tmp_path / "films", split=tmp_path / "none.csv")
    empty = data_set(tmp_path / "empty", SCHEMA, {name: [] for name in ROWS})
    with pytest.raises(NothingUsableError, match="without a single label"):
        converted(tmp_path, empty, split=table)


class TestMerging:
    def test_each_source_goes_by_its_own_table(self, tmp_path: Path) -> None:
        one = films(tmp_path / "one")
        two = films(tmp_path / "two", first_seed=50)
        turned = dict(zip(ROWS, reversed(ROWS.values()), strict=True))
        sources = (
            MergeSource(data=one, split=split_table(tmp_path / "1.csv")),
            MergeSource(data=two, split=split_table(tmp_path / "2.csv", turned)),
        )
        settings = MergeSettings(sources=sources, schema_name="vertebrae", out=tmp_path / "both", to="yolo")
        report = merge_datasets(settings)
        assert report.parts == {"train": 6, "val": 2, "test": 2}
        assert below(tmp_path / "both" / "images", "*.png") == {
            *(f"{part}/{name}" for name, part in ROWS.items()),
            *(f"{part}/{'' if part != ROWS[name] else 'two-'}{name}" for name, part in turned.items()),
        }
        each = replace_settings(settings, out=tmp_path / "apart", to="coco")
        merge_datasets(each)
        assert below(tmp_path / "apart", "coco.json") == {
            f"{part}/coco.json" for part in ("train", "val", "test")
        }
        with (tmp_path / "apart" / "train" / "sources.csv").open(newline="") as stream:
            assert len(list(csv.DictReader(stream))) == 6

    def test_an_image_of_two_sources_is_in_one_part(self, tmp_path: Path) -> None:
        one, two = (
            films(tmp_path / "one"),
            films(tmp_path / "two", {"a.png": "", "b.png": ""}, seeds={"a.png": 4, "b.png": 99}),
        )
        tables = [
            split_table(tmp_path / "1.csv"),
            split_table(tmp_path / "2.csv", {"a.png": "train", "b.png": "train"}),
        ]
        sources = tuple(
            MergeSource(data=data, split=table) for data, table in zip((one, two), tables, strict=True)
        )
        settings = MergeSettings(sources=sources, schema_name="vertebrae", out=tmp_path / "both", to="yolo")
        with pytest.raises(UsageError, match=r"is in two parts: test \(4.png\) and train \(a.png\)"):
            merge_datasets(settings)
        split_table(tables[1], {"b.png": "train"})  # of the shared image the other table speaks
        report = merge_datasets(settings)
        assert report.parts == {"train": 4, "val": 1, "test": 1}
        assert report.joined == ["test/4.png: one + two"]

    def test_each_source_needs_a_table(self, tmp_path: Path) -> None:
        sources = (
            MergeSource(data=films(tmp_path / "one"), split=split_table(tmp_path / "1.csv")),
            MergeSource(data=films(tmp_path / "two")),
        )
        with pytest.raises(UsageError, match=r"--split: .*two has no table"):
            merge_datasets(MergeSettings(sources=sources, schema_name="vertebrae", out=tmp_path / "both"))


def replace_settings(settings: MergeSettings, **changes: object) -> MergeSettings:
    return settings.model_copy(update=changes)


@pytest.mark.slow
@pytest.mark.parametrize("task", ["pose", "segment"])
def test_the_library_trains_an_epoch_on_it(tmp_path: Path, task: str) -> None:
    corners: list[list[float]] = [[10, 10], [40, 11], [9, 30], [41, 31]]
    schema = replace(POSE, levels=(), classes=("vertebra",)) if task == "pose" else SCHEMA
    shapes = [block("L1", 10, 10), block("L2", 10, 40)]
    items = [dots(schema, corners)] if task == "pose" else shapes
    source = data_set(tmp_path / "films", schema, dict.fromkeys(ROWS, items))
    done = converted(tmp_path, source, split=split_table(tmp_path / "s.csv"))
    load_library()
    yolo = importlib.import_module("ultralytics").YOLO
    name = {"pose": "yolo11n-pose.yaml", "segment": "yolo11n-seg.yaml"}[task]
    seen: dict[str, int] = {}

    def count(trainer: object) -> None:
        seen["train"] = len(trainer.train_loader.dataset.labels)  # type: ignore[attr-defined]
        seen["val"] = len(trainer.test_loader.dataset.labels)  # type: ignore[attr-defined]

    model = yolo(name, task=task)
    model.add_callback("on_train_epoch_start", count)
    model.train(
        data=str(done.out / "data.yaml"), epochs=1, imgsz=64, batch=2, workers=0, device="cpu", plots=False,
        project=str(tmp_path / "runs"), name="t", exist_ok=True, verbose=False,
    )  # fmt: skip
    assert seen == {"train": 3, "val": 1}
    assert (tmp_path / "runs" / "t" / "weights" / "last.pt").is_file()
