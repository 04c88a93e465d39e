from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as PillowImage

from spinekit.core.errors import AnnotationError, NothingUsableError, UsageError
from spinekit.core.outline import to_mask
from spinekit.core.scene import Author, Instance, Raster, Scene
from spinekit.core.spacing import Spacing, SpacingOrigin
from spinekit.files import sha256_of
from spinekit.formats.plugin import LabelOptions
from spinekit.formats.registry import annotation_format
from spinekit.workflows.convert import Conversion, ConvertSettings, convert
from spinekit.workflows.image_copies import copy_image
from spinekit.workflows.labelled import find_labelled, read_labelled
from spinekit.workflows.manifest import hashed_group
from tests.conftest import CHECKOUT
from tests.formats.annotation_samples import HEIGHT, POSE, SEM, WIDTH, body, real_data, save_image
from tests.workflows.label_sets import SQUARE, by_reader, deep_png, label_set, pose_scene


def converted(folder: Path, source: Path, to: str = "coco", **changes: object) -> Conversion:
    settings = ConvertSettings.model_validate(
        {"source": source, "out": folder / "out", "to": to, "images": folder / "images", **changes}
    )
    return convert(settings)


def rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "manifest.csv").open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def leftovers(folder: Path) -> list[str]:
    return [item.name for item in folder.iterdir() if item.name.startswith(".") or item.name == "out"]


class TestWhatIsWritten:
    def test_labels_go_from_one_format_to_another(self, tmp_path: Path) -> None:
        scenes = [pose_scene(tmp_path), pose_scene(tmp_path, "b.png", ("L3",))]
        done = converted(tmp_path, label_set(tmp_path, scenes))
        assert (done.source_format, done.target_format, done.schema) == ("scenes", "coco", "bodies")
        assert (done.images, done.instances, done.passed_over, done.failed) == (2, 3, (), ())
        assert all(file.is_file() for file in done.files)
        assert {file.name for file in done.files} == {"coco.json", "manifest.csv"}
        again = annotation_format("coco").read
        assert again is not None
        read = list(again(tmp_path / "out", POSE, LabelOptions(tmp_path / "images")))
        assert [[item.label for item in scene.instances] for scene in read] == [["L1", "L2"], ["L3"]]

    def test_a_manifest_keeps_what_the_format_cannot(self, tmp_path: Path) -> None:
        scene = pose_scene(tmp_path)
        spaced = replace(scene.image, spacing=Spacing(0.2, 0.1, SpacingOrigin.DETECTOR))
        known: dict[str, float | str] = {"age_years": 63.0, "sex": "F"}
        source = label_set(tmp_path, [replace(scene, image=spaced, group="Doe^Jane", covariates=known)])
        done = converted(tmp_path, source)
        (row,) = rows(done.out)
        assert (row["image"], row["source"]) == ("a.png", "a.png")
        assert (row["row_mm"], row["col_mm"], row["spacing_origin"]) == ("0.2", "0.1", "detector")
        assert row["source_sha256"] == row["sha256"] == sha256_of(tmp_path / "images" / "a.png")
        assert row["group"] == hashed_group("Doe^Jane", "scenes")
        assert "Doe" not in (done.out / "manifest.csv").read_text(encoding="utf-8")
        assert "sex" not in row

    def test_age_and_sex_are_written_only_when_asked_for(self, tmp_path: Path) -> None:
        scene = replace(pose_scene(tmp_path), covariates={"age_years": 63.0, "sex": "F"})
        source = label_set(tmp_path, [scene])
        for wanted in (False, True):
            done = converted(tmp_path, source, "scenes", covariates=wanted, out=tmp_path / f"out{wanted}")
            line = json.loads((done.out / "predictions.jsonl").read_text(encoding="utf-8"))
            assert line["covariates"] == ({"age_years": 63.0, "sex": "F"} if wanted else {})
            assert ("sex" in rows(done.out)[0]) == wanted

    def test_progress_tells_both_passes(self, tmp_path: Path) -> None:
        scenes = [pose_scene(tmp_path), pose_scene(tmp_path, "b.png", ("L3",))]
        told: list[tuple[str, int, int]] = []
        settings = ConvertSettings(source=label_set(tmp_path, scenes), out=tmp_path / "out", to="coco")
        convert(
            settings.model_copy(update={"images": tmp_path / "images"}),
            lambda what, done, total: told.append((what, done, total)),
        )
        assert told == [("reading", 1, 0), ("reading", 2, 0), ("writing", 1, 2), ("writing", 2, 2)]


class TestLoss:
    def test_what_the_target_cannot_carry_stops_before_anything_is_written(self, tmp_path: Path) -> None:
        scene = pose_scene(tmp_path)
        readers = tuple(replace(item, reader="ann") for item in scene.instances)
        source = label_set(tmp_path, [replace(scene, instances=readers)])
        with pytest.raises(
            UsageError, match=r"cannot carry .* who of several readers said it \(2\) -- .*--allow-loss"
        ):
            converted(tmp_path, source, "yolo")
        assert leftovers(tmp_path) == []

    def test_a_loss_that_is_allowed_is_told_first(self, tmp_path: Path) -> None:
        scene = pose_scene(tmp_path)
        source = label_set(tmp_path, [replace(scene, instances=(replace(scene.instances[0], reader="ann"),))])
        heard: list[Mapping[str, str]] = []

        def hear(lost: Mapping[str, str]) -> None:
            heard.append(lost)
            assert leftovers(tmp_path) == []

        settings = ConvertSettings(
            source=source, out=tmp_path / "out", to="yolo", images=tmp_path / "images", allow_loss=True
        )
        done = convert(settings, on_loss=hear)
        assert heard == [done.lost]
        assert set(done.lost) == {"readers"}

    def test_points_that_the_schema_lacks_are_a_loss(self, tmp_path: Path) -> None:
        schema = tmp_path / "two.yaml"
        schema.write_text(
            "name: two\nversion: 1\ntitle: two\ntask: pose\nview: x\nclasses: [vertebra]\nlevels: [L1, L2]\n"
            "landmarks: [{name: BR, definition: a}, {name: TL, definition: b}]\n",
            encoding="utf-8",
        )
        source = label_set(tmp_path, [pose_scene(tmp_path)])
        with pytest.raises(UsageError, match=r"landmarks that the schema lacks: TR \(2\), BL \(2\)"):
            converted(tmp_path, source, schema_name=str(schema))
        names = tmp_path / "names.yaml"
        names.write_text("landmarks: {TR: null, BL: null}\n", encoding="utf-8")
        done = converted(tmp_path, source, "scenes", schema_name=str(schema), map=names)
        assert done.lost == {}
        points = next(read_labelled(find_labelled(done.out))).instances[0].landmarks
        assert points is not None
        np.testing.assert_array_equal(points.xy, [SQUARE[3], SQUARE[0]])


class TestNames:
    def test_a_map_alone_renames_and_leaves_out(self, tmp_path: Path) -> None:
        names = tmp_path / "names.yaml"
        names.write_text("classes: {L1: first, L2: null}\n", encoding="utf-8")
        done = converted(tmp_path, label_set(tmp_path, [pose_scene(tmp_path)]), map=names)
        content = json.loads((done.out / "coco.json").read_text(encoding="utf-8"))
        assert [item["name"] for item in content["categories"]] == ["vertebra", "first", "L3"]
        assert done.left_out == {"L2": 1}
        assert done.instances == 1

    def test_a_map_that_leaves_nothing_ends_with_nothing_to_convert(self, tmp_path: Path) -> None:
        names = tmp_path / "names.yaml"
        names.write_text("classes: {L1: null, L2: null}\n", encoding="utf-8")
        with pytest.raises(NothingUsableError, match="nothing to convert: the map leaves out all 2 labels"):
            converted(tmp_path, label_set(tmp_path, [pose_scene(tmp_path)]), map=names)


class TestReaders:
    def test_two_readers_become_one_when_asked(self, tmp_path: Path) -> None:
        scene = pose_scene(tmp_path, levels=())
        item = body("L1", SQUARE)
        both = (by_reader(item, "ann", (0, 0)), by_reader(item, "bob", (2, 4)))
        source = label_set(tmp_path, [replace(scene, instances=both)])
        apart = converted(tmp_path, source, "scenes", out=tmp_path / "apart")
        assert apart.instances == 2
        done = converted(tmp_path, source, "coco", consensus="mean")
        content = json.loads((done.out / "coco.json").read_text(encoding="utf-8"))
        (found,) = content["annotations"]
        assert found["keypoints"][:2] == [SQUARE[0][0] + 1, SQUARE[0][1] + 2]

    def test_only_the_mean_is_known(self, tmp_path: Path) -> None:
        with pytest.raises(
            UsageError, match=r"--consensus median: there is no such way to agree -- did you mean mean"
        ):
            converted(tmp_path, tmp_path, consensus="median")


class TestImages:
    def test_deep_images_become_what_every_tool_can_show(self, tmp_path: Path) -> None:
        image = deep_png(tmp_path / "images" / "deep.png")
        before = sha256_of(image.path)
        source = label_set(tmp_path, [Scene(image, POSE, pose_scene(tmp_path).instances)])
        done = converted(tmp_path, source, copy_images=True)
        copy = done.out / "images" / "deep.png"
        with PillowImage.open(copy) as shown:
            assert shown.mode == "L"
            assert shown.size == (WIDTH, HEIGHT)
            assert np.asarray(shown).max() > 200
        (row,) = rows(done.out)
        assert row["sha256"] == sha256_of(copy) != row["source_sha256"] == before == sha256_of(image.path)
        assert row["made_by"], "the recipe of the window is kept"

    def test_ordinary_images_are_copied_byte_by_byte(self, tmp_path: Path) -> None:
        source = label_set(tmp_path, [pose_scene(tmp_path)])
        done = converted(tmp_path, source, copy_images=True)
        assert (done.out / "images" / "a.png").read_bytes() == (tmp_path / "images" / "a.png").read_bytes()

    def test_a_dicom_film_becomes_png_with_its_spacing_in_the_manifest(self, tmp_path: Path) -> None:
        films = CHECKOUT / "datasets" / "samples"
        item = body("L1", [[x * 10, y * 10] for x, y in SQUARE])
        options = LabelOptions(films)
        from spinekit.formats.sources import image_folder

        ref = image_folder(films).find("spine-ap-01.dcm")
        source = label_set(tmp_path, [Scene(ref, POSE, (item,))], "via")  # type: ignore[arg-type]
        done = converted(tmp_path, source, copy_images=True, images=films)
        (row,) = rows(done.out)
        assert (row["image"], row["source"]) == ("spine-ap-01.png", "spine-ap-01.dcm")
        assert row["spacing_origin"] == "detector"
        assert float(row["row_mm"]) > 0
        assert "window" in row["made_by"]
        read = annotation_format("coco").read
        assert read is not None
        (back,) = read(done.out, POSE, LabelOptions())
        assert back.image.path == done.out / "images" / "spine-ap-01.png"
        assert options.images == films

    def test_two_images_of_one_stem_keep_apart(self, tmp_path: Path) -> None:
        first = pose_scene(tmp_path)
        second = save_image(tmp_path / "images" / "A.png")
        taken: set[str] = set()
        copies = [copy_image(ref, tmp_path / "copies", taken) for ref in (first.image, second)]
        assert len({copy.path.name.casefold() for copy in copies}) == 2
        assert all(copy.path.is_file() for copy in copies)

    def test_an_image_that_cannot_be_read_does_not_stop_the_others(self, tmp_path: Path) -> None:
        scenes = [pose_scene(tmp_path), pose_scene(tmp_path, "b.png")]
        source = label_set(tmp_path, scenes)
        path = tmp_path / "images" / "a.png"
        path.write_bytes(path.read_bytes()[:60])
        done = converted(tmp_path, source, copy_images=True)
        assert done.images == 1
        assert len(done.failed) == 1
        assert "a.png" in done.failed[0]
        assert [row["image"] for row in rows(done.out)] == ["b.png"]

    def test_where_no_image_can_be_read_nothing_is_left(self, tmp_path: Path) -> None:
        source = label_set(tmp_path, [pose_scene(tmp_path)])
        (tmp_path / "images" / "a.png").write_bytes(b"")
        with pytest.raises(NothingUsableError, match="none of its 1 images can be read"):
            converted(tmp_path, source, copy_images=True)
        assert leftovers(tmp_path) == []


class TestRasters:
    def test_classes_become_outlines_where_there_are_no_rasters(self, tmp_path: Path) -> None:
        labels = np.zeros((HEIGHT, WIDTH), np.uint8)
        labels[3:20, 5:30] = 1
        labels[8:12, 9:15] = 0
        scene = Scene(save_image(tmp_path / "images" / "a.png"), SEM, raster=Raster(labels))
        done = converted(tmp_path, label_set(tmp_path, [scene]))
        assert done.instances == 1
        read = annotation_format("coco").read
        assert read is not None
        (back,) = read(done.out, SEM, LabelOptions(tmp_path / "images"))
        assert back.instances[0].outline is not None
        np.testing.assert_array_equal(to_mask(back.instances[0].outline, HEIGHT, WIDTH), labels == 1)


class TestFaults:
    def test_missing_images_are_listed(self, tmp_path: Path) -> None:
        scenes = [pose_scene(tmp_path, f"{name}.png") for name in "abc"]
        source = label_set(tmp_path, scenes, "via")
        for name in "ac":
            (tmp_path / "images" / f"{name}.png").unlink()
        with pytest.raises(
            AnnotationError, match=r"2 annotated images cannot be used \(a.png, c.png\)"
        ) as caught:
            converted(tmp_path, source)
        assert "--allow-missing" in str(caught.value)
        assert leftovers(tmp_path) == []
        done = converted(tmp_path, source, "scenes", allow_missing=True)
        assert done.images == 1
        assert len(done.passed_over) == 2
        listed = (done.out / "passed-over.txt").read_text(encoding="utf-8")
        assert "a.png" in listed
        assert "c.png" in listed

    def test_all_missing_is_nothing_to_convert(self, tmp_path: Path) -> None:
        source = label_set(tmp_path, [pose_scene(tmp_path)], "via")
        (tmp_path / "images" / "a.png").unlink()
        with pytest.raises(
            NothingUsableError, match="nothing to convert: no image of the annotation is there"
        ):
            converted(tmp_path, source, allow_missing=True)

    def test_images_without_labels_are_nothing_to_convert(self, tmp_path: Path) -> None:
        source = label_set(tmp_path, [pose_scene(tmp_path, levels=())])
        with pytest.raises(NothingUsableError, match="nothing to convert: 1 images without a single label"):
            converted(tmp_path, source)
        assert leftovers(tmp_path) == []

    def test_a_writer_that_fails_leaves_nothing(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from spinekit.workflows import convert as module

        def write(scenes: object, out: Path) -> list[Path]:
            assert list(scenes)  # type: ignore[call-overload]
            (out / "half.txt").write_text("half", encoding="utf-8")
            raise AnnotationError("a.png: no -- yes")

        broken = replace(annotation_format("coco"), write=write)
        monkeypatch.setattr(module, "annotation_format", lambda _: broken)
        with pytest.raises(AnnotationError, match="no -- yes"):
            converted(tmp_path, label_set(tmp_path, [pose_scene(tmp_path)]))
        assert leftovers(tmp_path) == []

    def test_nothing_is_overwritten(self, tmp_path: Path) -> None:
        source = label_set(tmp_path, [pose_scene(tmp_path)])
        (tmp_path / "out").mkdir()
        converted(tmp_path, source)
        with pytest.raises(UsageError, match="is not empty -- name a new or empty folder"):
            converted(tmp_path, source)
        with pytest.raises(UsageError, match="lies inside the input"):
            converted(tmp_path, source, out=source / "new")
        with pytest.raises(UsageError, match="lies in the folder of the images"):
            converted(tmp_path, source, out=tmp_path / "images" / "new", copy_images=True)
        with pytest.raises(UsageError, match="DST is a folder"):
            converted(tmp_path, source, out=tmp_path / "new.json")
        converted(tmp_path, source, out=tmp_path / "images" / "labels")

    def test_a_link_does_not_hide_the_input(self, tmp_path: Path) -> None:
        source = label_set(tmp_path, [pose_scene(tmp_path)])
        (tmp_path / "link").symlink_to(source)
        with pytest.raises(UsageError, match="lies inside the input"):
            converted(tmp_path, source, out=tmp_path / "link" / "new")

    def test_formats_are_told_apart(self, tmp_path: Path) -> None:
        source = label_set(tmp_path, [pose_scene(tmp_path)])
        with pytest.raises(
            UsageError, match=r"--to isbi: it can be read, not written -- choose one of .*coco"
        ):
            converted(tmp_path, source, "isbi")
        with pytest.raises(UsageError, match="did you mean coco"):
            converted(tmp_path, source, "cocoa")


def test_real_points_come_out_where_they_went_in(tmp_path: Path) -> None:
    data = real_data() / "orbit"
    done = convert(
        ConvertSettings(
            source=data / "bmp.csv",
            out=tmp_path / "out",
            to="scenes",
            schema_name="orbit-4",
            allow_missing=True,
        )
    )
    assert (done.images, done.instances) == (51, 51)
    assert len(done.passed_over) == 6800
    read = annotation_format("via").read
    assert read is not None
    before = {
        scene.image.name: scene
        for scene in read(data / "bmp.csv", find_labelled(done.out).schema, LabelOptions())
    }
    for scene in read_labelled(find_labelled(done.out)):
        points = [item.landmarks for item in (*scene.instances, *before[scene.image.name].instances)]
        assert points[0] is not None
        assert points[1] is not None
        np.testing.assert_array_equal(points[0].xy, points[1].xy)


def test_an_instance_of_another_thing_is_not_in_the_way(tmp_path: Path) -> None:
    box = Instance("vertebra", (1, 1, 9, 9))
    scene = replace(pose_scene(tmp_path), instances=(box,))
    source = label_set(tmp_path, [scene])
    done = converted(tmp_path, source, "coco")
    assert done.instances == 1


def test_what_rows_cannot_hold_is_a_remark(tmp_path: Path) -> None:
    away = body("L1", [[500.0, 3.0], [520, 4], [500, 13], [520, 14]])
    scene = replace(pose_scene(tmp_path / "in"), instances=(away,))
    done = convert(
        ConvertSettings(
            source=label_set(tmp_path / "in", [scene]),
            out=tmp_path / "out",
            to="yolo",
            images=tmp_path / "in" / "images",
        )
    )
    assert any(
        line.startswith("not-written.txt: 1 not in the labels as they were, e.g. a.png")
        for line in done.remarks
    )


@pytest.mark.parametrize("form", ["coco", "labelme", "cvat", "scenes"])
def test_corrections_in_another_tool_come_back_as_a_persons(form: str, tmp_path: Path) -> None:
    made = pose_scene(tmp_path)
    by_model = (replace(i, author=Author.MODEL, score=0.4, flags=("doubtful",)) for i in made.instances)
    source = label_set(tmp_path, [replace(made, instances=tuple(by_model), model="m")], form)
    for corrected, author in ((False, Author.MODEL), (True, Author.HUMAN)):
        out = tmp_path / str(corrected)
        converted(tmp_path, source, "scenes", out=out, corrected=corrected)
        (scene,) = read_labelled(find_labelled(out, options=LabelOptions(tmp_path / "images")))
        assert {item.author for item in scene.instances} == {author}
        if corrected:
            assert all(item.score == 1 and not item.flags for item in scene.instances)
