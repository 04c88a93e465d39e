from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest

from spinekit.anatomy.hidden import is_inferred, seen_alone
from spinekit.core.image import Image, ImageRef, UInt8Array
from spinekit.core.landmarks import landmarks
from spinekit.core.measurement import Measurement, Status
from spinekit.core.outline import Outline
from spinekit.core.scene import Author, Instance, Raster, Scene
from spinekit.core.schema import Schema
from spinekit.measures import measure
from spinekit.metrics.regions import cells
from spinekit.models.canvas import Canvas
from spinekit.models.weights import ModelCard
from spinekit.phantoms import membrane_tile, spine_ap
from spinekit.schemas import load_schema
from spinekit.workflows import reading
from spinekit.workflows.reading import (
    ModelChoice,
    candidates,
    fineness,
    read_masks_by_corners,
    read_with,
    unreadable,
    with_second_reading,
)


def card(name: str, schema: Schema) -> ModelCard:
    return ModelCard(
        name, name, schema.task, schema.name, schema.fingerprint(), Canvas(96, 96), 0.3,
        max(1, len(schema.levels)), "0" * 64, Path("w.pt"), schema.view,
    )  # fmt: skip


@dataclass
class Stub:
    """Answers with one instance of a fixed score, or with a whole spine."""

    card: ModelCard
    schema: Schema
    score: float
    read_count: int = field(default=0)
    engine: str = "made"
    shifts: Mapping[int, float] | None = None

    def read(self, image: Image) -> Scene:
        self.read_count += 1
        if self.schema.levels:
            quads = spine_ap(1, height=image.ref.height, width=image.ref.width).points
        else:
            quads = np.full((1, len(self.schema.landmarks), 2), 20.0)
        items = tuple(
            Instance(
                self.schema.classes[0], (0, 0, 9, 9), landmarks=landmarks(self.schema.landmark_names, quad),
                score=self.score, author=Author.MODEL,
            )
            for quad in quads
        )  # fmt: skip
        return Scene(image.ref, self.schema, items, model=self.card.name)

    def say_levels(self, scene: Scene, image: Image) -> Scene:
        return scene

    def say_shifts(self, scene: Scene, image: Image) -> Mapping[int, float] | None:
        return self.shifts

    def look_closer(self, scene: Scene, image: Image) -> Scene:
        return scene


def stub(name: str, schema: str, score: float) -> Stub:
    loaded = load_schema(schema)
    return Stub(card(name, loaded), loaded, score)


def film(height: int, width: int, hints: dict[str, str] | None = None) -> Image:
    # A slope: contrast without the fine texture of tissue.
    pixels = np.tile(np.linspace(0, 255, width).astype(np.uint8), (height, 1))
    return Image(ImageRef(Path("film.png"), height, width, name="film.png", hints=hints or {}), pixels)


@pytest.fixture
def shipped(monkeypatch: pytest.MonkeyPatch) -> dict[str, Stub]:
    models = {
        "ceph-pose": stub("ceph-pose", "ceph-19", 0.9),
        "orbit-pose": stub("orbit-pose", "orbit-4", 0.1),
        "spine-ap-pose": stub("spine-ap-pose", "spine-ap", 0.8),
    }
    monkeypatch.setattr(reading, "shipped_names", lambda: tuple(models))
    monkeypatch.setattr(reading, "load_reader", lambda name, *_: models[name])
    return models


def test_a_named_model_reads_whatever_the_film(shipped: dict[str, Stub]) -> None:
    found = ModelChoice("orbit-pose").read(film(100, 100))
    assert "orbit-pose finds nothing" in found.refusal
    assert shipped["ceph-pose"].read_count == 0


def test_auto_takes_the_model_that_is_sure(shipped: dict[str, Stub]) -> None:
    found = ModelChoice("auto").read(film(600, 512))
    assert found.model == "ceph-pose"
    assert found.scene is not None
    assert found.refusal == ""


def test_auto_refuses_when_two_fit_alike(shipped: dict[str, Stub]) -> None:
    shipped["orbit-pose"].score = 0.85
    found = ModelChoice("auto").read(film(512, 512))
    assert "--model" in found.refusal
    assert found.scene is None


def test_auto_refuses_what_nobody_knows(shipped: dict[str, Stub]) -> None:
    shipped["ceph-pose"].score = 0.2
    found = ModelChoice("auto").read(film(512, 512))
    assert "no model knows" in found.refusal
    assert all(name in found.refusal for name in shipped)


def test_a_model_is_loaded_once(shipped: dict[str, Stub], monkeypatch: pytest.MonkeyPatch) -> None:
    loads: list[str] = []

    def load(name: str, *_: object) -> Stub:
        loads.append(name)
        return shipped[name]

    monkeypatch.setattr(reading, "load_reader", load)
    choice = ModelChoice("auto")
    for _ in range(3):
        choice.read(film(600, 512))
    assert sorted(loads) == sorted(set(loads))


def test_few_bodies_are_refused(shipped: dict[str, Stub]) -> None:
    shipped["spine-ap-pose"].score = 0.2
    found = read_with(shipped["spine-ap-pose"], film(1200, 480))
    assert found.refusal.startswith("0 vertebral bodies found with certainty")


def test_a_detector_is_judged_by_its_boxes_alone() -> None:
    schema = load_schema("spine-ap-levels")
    boxes = replace(card("mine", schema), task="detect")

    @dataclass
    class Boxes(Stub):
        def read(self, image: Image) -> Scene:
            said = (("T1", 0.9), ("T1", 0.8), ("T3", 0.7), ("T4", 0.1))
            items = tuple(
                Instance(name, (0, 0, 9, 9), score=score, author=Author.MODEL) for name, score in said
            )
            return Scene(image.ref, self.schema, items, model="mine")

    found = read_with(Boxes(boxes, schema, 0.9), film(1200, 480)).scene
    assert found is not None
    assert [(item.label, item.score) for item in found.instances] == [("T1", 0.9), ("T3", 0.7)]
    assert any("not found between T1 and T3: T2" in note for note in found.notes)


def test_membranes_are_kept_apart_from_the_cards_threshold_on() -> None:
    schema = load_schema("em-membrane")

    @dataclass
    class Faint(Stub):
        def read(self, image: Image) -> Scene:
            probability = np.zeros((64, 64), np.float32)
            probability[:, 31:34] = 0.9
            probability[20:40, 29:36] = 0.2
            raster = Raster((probability >= 0.5).astype(np.uint8), probability)
            return Scene(image.ref, self.schema, raster=raster, model="em")

    labels = []
    for separation in (None, 0.1):
        wanted = replace(card("em", schema), confidence=0.5, separation=separation)
        scene = read_with(Faint(wanted, schema, 0.9), film(64, 64)).scene
        assert scene is not None
        assert scene.raster is not None
        labels.append(np.asarray(scene.raster.labels))
    assert cells(labels[0] == 0).max() == 1
    assert cells(labels[1] == 0).max() == 2


def test_a_spine_read_with_little_certainty_is_flagged_as_a_whole(shipped: dict[str, Stub]) -> None:
    for score, doubted in ((0.45, True), (0.8, False)):
        shipped["spine-ap-pose"].score = score
        found = read_with(shipped["spine-ap-pose"], film(1200, 480))
        assert found.scene is not None
        assert all(bool(item.flags) is doubted for item in found.scene.instances)
        assert bool(found.scene.notes) is doubted
        cobb = [
            result
            for result in measure(found.scene)
            if isinstance(result, Measurement) and result.name.startswith("cobb")
        ]
        statuses = {result.status for result in cobb}
        assert statuses == ({Status.REVIEW} if doubted else {Status.OK})


@pytest.mark.parametrize(
    ("shape", "hints", "wanted"),
    [
        ((1200, 480), {"modality": "DX", "view": "AP"}, {"spine-ap-pose"}),
        ((1200, 480), {"modality": "DX", "view": "LL"}, set()),
        ((640, 512), {"modality": "DX", "body_part": "SKULL", "view": "LL"}, {"ceph-pose"}),
        ((512, 512), {"modality": "CT"}, {"orbit-pose"}),
        ((512, 512), {"modality": "MR"}, set()),
        ((512, 512), {"modality": "US"}, set()),
    ],
)  # fmt: skip
def test_attributes_and_shape_narrow_the_choice(
    shipped: dict[str, Stub], shape: tuple[int, int], hints: dict[str, str], wanted: set[str]
) -> None:
    assert set(candidates(film(*shape, hints))) == wanted


def test_tissue_is_fine_textured_and_a_film_is_not() -> None:
    spine: UInt8Array = spine_ap(2, height=900).pixels.astype(np.uint8)
    tile: UInt8Array = membrane_tile(2).pixels.astype(np.uint8)
    assert fineness(tile) > 0.3
    assert fineness(spine) < 0.1
    assert fineness(np.zeros((64, 64), np.uint8)) == 0


def test_what_cannot_hold_anatomy_is_said_so() -> None:
    assert "too small" in unreadable(np.zeros((1, 500), np.uint8))
    assert "no contrast" in unreadable(np.full((90, 90), 77, np.uint8))
    assert unreadable(film(90, 90).pixels) == ""


@pytest.mark.parametrize("turned", [False, True])
def test_stripes_are_no_tissue(turned: bool) -> None:
    stripes = np.repeat(np.arange(0, 250, 25, dtype=np.uint8), 10)[:, None].repeat(100, axis=1)
    assert reading.fineness(stripes.T if turned else stripes) < 0.05
    noise = np.random.default_rng(1).integers(0, 255, (100, 100)).astype(np.uint8)
    assert reading.fineness(noise) > 0.5


def test_a_body_between_others_is_drawn_and_not_judged_as_seen(
    shipped: dict[str, Stub], monkeypatch: pytest.MonkeyPatch
) -> None:
    stub = shipped["spine-ap-pose"]
    stub.score = 0.8
    whole = stub.read

    def without_t7(image: Image) -> Scene:
        scene = whole(image)
        return replace(scene, instances=tuple(item for n, item in enumerate(scene.instances) if n != 6))

    monkeypatch.setattr(stub, "read", without_t7)
    found = read_with(stub, film(1200, 480)).scene
    assert found is not None
    assert [item.label for item in found.instances if is_inferred(item)] == ["T7"]
    assert [item.label for item in seen_alone(found).instances] == [
        level for level in stub.schema.levels if level != "T7"
    ]


def test_candidates_with_class_scores_are_named_in_sequence(shipped: dict[str, Stub]) -> None:
    schema = load_schema("spine-ap-levels")
    quads = spine_ap(1, height=1200, width=480).points

    class Masks(Stub):
        def read(self, image: Image) -> Scene:
            items = []
            for place, quad in enumerate(quads):
                shares = np.full(17, 0.01)
                # T8 looks more like T7, which is there already.
                shares[place if place != 7 else 6] = 0.6
                box = (*quad.min(axis=0).tolist(), *quad.max(axis=0).tolist())
                label = schema.levels[int(np.argmax(shares))]
                items.append(
                    Instance(label, box, Outline((quad[[0, 1, 3, 2]],)), score=0.7, level_shares=shares)
                )
            return Scene(image.ref, schema, tuple(items), model=self.card.name)

    masks = Masks(replace(shipped["spine-ap-pose"].card, task="seg"), schema, 0.7)
    found = read_with(masks, film(1200, 480)).scene
    assert found is not None
    assert [item.label for item in found.instances] == list(schema.levels)


@dataclass
class Shapes(Stub):
    """A mask model that sees the bodies of the same made spine, all but some, each by its level."""

    unseen: tuple[int, ...] = ()
    moved: tuple[int, float] = (0, 0.0)

    def read(self, image: Image) -> Scene:
        self.read_count += 1
        quads = spine_ap(1, height=image.ref.height, width=image.ref.width).points.copy()
        quads[self.moved[0], :, 1] += self.moved[1]
        items = []
        for level, quad in enumerate(quads):
            if level in self.unseen:
                continue
            shares = np.full(len(self.schema.levels), 0.01)
            shares[level] = 0.8
            (left, top), (right, bottom) = quad.min(axis=0), quad.max(axis=0)
            items.append(
                Instance(
                    self.schema.levels[level], (left, top, right, bottom), Outline((quad[[0, 1, 3, 2]],)),
                    score=self.score, author=Author.MODEL, level_shares=shares,
                )
            )  # fmt: skip
        return Scene(image.ref, self.schema, tuple(items), model=self.card.name)


def shapes(unseen: tuple[int, ...] = (), moved: tuple[int, float] = (0, 0.0)) -> Shapes:
    schema = load_schema("spine-ap-levels")
    return Shapes(card("spine-ap-seg", schema), schema, 0.8, unseen=unseen, moved=moved)


class TestTwoModelsOfOneFilm:
    def test_masks_take_their_shapes_from_corners_and_their_names_from_both(self) -> None:
        found = read_masks_by_corners(
            shapes(unseen=(4,)), stub("spine-ap-pose", "spine-ap", 0.8), film(1200, 480)
        )
        assert found.scene is not None
        assert found.model == found.scene.model == "spine-ap-seg"
        assert [item.label for item in found.scene.instances] == list(found.scene.schema.levels)
        quads = spine_ap(1, height=1200, width=480).points
        for item, quad in zip(found.scene.instances, quads, strict=True):
            assert item.landmarks is None
            assert item.outline is not None
            np.testing.assert_allclose(np.sort(item.outline.rings[0], axis=0), np.sort(quad, axis=0))
        flagged = [item.label for item in found.scene.instances if item.flags]
        assert flagged == [found.scene.schema.levels[4]]

    def test_the_helper_is_loaded_where_a_card_names_it(self, monkeypatch: pytest.MonkeyPatch) -> None:
        masks, corners = shapes(), stub("spine-ap-pose", "spine-ap", 0.8)
        masks.card = replace(masks.card, corners="spine-ap-pose")
        models = {"spine-ap-seg": masks, "spine-ap-pose": corners}
        monkeypatch.setattr(reading, "load_reader", lambda name, *_: models[name])
        assert ModelChoice("spine-ap-seg").read(film(1200, 480)).model == "spine-ap-seg"
        assert corners.read_count == 1
        ModelChoice("spine-ap-seg", refine=False).read(film(1200, 480))
        assert corners.read_count == 1

    def test_a_film_without_a_spine_is_refused_in_the_name_of_the_model_asked(self) -> None:
        found = read_masks_by_corners(shapes(), stub("spine-ap-pose", "spine-ap", 0.05), film(1200, 480))
        assert found.scene is None
        assert found.model == "spine-ap-seg"
        assert "found with certainty" in found.refusal

    def test_a_second_opinion_flags_and_widens(self, monkeypatch: pytest.MonkeyPatch) -> None:
        corners = stub("spine-ap-pose", "spine-ap", 0.8)
        alone = read_with(corners, film(1200, 480))
        both = with_second_reading(alone, shapes(moved=(6, 14.0)), film(1200, 480))
        assert both.scene is not None
        flagged = {item.label: item for item in both.scene.instances if item.flags}
        assert list(flagged) == [both.scene.schema.levels[6]]
        points = flagged[both.scene.schema.levels[6]].landmarks
        assert points is not None
        assert points.spread is not None
        assert np.nanmax(points.spread[:, 1]) > 9

    def test_it_is_asked_only_where_wanted(self, monkeypatch: pytest.MonkeyPatch) -> None:
        masks, corners = shapes(), stub("spine-ap-pose", "spine-ap", 0.8)
        corners.card = replace(corners.card, second="spine-ap-seg")
        models = {"spine-ap-seg": masks, "spine-ap-pose": corners}
        monkeypatch.setattr(reading, "load_reader", lambda name, *_: models[name])
        ModelChoice("spine-ap-pose").read(film(1200, 480))
        assert masks.read_count == 0
        ModelChoice("spine-ap-pose", second_opinion=True).read(film(1200, 480))
        assert masks.read_count == 1


def test_names_follow_what_a_look_at_the_whole_spine_says() -> None:
    plain, lower = stub("spine", "spine-ap", 0.8), stub("spine", "spine-ap", 0.8)
    lower.shifts = {-1: 0.95, 0: 0.05}
    image = film(900, 400)
    given, moved = (read_with(reader, image).scene for reader in (plain, lower))
    assert given is not None
    assert moved is not None
    assert [item.label for item in seen_alone(given).instances] == list(plain.schema.levels)
    # All names one level higher: the first body is none of the levels, and under the last there is no other.
    assert [item.label for item in seen_alone(moved).instances] == list(plain.schema.levels[:-1])
    assert any("not found: L5" in note for note in moved.notes)
    share = seen_alone(moved).instances[3].level_shares
    assert share is not None
    assert share[3] == pytest.approx(0.95)
    assert share[4] == pytest.approx(0.05)
