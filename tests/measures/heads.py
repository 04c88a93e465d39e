"""A landmark set with every point that cephalometry names, and faces made to measure in it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import yaml
from hypothesis import strategies as st

import spinekit.schemas
from spinekit.core.image import FloatArray, ImageRef
from spinekit.core.measurement import Measurement, Result
from spinekit.core.scene import Scene
from spinekit.core.schema import Schema
from spinekit.core.spacing import Spacing, SpacingOrigin
from spinekit.phantoms.skull_face import Face, face_points
from spinekit.schemas import load_schema
from tests.measures.scenes import head, turned

ANALYSES = Path(spinekit.schemas.__file__).parent / "analyses" / "cephalometry.yaml"


@cache
def full_set() -> Schema:
    """All points of the analyses, as a set of somebody's own."""
    points = yaml.safe_load(ANALYSES.read_text("utf-8"))["landmarks"]
    content = {
        "name": "all-points", "version": 1, "title": "All", "task": "pose", "view": "skull, lateral",
        "classes": ["skull"], "landmarks": points, "measurements_from": "cephalometry",
    }  # fmt: skip
    with TemporaryDirectory() as folder:
        path = Path(folder) / "all-points.yaml"
        path.write_text(yaml.safe_dump(content), encoding="utf-8")
        return load_schema(path)


def faces() -> st.SearchStrategy[Face]:
    """Faces from long to short, from class II to class III, gummy and open bites among them."""
    near = {
        "sn_fh": (2, 12), "sn": (58, 78), "sna": (72, 92), "snb": (68, 90), "snd": (66, 88),
        "facial_angle": (78, 97), "fma": (10, 42), "fh_mp_downs": (8, 38), "y_axis": (50, 72),
        "palatal_plane": (-8, 9), "cant_of_op": (-2, 22), "functional_op": (-2, 22), "saddle_angle": (108, 138),
        "facial_axis": (78, 100), "mandibular_arc": (15, 42), "lower_facial_height": (36, 58),
        "beta_angle": (15, 45), "u1_na": (-5, 40), "l1_nb": (5, 45), "n_a": (50, 68), "n_b": (85, 105),
        "n_pog": (98, 122), "go_me": (55, 85), "s_ar": (26, 44), "midfacial_length": (72, 100),
        "u1_na_mm": (-5, 12), "overjet": (-8, 12), "overbite": (-6, 9), "upper_lip": (-9, 4), "lower_lip": (-8, 6),
    }  # fmt: skip
    assert set(near) == set(Face.__dataclass_fields__)
    return st.builds(Face, **{name: st.floats(low, high) for name, (low, high) in near.items()})


def photographed(
    face: Face,
    schema: Schema | str,
    *,
    row: float = 0.1,
    column: float = 0.1,
    posture: float = 0.0,
    to_the_left: bool = False,
) -> Scene:
    """A face on a film with a spacing in mm, tilted and looking to either side; points it lacks are left out."""
    used = load_schema(schema) if isinstance(schema, str) else schema
    points: dict[str, FloatArray] = {}
    for name, xy in face_points(face).items():
        placed = xy @ turned(posture) * np.array([-1 if to_the_left else 1, 1]) + np.array([110.0, 110.0])
        if used.resolve(name) is not None:
            points[name] = placed / np.array([column, row])
    spacing = Spacing(row, column, SpacingOrigin.STATED)
    return head(points, used, ref=ImageRef(Path("film.png"), round(240 / row), round(220 / column), spacing))


def numbers(results: tuple[Result, ...]) -> Mapping[str, float]:
    """What was measured, by name."""
    return {result.name: result.value for result in results if isinstance(result, Measurement)}
