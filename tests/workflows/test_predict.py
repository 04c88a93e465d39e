from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as PillowImage

import spinekit
from spinekit.core.errors import NothingUsableError, UsageError
from spinekit.core.image import Image
from spinekit.core.spacing import SpacingOrigin
from spinekit.formats.plugin import LabelOptions
from spinekit.formats.scenes import read as read_scenes
from spinekit.models.weights import find_card
from spinekit.phantoms import membrane_tile, spine_ap
from spinekit.runs import RunRecord
from spinekit.schemas import load_schema
from spinekit.workflows import predict as workflow
from spinekit.workflows.outputs import output_path
from spinekit.workflows.reading import ModelChoice, Reading


@pytest.fixture
def films(tmp_path: Path) -> Path:
    folder = tmp_path / "films"
    for name, seed in (("a/film.png", 1), ("b/film.png", 2)):
        path = folder / name
        path.parent.mkdir(parents=True)
        PillowImage.fromarray(spine_ap(seed, height=1000).pixels).save(path)
    return folder


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def test_two_films_of_one_name_keep_their_own_results(films: Path, tmp_path: Path) -> None:
    run = spinekit.predict(films, out=tmp_path / "out", save=["coco", "via", "yolo"])
    assert run.record.counts() == {"ok": 2, "abstained": 0, "skipped": 0, "failed": 0}
    out = tmp_path / "out"
    for name in ("a/film.png.png", "b/film.png.png"):
        assert (out / "overlays" / name).is_file()
    assert {row["image"] for row in rows(out / "measurements.csv")} == {"a/film.png", "b/film.png"}
    assert rows(out / "failures.csv") == []
    assert (out / "report.html").stat().st_size > 50_000
    assert (out / "coco" / "coco.json").is_file()
    assert json.loads((out / "run.json").read_text())["models"].keys() == run.record.models.keys()
    assert not [path for path in out.rglob("*") if ".tmp" in path.name]


def test_what_is_written_is_what_is_returned(films: Path, tmp_path: Path) -> None:
    run = spinekit.predict(films, out=tmp_path / "out", model="spine-ap-pose", report=False, overlays=False)
    back = list(
        read_scenes(tmp_path / "out" / "predictions.jsonl", load_schema("spine-ap"), LabelOptions(films))
    )
    for prediction, scene in zip(run.predictions, back, strict=True):
        assert prediction.scene is not None
        for ours, theirs in zip(prediction.scene.instances, scene.instances, strict=True):
            assert ours.label == theirs.label
            assert ours.landmarks is not None
            assert theirs.landmarks is not None
            assert np.allclose(ours.landmarks.xy, theirs.landmarks.xy)


def test_the_same_film_gives_the_same_files(films: Path, tmp_path: Path) -> None:
    for name in ("one", "two"):
        spinekit.predict(films / "a", out=tmp_path / name, model="spine-ap-pose")
    for path in sorted((tmp_path / "one").rglob("*")):
        if path.is_file():
            assert (
                path.read_bytes() == (tmp_path / "two" / path.relative_to(tmp_path / "one")).read_bytes()
            ), path


def test_a_stated_spacing_overrides_and_is_named(films: Path) -> None:
    image = next(spinekit.read_images(films / "a" / "film.png", spacing="0.2x0.1"))
    assert image.ref.spacing is not None
    assert image.ref.spacing.origin is SpacingOrigin.STATED
    assert (image.ref.spacing.row_mm, image.ref.spacing.col_mm) == (0.2, 0.1)


def test_pages_of_a_tiff_are_images_of_their_own_with_mask_and_probability(tmp_path: Path) -> None:
    pages = [PillowImage.fromarray(membrane_tile(seed, size=192).pixels) for seed in (1, 2)]
    pages[0].save(tmp_path / "stack.tif", save_all=True, append_images=pages[1:])
    run = spinekit.predict(
        tmp_path / "stack.tif", model="em-sem", out=tmp_path / "out", save=["mask"], report=False
    )
    assert [p.image.name for p in run.predictions] == ["stack.tif#0", "stack.tif#1"]
    card = find_card("em-sem")
    for frame in (0, 1):
        mask = np.asarray(PillowImage.open(tmp_path / "out" / "mask" / "masks" / f"stack#{frame}.png"))
        picture = PillowImage.open(tmp_path / "out" / "probability" / f"stack.tif.frame{frame}.tiff")
        probability = np.asarray(picture)
        assert mask.shape == probability.shape == (192, 192)
        assert set(np.unique(mask)) <= {0, 1}
        assert probability.dtype == np.float32
        # Fainter membranes count only as the lines that keep cells apart.
        assert (mask[probability >= card.confidence] == 1).all()
        assert card.separation is not None
        assert probability[mask == 1].min() >= card.separation


def test_an_interruption_keeps_what_is_done(
    films: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = ModelChoice.read

    def read(self: ModelChoice, image: Image) -> Reading:
        if image.ref.name.startswith("b/"):
            raise KeyboardInterrupt
        return real(self, image)

    monkeypatch.setattr(ModelChoice, "read", read)
    with pytest.raises(KeyboardInterrupt):
        spinekit.predict(films, out=tmp_path / "out", model="spine-ap-pose")
    out = tmp_path / "out"
    assert {row["image"] for row in rows(out / "measurements.csv")} == {"a/film.png"}
    assert [row["file"] for row in rows(out / "failures.csv")] == ["b/film.png"]
    assert len((out / "predictions.jsonl").read_text().splitlines()) == 1
    assert (out / "report.html").is_file()


def test_refusals_are_counted_and_shown(tmp_path: Path) -> None:
    PillowImage.fromarray(np.full((300, 200), 90, np.uint8)).save(tmp_path / "flat.png")
    run = spinekit.predict(tmp_path / "flat.png", out=tmp_path / "out")
    (prediction,) = run.predictions
    assert prediction.scene is None
    assert prediction.refusal == "the image has no contrast"
    assert "no contrast" in (tmp_path / "out" / "report.html").read_text()
    assert rows(tmp_path / "out" / "failures.csv")[0]["status"] == "abstained"


def test_nothing_is_written_when_the_question_is_wrong(films: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--save xlsx"):
        spinekit.predict(films, out=tmp_path / "out", save=["xlsx"])
    with pytest.raises(UsageError, match="lies in it"):
        spinekit.predict(films / "a", out=films)
    (tmp_path / "empty").mkdir()
    with pytest.raises(NothingUsableError, match="holds no file"):
        spinekit.predict(tmp_path / "empty", out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", "a/../../b.png", "x" * 300 + ".png"])
def test_output_names_stay_inside_and_short(tmp_path: Path, name: str) -> None:
    path = output_path(tmp_path, name, ".png")
    assert path.resolve().is_relative_to(tmp_path.resolve())
    assert len(path.name.encode()) < 255


def test_a_record_counts_by_status() -> None:
    assert RunRecord({}, {}).counts() == {"ok": 0, "abstained": 0, "skipped": 0, "failed": 0}
    assert workflow.PredictSettings(sources=(Path("x"),)).model == "auto"
