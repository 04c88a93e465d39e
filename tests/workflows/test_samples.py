from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pydicom
import pytest

from spinekit.core.errors import UsageError
from spinekit.files import bundled
from spinekit.formats.reading import find_files, read_images, read_raw
from spinekit.phantoms import midline_cobb
from spinekit.schemas import load_schema, parse_yaml
from spinekit.workflows.samples import SCHEMAS, UNASKED, write_samples

SHIPPED = bundled("datasets") / "samples"
# Other builds of OpenCV round blurred values differently in the last place: a grey level, seldom more.
ONE_LEVEL = 1


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("samples")
    write_samples(folder)
    return folder


def films(folder: Path) -> list[Path]:
    return [found.path for found in find_files([folder]) if found.skip is None]


def stored(path: Path) -> npt.NDArray[Any]:
    pixels = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    assert pixels is not None
    return np.asarray(pixels)


def test_what_ships_is_what_is_made(made: Path) -> None:
    assert [path.name for path in sorted(SHIPPED.iterdir())] == [path.name for path in sorted(made.iterdir())]
    for path in sorted(SHIPPED.iterdir()):
        twin = made / path.name
        if path.suffix in {".yaml", ".json"}:
            assert path.read_bytes() == twin.read_bytes(), path.name
        elif path.suffix == ".png":
            assert np.abs(stored(path).astype(int) - stored(twin).astype(int)).max() <= ONE_LEVEL, path.name
        else:
            first, second = pydicom.dcmread(path), pydicom.dcmread(twin)
            levels = ONE_LEVEL << max(first.BitsStored - 8, 0)
            assert np.abs(first.pixel_array.astype(int) - second.pixel_array.astype(int)).max() <= levels
            del first.PixelData, second.PixelData
            assert first == second, path.name


def test_what_ships_is_small_and_says_what_it_is() -> None:
    assert sum(path.stat().st_size for path in SHIPPED.iterdir()) < 3_000_000
    card = parse_yaml((SHIPPED / "card.yaml").read_text(), "card.yaml")
    assert isinstance(card, dict)
    assert card["licence"] == "AGPL-3.0-or-later"
    assert "Synthetic" in card["title"]
    assert card["schemas"] == {kind: SCHEMAS[kind] for kind in UNASKED}


def test_films_are_found_and_truth_is_passed_over(made: Path) -> None:
    found = films(made)
    assert len(found) == 2 * len(UNASKED)
    assert {path.suffix for path in found} == {".dcm", ".png"}
    passed = [item for item in find_files([made]) if item.skip is not None]
    assert sum("truth" in (item.skip or "") for item in passed) == len(found) + 2


def test_truth_speaks_the_words_of_the_schema_and_fits_the_film(made: Path) -> None:
    for path in films(made):
        truth = json.loads((made / f"{path.stem}.truth.json").read_text())
        (image,) = read_images(path)
        assert truth["film"] == path.name
        assert (truth["height"], truth["width"]) == image.pixels.shape
        schema = load_schema(truth["schema"])
        for label, points in truth.get("points", {}).items():
            assert label in (*schema.levels, *schema.classes)
            assert set(points) == set(schema.landmark_names)
            xy = np.array(list(points.values()))
            assert xy.min() >= 0
            assert (xy < [truth["width"], truth["height"]]).all()
        if "mask" in truth:
            mask = stored(made / truth["mask"])
            assert mask.shape == image.pixels.shape
            assert set(np.unique(mask)) == {0, 255}
            grey = image.pixels.astype(float)
            assert grey[mask == 255].mean() > grey[mask == 0].mean() + 40


@pytest.mark.parametrize(("name", "angle"), [("spine-ap-01", 24.0), ("spine-ap-02", 41.0)])
def test_the_written_corners_have_the_stated_angle(made: Path, name: str, angle: float) -> None:
    truth = json.loads((made / f"{name}.truth.json").read_text())
    corners = np.array(
        [[body[corner] for corner in ("TL", "TR", "BL", "BR")] for body in truth["points"].values()]
    )
    assert truth["facts"]["cobb_deg"] == angle
    assert midline_cobb(corners) == pytest.approx(angle, abs=1e-4)


def test_dicom_and_truth_agree_on_spacing(made: Path) -> None:
    for name in ("spine-ap-01", "skull-lateral-01", "orbit-01"):
        (image,) = read_images(made / f"{name}.dcm")
        truth = json.loads((made / f"{name}.truth.json").read_text())
        assert image.ref.spacing is not None
        assert image.ref.spacing.row_mm == pytest.approx(truth["spacing_mm"], rel=1e-6)
        assert image.ref.spacing.origin.value == truth["spacing_origin"]


def test_the_third_radiograph_is_a_deep_png(tmp_path: Path) -> None:
    written = write_samples(tmp_path, count=3, seed=2, kinds=["spine-ap"])
    assert [path.name for path in written][-3:] == ["spine-ap-03.png", "spine-ap-03.truth.json", "card.yaml"]
    (image,) = read_images(tmp_path / "spine-ap-03.png")
    raw = read_raw(image.ref)
    assert raw.dtype == np.uint16
    assert 255 < int(raw.max()) <= 4095
    assert len(np.unique(image.pixels)) > 100


def test_another_seed_gives_other_films_and_one_kind_only(tmp_path: Path, made: Path) -> None:
    written = write_samples(tmp_path, count=1, seed=2, kinds=["membrane", "membrane"])
    assert [path.name for path in written] == [
        "membrane-01.dcm",
        "membrane-01.truth.json",
        "membrane-01.truth.png",
        "card.yaml",
    ]
    assert sorted(written) == sorted(tmp_path.iterdir())
    assert (tmp_path / "membrane-01.dcm").read_bytes() != (made / "membrane-01.dcm").read_bytes()


def test_impossible_wishes_are_refused_before_anything_is_written(tmp_path: Path) -> None:
    out = tmp_path / "out"
    with pytest.raises(UsageError, match="count"):
        write_samples(out, count=0)
    with pytest.raises(UsageError, match="seed"):
        write_samples(out, seed=-1)
    with pytest.raises(UsageError, match="knee -- choose of spine-ap"):
        write_samples(out, kinds=["knee"])  # type: ignore[list-item]
    with pytest.raises(UsageError, match="none given"):
        write_samples(out, kinds=[])
    assert not out.exists()
