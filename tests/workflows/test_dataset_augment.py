from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as PillowImage

from spinekit.core.errors import UsageError
from spinekit.core.scene import Raster, Scene
from spinekit.core.schema import LandmarkDefinition, Schema
from spinekit.formats.plugin import LabelOptions
from spinekit.schemas import load_schema
from spinekit.workflows.augmentation import Alterations
from spinekit.workflows.convert import ConvertSettings, convert
from spinekit.workflows.dataset_augment import (
    AugmentSettings,
    augment_dataset,
    refuse_broken_anatomy,
    unpaired_sides,
)
from spinekit.workflows.labelled import open_labelled
from spinekit.workflows.split import write_split
from tests.workflows.labelled_films import HEIGHT, WIDTH, block, data_set, dots

SHAPES = Schema("shapes", 1, "Shapes", "seg", "test", ("cell", "lump"))
PAIR = Schema(
    "eyes", 1, "Eyes", "pose", "test", ("face",), (),
    tuple(LandmarkDefinition(name, "a point") for name in ("eye_left", "eye_right", "nose")),
    mirrored=(("eye_left", "eye_right"),),
)  # fmt: skip
FACE = [[60.0, 40.0], [30.0, 42.0], [45.0, 60.0]]


@pytest.fixture
def shapes(tmp_path: Path) -> Path:
    films = {f"{k}.png": [block("cell", 10, 20), block("lump", 50, 70)] for k in range(3)}
    return data_set(tmp_path / "shapes", SHAPES, films, groups={"0.png": "P0"})


def read(out: Path, schema: Schema) -> list[Scene]:
    return list(open_labelled(out, "scenes", schema, LabelOptions(images=out / "images"))[1])


def sources(out: Path) -> list[dict[str, str]]:
    with (out / "sources.csv").open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def test_copies_stand_beside_their_originals_and_share_their_group(shapes: Path, tmp_path: Path) -> None:
    may = Alterations(rotate=15, contrast=0.3)
    report = augment_dataset(AugmentSettings(data=shapes, out=tmp_path / "out", copies=2, may=may))
    assert (report.originals, report.copies, report.written.images) == (3, 6, 9)
    scenes = read(tmp_path / "out", SHAPES)
    assert [scene.image.name for scene in scenes[:3]] == ["0.png", "0_aug1.png", "0_aug2.png"]
    assert [scene.group for scene in scenes] == ["P0"] * 3 + ["1.png"] * 3 + ["2.png"] * 3
    told = sources(tmp_path / "out")
    assert [row["source"] for row in told] == [f"{k}.png" for k in (0, 0, 0, 1, 1, 1, 2, 2, 2)]
    assert "rotate" in told[1]["alteration"]
    assert told[0]["alteration"] == ""
    original = (tmp_path / "out" / "images" / "0.png").read_bytes()
    assert original == (shapes / "0.png").read_bytes()


def test_the_same_seed_gives_the_same_bytes(shapes: Path, tmp_path: Path) -> None:
    may = Alterations(rotate=15, noise=4, elastic=3)
    for name, seed in (("one", 5), ("two", 5), ("three", 6)):
        augment_dataset(AugmentSettings(data=shapes, out=tmp_path / name, seed=seed, may=may))
    files = [path.relative_to(tmp_path / "one") for path in (tmp_path / "one").rglob("*") if path.is_file()]
    assert len(files) > 6
    for file in files:
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()
    first = Path("images/0_aug1.png")
    assert (tmp_path / "one" / first).read_bytes() != (tmp_path / "three" / first).read_bytes()


def test_a_mirrored_face_has_its_names_on_the_right_side(tmp_path: Path) -> None:
    folder = data_set(tmp_path / "faces", PAIR, {"a.png": [dots(PAIR, FACE)]})
    augment_dataset(AugmentSettings(data=folder, out=tmp_path / "out", may=Alterations(flip_horizontal=True)))
    _, mirrored = read(tmp_path / "out", PAIR)
    left, right = mirrored.point("eye_left"), mirrored.point("eye_right")
    assert np.asarray(left).tolist() == [WIDTH - 1 - 30, 42]
    assert np.asarray(right).tolist() == [WIDTH - 1 - 60, 40]
    film, flipped = (
        np.asarray(PillowImage.open(tmp_path / "out" / "images" / n)) for n in ("a.png", "a_aug1.png")
    )
    assert (film[:, ::-1] == flipped).all()


def test_no_copy_is_the_original_and_none_comes_twice(shapes: Path, tmp_path: Path) -> None:
    may = Alterations(flip_horizontal=True)
    report = augment_dataset(AugmentSettings(data=shapes, out=tmp_path / "out", copies=4, may=may))
    assert report.copies == 3
    assert len([line for line in report.notices if "gives only 1 copies" in line]) == 3


def test_only_films_to_train_on_are_altered(shapes: Path, tmp_path: Path) -> None:
    write_split(tmp_path / "s.csv", {"0.png": ("train", "0"), "1.png": ("val", "1"), "2.png": ("test", "2")})
    settings = AugmentSettings(
        data=shapes, out=tmp_path / "out", copies=2, may=Alterations(rotate=9), split=tmp_path / "s.csv"
    )
    report = augment_dataset(settings)
    assert (report.copies, report.parts) == (2, {"train": 3, "val": 1, "test": 1})
    told = {part: sources(tmp_path / "out" / part) for part in report.parts}
    assert [row["source"] for row in told["train"]] == ["0.png"] * 3
    assert [row["name"] for row in told["test"]] == ["2.png"]
    assert [scene.image.name for scene in read(tmp_path / "out" / "val", SHAPES)] == ["1.png"]


def test_a_yolo_set_has_copies_in_train_alone(shapes: Path, tmp_path: Path) -> None:
    write_split(tmp_path / "s.csv", {"0.png": ("train", "0"), "1.png": ("val", "1"), "2.png": ("test", "2")})
    settings = AugmentSettings(
        data=shapes, out=tmp_path / "out", to="yolo", may=Alterations(rotate=9), split=tmp_path / "s.csv",
        originals=False,
    )  # fmt: skip
    augment_dataset(settings)
    labels = {
        path.relative_to(tmp_path / "out" / "labels").as_posix()
        for path in (tmp_path / "out" / "labels").rglob("*.txt")
    }
    assert labels == {"train/0_aug1.txt", "val/1.txt", "test/2.txt"}
    assert [row["name"] for row in sources(tmp_path / "out")] == [
        "train/0_aug1.png",
        "val/1.png",
        "test/2.png",
    ]


def test_a_set_that_is_laid_out_by_parts_has_copies_in_train_alone(shapes: Path, tmp_path: Path) -> None:
    write_split(tmp_path / "s.csv", {"0.png": ("train", "0"), "1.png": ("val", "1"), "2.png": ("test", "2")})
    laid = ConvertSettings(
        source=shapes, out=tmp_path / "laid", to="yolo", split=tmp_path / "s.csv", allow_loss=True
    )
    convert(laid)
    settings = AugmentSettings(
        data=laid.out, out=tmp_path / "out", copies=2, may=Alterations(rotate=9), originals=False
    )
    report = augment_dataset(settings)
    assert (report.copies, report.parts) == (2, {"train": 2, "val": 1, "test": 1})
    written = {path.name for path in (tmp_path / "out" / "labels").rglob("*.txt")}
    assert written == {"0_aug1.txt", "0_aug2.txt", "1.txt", "2.txt"}
    text = (tmp_path / "out" / "data.yaml").read_text(encoding="utf-8")
    assert text.startswith("train: images/train\nval: images/val\ntest: images/test\n")


def test_what_leaves_the_image_is_counted(tmp_path: Path) -> None:
    folder = data_set(tmp_path / "s", SHAPES, {f"{k}.png": [block("cell", 0, 0, 4, 4)] for k in range(6)})
    report = augment_dataset(AugmentSettings(data=folder, out=tmp_path / "out", may=Alterations(shift=0.5)))
    kept = sum(len(scene.instances) for scene in read(tmp_path / "out", SHAPES))
    assert report.lost["cell"] + kept == 12
    assert report.lost["cell"] > 0


def test_a_raster_moves_with_its_tissue(tmp_path: Path) -> None:
    schema = load_schema("em-membrane")
    labels = np.zeros((HEIGHT, WIDTH), dtype=np.uint8)
    labels[40:50] = 1
    folder = data_set(tmp_path / "em", schema, {"a.png": []}, rasters={"a.png": Raster(labels)})
    augment_dataset(
        AugmentSettings(
            data=folder, out=tmp_path / "out", may=Alterations(flip_vertical=True), originals=False
        )
    )
    (flipped,) = read(tmp_path / "out", schema)
    assert flipped.raster is not None
    assert flipped.raster.labels is not None
    assert (flipped.raster.labels == labels[::-1]).all()


@pytest.mark.parametrize("target", ["coco", "yolo", "via"])
def test_other_formats_hold_the_same_shapes(shapes: Path, tmp_path: Path, target: str) -> None:
    out = tmp_path / "out"
    may = Alterations(flip_horizontal=True)
    report = augment_dataset(AugmentSettings(data=shapes, out=out, to=target, may=may))
    scenes = list(open_labelled(out, target, SHAPES, LabelOptions(images=out / "images"))[1])
    assert report.written.format == target
    assert len(scenes) == 6
    boxes = {scene.image.name: scene.instances[0].box for scene in scenes}
    np.testing.assert_allclose(boxes["0.png"], (9.5, 19.5, 29.5, 29.5), atol=0.6)
    np.testing.assert_allclose(boxes["0_aug1.png"], (WIDTH - 30.5, 19.5, WIDTH - 10.5, 29.5), atol=0.6)


@pytest.mark.parametrize(
    ("schema", "may", "word"),
    [
        ("spine-ap", Alterations(flip_vertical=True), "vertical flip: spine-ap has named levels"),
        ("vertebrae", Alterations(quarter_turns=True), "quarter turns: vertebrae has named levels"),
        ("ceph-19", Alterations(quarter_turns=True), "named points"),
        ("spine-ap", Alterations(rotate=60), "more than 45 degrees"),
    ],
)
def test_what_no_patient_does_is_refused(schema: str, may: Alterations, word: str) -> None:
    with pytest.raises(UsageError, match=word):
        refuse_broken_anatomy(load_schema(schema), may)


def test_what_does_no_harm_is_not_refused() -> None:
    for name in ("spine-ap", "vertebrae", "ceph-19", "ceph-27", "orbit-4"):
        refuse_broken_anatomy(load_schema(name), Alterations(flip_horizontal=True, rotate=30))
    refuse_broken_anatomy(
        load_schema("em-membrane"), Alterations(flip_vertical=True, quarter_turns=True, rotate=180)
    )


def test_levels_are_known_by_their_names_too() -> None:
    made = Schema("made", 1, "Made", "seg", "", ("T12", "L1", "sacrum"))
    with pytest.raises(UsageError, match="named levels"):
        refuse_broken_anatomy(made, Alterations(flip_vertical=True))


@pytest.mark.parametrize(
    ("names", "sided"),
    [
        (("femur_left", "femur_right"), ("femur_left", "femur_right")),
        (("Left femur",), ("Left femur",)),
        (("eyeLeft", "nose"), ("eyeLeft",)),
        (("hip L", "hip R"), ("hip L", "hip R")),
        (("L1", "L2", "R1", "lower", "leftover", "cell"), ()),
    ],
)
def test_sides_are_known_by_their_names(names: tuple[str, ...], sided: tuple[str, ...]) -> None:
    schema = Schema("s", 1, "S", "seg", "", names)
    assert unpaired_sides(schema) == sided
    assert unpaired_sides(PAIR) == ()
    if sided:
        with pytest.raises(UsageError, match="wrong side"):
            refuse_broken_anatomy(schema, Alterations(flip_horizontal=True))


def test_force_does_it_all_the_same(tmp_path: Path) -> None:
    folder = data_set(tmp_path / "faces", PAIR, {"a.png": [dots(PAIR, FACE)]})
    may = Alterations(flip_vertical=True)
    with pytest.raises(UsageError, match="--force"):
        augment_dataset(AugmentSettings(data=folder, out=tmp_path / "out", may=may))
    assert not (tmp_path / "out").exists()
    assert (
        augment_dataset(AugmentSettings(data=folder, out=tmp_path / "out", may=may, force=True)).copies == 1
    )


def test_nothing_to_do_is_said(shapes: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nothing is to be altered"):
        augment_dataset(AugmentSettings(data=shapes, out=tmp_path / "out"))
    write_split(tmp_path / "s.csv", {"0.png": ("val", "0")})
    settings = AugmentSettings(
        data=shapes, out=tmp_path / "out", may=Alterations(rotate=9), split=tmp_path / "s.csv"
    )
    with pytest.raises(UsageError, match="in the part train"):
        augment_dataset(settings)
    assert not (tmp_path / "out").exists()
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "x").touch()
    settings = settings.model_copy(update={"split": None})
    with pytest.raises(UsageError, match="not empty"):
        augment_dataset(settings)


def test_a_broken_image_is_told_and_the_others_go_on(shapes: Path, tmp_path: Path) -> None:
    (shapes / "1.png").write_bytes(b"\x89PNG\r\n\x1a\nbroken")
    report = augment_dataset(AugmentSettings(data=shapes, out=tmp_path / "out", may=Alterations(rotate=9)))
    assert (report.originals, report.copies, len(report.failed)) == (2, 2, 1)
    assert len(read(tmp_path / "out", SHAPES)) == 4


def test_a_format_that_can_only_be_read_is_refused(shapes: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--to isbi"):
        augment_dataset(
            AugmentSettings(data=shapes, out=tmp_path / "o", to="isbi", may=Alterations(rotate=9))
        )
