from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spinekit.core.image import ImageRef
from spinekit.core.landmarks import landmarks
from spinekit.core.level_points import by_level, level_point
from spinekit.core.scene import Author, Instance, Scene
from spinekit.core.translate import translate, translation
from spinekit.schemas import load_schema
from spinekit.schemas.made import schema_from_names

LATERAL = load_schema("spine-lateral")
ALIASES = ("TB", "TF", "BB", "BF")


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("T1TB", ("T1", "sup_post")),
        ("T12TB", ("T12", "sup_post")),
        ("L5.inf_ant", ("L5", "inf_ant")),
        ("S1_TF", ("S1", "sup_ant")),
        ("C2 BB", ("C2", "inf_post")),
        ("T13TB", None),
        ("L1", None),
        ("L1__TB", None),
        ("TB", None),
        ("", None),
        ("sup_post", None),
        ("xL1TB", None),
    ],
)
def test_a_name_is_a_level_and_a_landmark(name: str, place: tuple[str, str] | None) -> None:
    assert level_point(name, LATERAL) == place


@given(
    st.lists(
        st.tuples(st.sampled_from(LATERAL.levels), st.sampled_from(ALIASES), st.booleans()),
        min_size=1,
        unique_by=lambda point: point[:2],
    )
)
def test_every_placed_point_is_found_under_its_level(points: list[tuple[str, str, bool]]) -> None:
    names = tuple(f"{level}{corner}" for level, corner, _ in points)
    xy = np.array(
        [[index, 2 * index] if there else [np.nan] * 2 for index, (_, _, there) in enumerate(points)]
    )
    item = Instance("full", (0, 0, 9, 9), landmarks=landmarks(names, xy, score=np.arange(len(names)) / 100))
    bodies = by_level(item, LATERAL)
    assert bodies is not None
    placed = {point: index for index, point in enumerate(points) if point[2]}
    assert [body.label for body in bodies] == [
        level for level in LATERAL.levels if any(point[0] == level for point in placed)
    ]
    for (level, corner, _), index in placed.items():
        (body,) = (body for body in bodies if body.label == level)
        assert body.landmarks is not None
        place = body.landmarks.index(str(LATERAL.resolve(corner)))
        assert body.landmarks.xy[place].tolist() == [index, 2 * index]
        assert body.landmarks.score is not None
        assert body.landmarks.score[place] == index / 100
    assert sum(int((body.landmarks.visibility > 0).sum()) for body in bodies if body.landmarks) == len(placed)


def test_who_said_it_stays_known() -> None:
    item = Instance("full", (0, 0, 9, 9), landmarks=landmarks(("L1TB",), np.array([[3.0, 4.0]])))
    item = replace(item, score=0.5, author=Author.MODEL, reader="second", flags=("x",))
    (body,) = by_level(item, LATERAL) or ()
    assert body.box == (3.0, 4.0, 3.0, 4.0)
    assert (body.score, body.author, body.reader, body.flags) == (0.5, Author.MODEL, "second", ("x",))


@pytest.mark.parametrize("names", [("L1TB", "nose"), ("L1TB", "L1.TB"), ("sup_post",), ()])
def test_other_points_stay_together(names: tuple[str, ...]) -> None:
    item = Instance("full", (0, 0, 9, 9), landmarks=landmarks(names, np.zeros((len(names), 2))))
    assert by_level(item, LATERAL) is None
    assert by_level(Instance("full", (0, 0, 9, 9)), LATERAL) is None


def test_a_translation_parts_a_spine_into_its_bodies() -> None:
    names = ("L2TB", "L2BF", "L1TB")
    own = schema_from_names("own", "pose", ["full"], names)
    item = Instance("full", (0, 0, 99, 99), landmarks=landmarks(names, np.array([[1.0, 2], [3, 4], [5, 6]])))
    scene = Scene(ImageRef(Path("a.png"), 100, 100), own, (item,))
    done = translate(scene, translation(own, LATERAL))
    assert [body.label for body in done.scene.instances] == ["L1", "L2"]
    assert done.scene.schema is LATERAL
    assert not done.points
    assert np.asarray(done.scene.point("L2.inf_ant")).tolist() == [3, 4]
    paired = translate(scene, translation(own, LATERAL, landmarks={"L2TB": "sup_post"}))
    assert [body.label for body in paired.scene.instances] == ["vertebra"]
    assert dict(paired.points) == {"L2BF": 1, "L1TB": 1}
