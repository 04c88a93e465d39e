from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image as PillowImage

from spinekit.core.errors import NothingUsableError
from spinekit.core.image import ImageRef
from spinekit.core.outline import to_outline
from spinekit.core.scene import Instance, Raster, Scene
from spinekit.core.schema import Schema
from spinekit.core.spacing import Spacing, SpacingOrigin
from spinekit.schemas import load_schema
from spinekit.workflows.census import (
    GRID,
    ClassCount,
    census,
    count_scene,
    imbalance,
    outline_area,
    position_map,
    quartiles,
)
from spinekit.workflows.convert import ConvertSettings, convert
from spinekit.workflows.dataset_stats import StatsSettings, dataset_stats, summary
from tests.formats.annotation_samples import POSE, real_data
from tests.workflows.labelled_films import HEIGHT, WIDTH, block, data_set, dots

SHAPES = Schema("shapes", 1, "Shapes", "seg", "test", ("cell", "lump", "never"))


@pytest.fixture(scope="module")
def shapes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    films = {
        "a.png": [block("cell", 10, 20), block("cell", 50, 70), block("lump", 0, 0, 4, 4)],
        "b.png": [block("cell", 10, 20)],
        "c.png": [],
    }
    persons: dict[str, dict[str, float | str]] = {
        "a.png": {"age_years": 63.0, "sex": "F"},
        "b.png": {"sex": "M"},
    }
    return data_set(tmp_path_factory.mktemp("s"), SHAPES, films, persons=persons, groups={"a.png": "P1"})


def test_what_is_there_is_counted(shapes: Path) -> None:
    held = summary(dataset_stats(StatsSettings(data=shapes)).census)
    assert (held["images"], held["without_label"], held["groups"]) == (3, 1, 1)
    assert held["classes"]["cell"]["instances"] == 3
    assert held["classes"]["cell"]["images"] == 2
    assert held["classes"]["cell"]["width_px"]["median"] == 20
    assert held["classes"]["lump"]["area_share"]["max"] == pytest.approx(16 / (HEIGHT * WIDTH), rel=1e-5)
    assert held["classes"]["never"]["instances"] == 0
    assert held["imbalance"] == 3
    assert held["image_sizes"] == [{"width": WIDTH, "height": HEIGHT, "images": 3}]
    assert held["persons"] == [
        {"age_from": 60, "sex": "F", "images": 1, "instances": {"cell": 2, "lump": 1}},
        {"age_from": None, "sex": "M", "images": 1, "instances": {"cell": 1}},
    ]
    assert held["age_years"]["median"] == 63
    json.dumps(held, allow_nan=False)


def test_landmarks_are_counted_by_what_is_seen(tmp_path: Path) -> None:
    nan = float("nan")
    bodies = [
        dots(POSE, [[1, 1], [5, 1], [1, 5], [nan, nan]], "L1"),
        dots(POSE, [[1, 9], [5, 9], [1, 12], [5, 12]], "L2"),
    ]
    held = dataset_stats(StatsSettings(data=data_set(tmp_path, POSE, {"a.png": bodies}))).census
    assert held.landmarks["BR"] == {"visible": 1, "occluded": 0, "absent": 1}
    assert held.landmarks["TL"] == {"visible": 2, "occluded": 0, "absent": 0}
    assert list(held.classes) == ["L1", "L2", "L3"]


def test_pixels_of_a_raster_are_counted(tmp_path: Path) -> None:
    labels = np.zeros((HEIGHT, WIDTH), dtype=np.uint8)
    labels[:30] = 1
    schema = load_schema("em-membrane")
    folder = data_set(tmp_path / "d", schema, {"a.png": []}, rasters={"a.png": Raster(labels)})
    held = dataset_stats(StatsSettings(data=folder, out=tmp_path / "o")).census
    assert held.classes["membrane"].pixels == 30 * WIDTH
    assert held.classes["cell"].pixels == 90 * WIDTH
    assert held.empty == 0
    assert imbalance(held) == 3


def test_tables_and_plots_are_written_and_the_same_again(shapes: Path, tmp_path: Path) -> None:
    for name in ("one", "two"):
        report = dataset_stats(StatsSettings(data=shapes, out=tmp_path / name))
    names = {path.name for path in report.files}
    assert {"stats.json", "classes.csv", "persons.csv", "classes.png", "sizes.png", "positions.png"} <= names
    for name in sorted(names):
        content = (tmp_path / "one" / name).read_bytes()
        assert content == (tmp_path / "two" / name).read_bytes()
        if name.endswith(".png"):
            with PillowImage.open(tmp_path / "one" / name) as picture:
                picture.load()
                assert picture.width > 300
                assert set(picture.info) <= {"dpi"}
    with (tmp_path / "one" / "classes.csv").open(encoding="utf-8", newline="") as stream:
        assert [row["instances"] for row in csv.DictReader(stream)] == ["3", "1", "0"]
    assert not any(path.suffix == ".png" for path in dataset_stats(
        StatsSettings(data=shapes, out=tmp_path / "none", plots=False)
    ).files)  # fmt: skip


def test_millimetres_need_a_spacing() -> None:
    held = census(SHAPES)
    spacing = Spacing(0.5, 0.25, SpacingOrigin.TOMOGRAPHIC)
    for ref in (ImageRef(Path("x"), 100, 100, spacing), ImageRef(Path("x"), 100, 100)):
        count_scene(held, Scene(ref, SHAPES, (Instance("cell", (0, 0, 30, 20)),)))
    assert list(held.classes["cell"].millimetres) == [10.0]
    assert held.spacings == {(0.5, 0.25, "tomographic"): 1, None: 1}


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), max_size=50))
def test_every_centre_has_one_place_on_the_map(places: list[tuple[float, float]]) -> None:
    counts = ClassCount()
    for across, down in places:
        counts.across.append(across)
        counts.down.append(down)
    found = position_map(counts)
    assert found.shape == (GRID, GRID)
    assert found.sum() == len(places)


def test_the_map_is_not_turned() -> None:
    counts = ClassCount()
    counts.across.append(0.9)
    counts.down.append(0.1)
    row, column = np.argwhere(position_map(counts))[0]
    assert row < GRID / 4
    assert column > GRID / 2


@given(st.integers(0, 1 << 32))
def test_an_outline_has_the_area_of_its_pixels(seed: int) -> None:
    mask = np.random.default_rng(seed).random((9, 8)) < 0.5
    assert outline_area(to_outline(mask)) == mask.sum()


def test_quartiles_of_nothing_are_none() -> None:
    assert quartiles([]) is None
    assert quartiles([1.0, 2, 3, 4, 5]) == (1, 2, 3, 4, 5)


def test_an_empty_set_is_refused(tmp_path: Path) -> None:
    (tmp_path / "predictions.jsonl").write_text("")
    with pytest.raises(NothingUsableError):
        dataset_stats(StatsSettings(data=tmp_path, format="scenes", schema_name="vertebrae"))


def test_real_membranes() -> None:
    settings = StatsSettings(data=real_data() / "em_isbi2012", format="mask", schema_name="em-membrane")
    held = dataset_stats(settings).census
    assert held.images == 25
    assert held.classes["membrane"].pixels / (25 * 512 * 512) == pytest.approx(0.224, abs=0.001)


def test_age_sex_spacing_and_groups_survive_a_conversion(shapes: Path, tmp_path: Path) -> None:
    """A YOLO set has no place for them; its manifest has, where the user asked for age and sex."""
    before = summary(dataset_stats(StatsSettings(data=shapes)).census)
    for wanted in (True, False):
        out = tmp_path / f"yolo-{wanted}"
        convert(ConvertSettings(source=shapes, out=out, to="yolo", covariates=wanted))
        after = summary(dataset_stats(StatsSettings(data=out)).census)
        assert (after["groups"], after["images_without_group"]) == (1, 2)
        if wanted:
            assert after["persons"] == before["persons"]
            assert after["age_years"] == before["age_years"]
        else:
            assert [person["sex"] for person in after["persons"]] == [None] * len(after["persons"])
    spaced = tmp_path / "yolo-True" / "manifest.csv"
    rows = list(csv.reader(spaced.read_text().splitlines()))
    place = rows[0].index("row_mm")
    rows = [rows[0], *([*row[:place], "0.5", "0.25", "detector", *row[place + 3 :]] for row in rows[1:])]
    spaced.write_text("".join(",".join(row) + "\n" for row in rows))
    held = summary(dataset_stats(StatsSettings(data=spaced.parent)).census)
    assert held["spacing"] == [{"row_mm": 0.5, "col_mm": 0.25, "origin": "detector", "images": 3}]
    assert held["classes"]["cell"]["longer_side_mm"] is not None
