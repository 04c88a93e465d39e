"""Evaluations of made scenes, whose figures are known, and of real annotations against themselves."""

from __future__ import annotations

import csv
import json
import math
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from spinekit.core.errors import NothingUsableError, UsageError
from spinekit.core.image import ImageRef
from spinekit.core.landmarks import landmarks
from spinekit.core.outline import to_outline
from spinekit.core.scene import Instance, Raster, Scene
from spinekit.core.score import Score
from spinekit.core.spacing import Spacing, SpacingOrigin
from spinekit.formats.scenes import write
from spinekit.schemas import load_schema
from spinekit.workflows.evaluate import evaluate
from spinekit.workflows.evaluation import EvaluateSettings, Evaluation, unmatched
from spinekit.workflows.labelled import open_labelled
from tests.workflows.labelled_films import film, saved

DATA = os.environ.get("SPINEKIT_DATA")
HEIGHT, WIDTH = 400, 300


def ref(name: str) -> ImageRef:
    return ImageRef(Path(name), HEIGHT, WIDTH, name=name)


def skull(name: str, shift: tuple[float, float] = (0, 0), gone: Sequence[str] = ()) -> Scene:
    schema = load_schema("ceph-19")
    rng = np.random.default_rng(sum(map(ord, name)))
    xy = rng.uniform(50, 250, (19, 2)) + np.array(shift)
    xy[[schema.landmark_names.index(one) for one in gone]] = np.nan
    return Scene(
        ref(name), schema, (Instance("skull", (0, 0, 299, 399), None, landmarks(schema.landmark_names, xy)),)
    )


def spine(
    name: str, lean: float = 0.0, skip: Sequence[str] = (), names_from: int = 0, masks: bool = False
) -> Scene:
    """Seventeen bodies that lean more and more."""
    schema = load_schema("spine-ap-levels" if masks else "spine-ap")
    items = []
    for place, level in enumerate(schema.levels):
        if level in skip:
            continue
        turn = np.radians(lean * np.sin(place / 4))
        square = np.array([[-20, -8], [20, -8], [-20, 8], [20, 8]], dtype=float)
        rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
        xy = square @ rotation.T + np.array([150, 20 + 22 * place])
        (left, top), (right, bottom) = xy.min(axis=0), xy.max(axis=0)
        label = schema.levels[min(place + names_from, 16)]
        mask = np.zeros((HEIGHT, WIDTH), dtype=bool)
        mask[int(top) : int(bottom), int(left) : int(right)] = True
        items.append(
            Instance(label, (left, top, right, bottom), to_outline(mask) if masks else None,
                     None if masks else landmarks(schema.landmark_names, xy))
        )  # fmt: skip
    return Scene(ref(name), schema, tuple(items))


def section(name: str, shift: int = 0) -> Scene:
    labels = np.zeros((HEIGHT, WIDTH), np.uint8)
    labels[::40] = labels[:, ::50] = 1
    return Scene(ref(name), load_schema("em-membrane"), raster=Raster(labels=np.roll(labels, shift, axis=1)))


def run(folder: Path, predicted: Sequence[Scene], truth: Sequence[Scene], **settings: object) -> Evaluation:
    write(predicted, folder / "predicted")
    write(truth, folder / "truth")
    return evaluate(
        EvaluateSettings.model_validate(
            {"predicted": folder / "predicted", "truth": folder / "truth", **settings}
        )
    )


def figures(found: Evaluation, key: str, part: str = "") -> dict[str, Score]:
    (chosen,) = [one for one in found.sections if one.key == key]
    return {score.metric: score for score in (chosen.parts[part] if part else chosen.scores)}


FILMS = [f"{letter}.png" for letter in "abcdef"]


@pytest.mark.parametrize("kind", [skull, spine, section])
def test_the_truth_against_itself_is_perfect(tmp_path: Path, kind: Callable[[str], Scene]) -> None:
    scenes = [kind(name) for name in FILMS]
    found = run(tmp_path, scenes, scenes)
    perfect = {
        "MRE": 0, "SD of": 0, "SDR": 100, "bias": 0, "SD x": 0, "SD y": 0, "bodies found (%)": 100,
        "level names right": 100, "found bodies named one": 0, "corner MRE": 0, "SMAPE": 0, "CMAE": 0,
        "main angle": 0, "second angle": 0, "third angle": 0, "box ": 1, "V_": 1, "Dice": 1, "IoU": 1, "SCR": 100,
        "lower limit": 0, "upper limit": 0, "mean error": 0, "ICC": 1,
    }  # fmt: skip
    checked = 0
    for one in found.sections:
        for score in (*one.scores, *(score for scores in one.parts.values() for score in scores)):
            wanted = [value for start, value in perfect.items() if score.metric.startswith(start)]
            if wanted:
                assert score.value == pytest.approx(wanted[0], abs=1e-6), score
                assert score.missed == 0
                checked += 1
    assert checked >= 4
    assert unmatched(found.unpaired) == []


def test_landmarks_by_hand(tmp_path: Path) -> None:
    """Two films: every point 3 px right and 4 px up; on the second one point is absent. 0.5 mm a pixel."""
    found = run(
        tmp_path,
        [skull("a.png", (3, -4)), skull("b.png", (3, -4), gone=["ANS"])],
        [skull("a.png"), skull("b.png")],
        spacing=Spacing(0.5, 0.5, SpacingOrigin.STATED),
        within=(2.5, 2.6),
    )
    every, ans = figures(found, "landmarks"), figures(found, "landmarks", "ANS")
    assert every["MRE (mm)"].value == pytest.approx(2.5)
    assert every["MRE (mm)"].missed == 1
    assert every["SDR 2.5 mm (%)"].value == pytest.approx(0)  # strictly nearer
    assert every["SDR 2.6 mm (%)"].value == pytest.approx(100 * 37 / 38)
    assert every["bias x (mm)"].value == pytest.approx(1.5)
    assert every["bias y (mm)"].value == pytest.approx(-2)
    assert every["SD x (mm)"].value == pytest.approx(0, abs=1e-6)
    assert ans["SDR 2.6 mm (%)"].value == pytest.approx(50)
    assert (ans["MRE (mm)"].n, ans["MRE (mm)"].missed) == (1, 1)  # one film has a mean
    assert (ans["SDR 2.6 mm (%)"].n, ans["SDR 2.6 mm (%)"].missed) == (2, 1)


def test_pixels_that_are_not_square_count_as_they_are(tmp_path: Path) -> None:
    spacing = Spacing(2.0, 1.0, SpacingOrigin.STATED)
    found = run(tmp_path, [skull("a.png", (3, 2))], [skull("a.png")], spacing=spacing)
    assert figures(found, "landmarks")["MRE (mm)"].value == pytest.approx(5)


def test_a_spine_with_missed_and_misnamed_bodies(tmp_path: Path) -> None:
    truth = [spine("a.png", 20), spine("b.png", 10)]
    found = run(tmp_path, [spine("a.png", 20, skip=["T1", "L5"]), spine("b.png", 10, names_from=1)], truth)
    scores = figures(found, "spine")
    assert scores["bodies found of 17, mean"].value == 16
    assert scores["bodies found of 17, mean"].missed == 2
    # 15 of 17 on the first film; on the second each is named one down, the last two alike.
    assert scores["level names right (%)"].value == pytest.approx((100 * 15 / 17 + 100 * 1 / 17) / 2)
    assert scores["found bodies named one level off (%)"].value == pytest.approx(100 * 16 / 32)
    assert scores["corner MRE (px), found bodies"].value == pytest.approx(0, abs=1e-9)
    points = figures(found, "landmarks")
    assert points["SDR 5 px (%)"].value == pytest.approx(100 * 32 / 34)


def test_a_film_without_an_answer_counts_as_the_constant(tmp_path: Path) -> None:
    truth = [spine("a.png", 20), spine("b.png", 10)]
    found = run(tmp_path, truth[:1], truth, missing="count")
    scores = figures(found, "spine")
    assert scores["SMAPE (%)"].missed == 1
    assert scores["SMAPE (%)"].value > 5
    assert scores["bodies found of 17, mean"].value == 8.5
    assert found.unpaired.without_answer == ["b.png"]
    skipped = run(tmp_path, truth[:1], truth)
    assert figures(skipped, "spine")["SMAPE (%)"].value == pytest.approx(0, abs=1e-9)
    assert "1 images of the truth without a prediction" in unmatched(skipped.unpaired)[0]


def test_masks_shifted_by_one_level_are_good_by_place(tmp_path: Path) -> None:
    truth = [spine("a.png", masks=True)]
    found = run(tmp_path, [spine("a.png", names_from=1, masks=True)], truth)
    scores = figures(found, "masks")
    assert scores["Dice per level, missing ones 0"].value < 0.1
    assert scores["Dice by place, whatever the name"].value == pytest.approx(1)
    assert figures(found, "detection")["mask mAP50"].value < 0.1


def test_every_level_that_a_body_may_be_counts_as_a_detection(tmp_path: Path) -> None:
    """Each body is taken for the next level with 0.6 and for its own with 0.4: half right but for both ends."""
    truth = spine("a.png", masks=True)
    shares = 0.4 * np.eye(17) + 0.6 * np.eye(17, k=1)
    shares[16, 16] = 1.0
    named = [truth.schema.levels[min(place + 1, 16)] for place in range(17)]
    items = [
        replace(item, label=label, level_shares=row)
        for item, label, row in zip(truth.instances, named, shares, strict=True)
    ]
    found = run(tmp_path, [replace(truth, instances=tuple(items))], [truth])
    for kind in ("mask", "box"):
        assert figures(found, "detection")[f"{kind} mAP50"].value == pytest.approx(
            (15 * 0.5 + 2) / 17, abs=0.01
        )
    (section_,) = [one for one in found.sections if one.key == "detection"]
    assert any(note.startswith("In 1 images bodies carry shares") for note in section_.notes)
    plain = run(
        tmp_path / "plain",
        [replace(truth, instances=tuple(replace(i, level_shares=None) for i in items))],
        [truth],
    )
    assert figures(plain, "detection")["mask mAP50"].value < 0.1


def test_masks_are_made_of_true_corners_where_the_prediction_is_of_masks(tmp_path: Path) -> None:
    found = run(tmp_path, [spine("a.png", masks=True)], [spine("a.png")])
    assert found.schema.name == "spine-ap-levels"
    assert figures(found, "masks")["Dice"].value > 0.85


def test_semantic_answers(tmp_path: Path) -> None:
    found = run(tmp_path, [section("a.png", 3)], [section("a.png")])
    scores = figures(found, "pixels")
    assert 0.5 < scores["V_rand, thinned, as predicted"].value < 1
    assert scores["Dice, membrane"].value < 0.7
    assert scores["pixel accuracy"].value > 0.9


def test_two_predictions_are_compared_image_by_image(tmp_path: Path) -> None:
    names = [f"{k}.png" for k in range(8)]
    better = [skull(name, (1 + 0.1 * k, 0)) for k, name in enumerate(names)]
    worse = [skull(name, (2 + 0.2 * k, 0)) for k, name in enumerate(names)]
    write(worse, tmp_path / "other")
    found = run(tmp_path, better, [skull(name) for name in names], against=tmp_path / "other")
    (contest,) = [one for one in found.contests if one.metric == "MRE (px)"]
    assert contest.result.difference == pytest.approx(-(1 + 0.1 * 3.5))
    assert contest.result.high is not None
    assert contest.result.high < 0
    assert contest.result.p == pytest.approx(2 / 2**8)
    write([skull("else.png")], tmp_path / "foreign")
    with pytest.raises(NothingUsableError, match="in common"):
        run(tmp_path, better, [skull(name) for name in names], against=tmp_path / "foreign")


def test_average_precision_of_two_predictions_is_compared_on_the_same_draws(tmp_path: Path) -> None:
    names = [f"{k}.png" for k in range(6)]
    truth = [spine(name, masks=True) for name in names]
    worse = [spine(name, skip=("T3", "T9"), masks=True) for name in names]
    write(worse[:5], tmp_path / "other")
    found = run(tmp_path, truth, truth, against=tmp_path / "other", missing="skip")
    (contest,) = [one for one in found.contests if one.metric == "mask mAP50"]
    result = contest.result
    assert result.first == pytest.approx(1)
    assert (result.n, result.p) == (5, None)
    assert result.second == pytest.approx(15 / 17)
    assert result.difference == pytest.approx(2 / 17)
    assert result.low == pytest.approx(2 / 17)  # the same two are missing in every image
    assert result.high == pytest.approx(2 / 17)


def test_everything_is_written(tmp_path: Path) -> None:
    names = [f"{k}.png" for k in range(4)]
    for name in names:
        saved(tmp_path / "films" / name, film(1, HEIGHT, WIDTH))
    truth = [replace(skull(name), group=f"p{place // 2}") for place, name in enumerate(names)]
    truth = [
        replace(one, image=replace(one.image, path=tmp_path / "films" / one.image.name)) for one in truth
    ]
    predicted = [skull(name, (5.0 * place, 0)) for place, name in enumerate(names)]
    out = tmp_path / "out"
    found = run(
        tmp_path,
        predicted,
        truth,
        out=out,
        images=tmp_path / "films",
        worst=2,
        against=tmp_path / "predicted",
    )
    assert found.groups == 2
    assert all(path.is_file() for path in found.files)
    kinds = {path.relative_to(out).parts[0] for path in found.files}
    assert kinds == {"evaluation.html", "metrics.csv", "per_image.csv", "plots", "worst"}
    assert sorted(path.name for path in (out / "worst").iterdir()) == ["01 3.png", "02 2.png"]
    with (out / "per_image.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["group"] for row in rows] == ["p0", "p0", "p1", "p1"]
    assert [float(row["landmarks: MRE (px)"]) for row in rows] == pytest.approx([0, 5, 10, 15])
    with (out / "metrics.csv").open(newline="") as stream:
        metrics = list(csv.DictReader(stream))
    (mre,) = [
        row
        for row in metrics
        if row["metric"] == "MRE (px)" and row["section"] == "landmarks" and not row["of"]
    ]
    assert (float(mre["value"]), int(mre["n"])) == (7.5, 4)
    assert {row["of"] for row in metrics} >= {"S", "ANS", "difference"}
    text = (out / "evaluation.html").read_text("utf-8")
    assert str(tmp_path) not in text
    assert "3.png: MRE (px) 15" in text


def test_an_image_that_is_not_there_is_told_not_drawn(tmp_path: Path) -> None:
    found = run(tmp_path, [skull("a.png", (1, 1))], [skull("a.png")], out=tmp_path / "out")
    assert any("not drawn" in notice for notice in found.notices)
    assert not (tmp_path / "out" / "worst").exists()


def test_what_does_not_fit_is_said(tmp_path: Path) -> None:
    with pytest.raises(NothingUsableError, match=r"no image in common .*names such as a\.png and b\.png"):
        run(tmp_path, [skull("a.png")], [skull("b.png")])
    with pytest.raises(UsageError, match="none of its landmarks"):
        run(tmp_path, [skull("a.png")], [spine("a.png")])
    with pytest.raises(NothingUsableError, match="nothing of"):
        run(tmp_path, [replace(skull("a.png"), instances=())], [replace(skull("a.png"), instances=())])
    with pytest.raises(UsageError, match="name its table"):
        run(tmp_path, [skull("a.png")], [skull("a.png")], part="test")
    (tmp_path / "split.csv").write_text("name,group,part\na.png,p,train\n")
    with pytest.raises(UsageError, match="its parts are train"):
        run(tmp_path, [skull("a.png")], [skull("a.png")], part="test", split=tmp_path / "split.csv")
    (tmp_path / "split.csv").write_text("name,group,part\na.png,p,train\nz.png,p,test\n")
    with pytest.raises(NothingUsableError, match="in part train"):
        run(tmp_path, [skull("a.png")], [skull("a.png")], part="test", split=tmp_path / "split.csv")


def test_an_odd_scene_never_raises(tmp_path: Path) -> None:
    """Nothing found, one body alone, bodies without a size, a doubled answer."""
    flat = spine("c.png")
    points = flat.instances[0].landmarks
    assert points is not None
    still = replace(flat.instances[0], landmarks=landmarks(points.names, np.full((4, 2), 7.0)))
    truth = [spine(name, 10) for name in ("a.png", "b.png", "c.png", "d.png")]
    predicted = [
        replace(spine("a.png"), instances=()),
        replace(spine("b.png"), instances=spine("b.png").instances[:1]),
        replace(flat, instances=(still, still)),
        replace(spine("d.png", 10), instances=(*spine("d.png", 10).instances, *spine("d.png", 10).instances)),
    ]
    scores = figures(run(tmp_path, predicted, truth), "spine")
    assert scores["SMAPE (%)"].missed >= 2
    assert scores["bodies found (%)"].value < 40


def test_a_hundred_films_take_seconds(tmp_path: Path) -> None:
    names = [f"{k:03d}.png" for k in range(100)]
    truth = [skull(name) for name in names]
    predicted = [skull(name, (2.0, 1.0)) for name in names]
    start = time.process_time()
    run(tmp_path, predicted, truth)
    assert time.process_time() - start < 20


@pytest.mark.skipif(DATA is None, reason="SPINEKIT_DATA is not set")
@pytest.mark.parametrize(
    ("name", "data_format", "schema"),
    [("aasce2019", "aasce", "spine-ap"), ("ceph_isbi2015", "isbi", "ceph-19")],
)
def test_real_labels_against_themselves(name: str, data_format: str, schema: str, tmp_path: Path) -> None:
    source = Path(DATA or "") / name
    some: list[Scene] = list(islice(open_labelled(source, data_format, schema)[1], 12))
    write(some, tmp_path / "predicted")
    found = evaluate(EvaluateSettings(predicted=tmp_path / "predicted", truth=source))
    assert found.images == 12
    assert found.formats == ("scenes", data_format)
    assert figures(found, "landmarks")["MRE (px)"].value == pytest.approx(0, abs=1e-6)


@pytest.mark.skipif(DATA is None, reason="SPINEKIT_DATA names no folder of real data")
def test_two_readers_of_real_films(tmp_path: Path) -> None:
    """Against distances counted straight from the files; a point that either reader set twice or never is none."""
    assert DATA is not None
    films = Path(DATA) / "ceph_hamedan"
    readers = [films / "labelme_farhadifar", films / "labelme_mollabashi"]
    errors, absent = [], 0
    for path in sorted(readers[0].glob("*.json")):
        both = []
        for reader in readers:
            shapes = json.loads((reader / path.name).read_text("utf-8"))["shapes"]
            places: dict[str, list[list[float]]] = {}
            for shape in shapes:
                places.setdefault(shape["label"], []).append(shape["points"][0])
            both.append({label: points[0] for label, points in places.items() if len(points) == 1})
        errors += [math.dist(both[0][label], both[1][label]) for label in both[0].keys() & both[1].keys()]
        absent += len(both[1].keys() - both[0].keys())
    found = evaluate(
        EvaluateSettings(
            predicted=readers[0], truth=readers[1], images=films / "images", schema_name="ceph-19"
        )
    )
    scores = figures(found, "landmarks")
    assert scores["MRE (px)"].value == pytest.approx(np.mean(errors), rel=1e-9)
    assert scores["SD of the radial error (px)"].value == pytest.approx(np.std(errors, ddof=1), rel=1e-9)
    assert scores["MRE (px)"].missed == absent
    assert "sna (deg)" in next(one for one in found.sections if one.key == "measurements").parts
    for section_ in found.sections:
        for score in (*section_.scores, *(one for some in section_.parts.values() for one in some)):
            assert 0 < score.n <= 6, score.metric
            if score.low is not None and score.high is not None:
                assert score.low <= score.value + 1e-9, score.metric
                assert score.value - 1e-9 <= score.high, score.metric
