"""The analyses as groups: what each holds, what a set cannot measure, norms, grades, and the challenge's classes."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings

from spinekit.core.errors import UsageError
from spinekit.core.measurement import Measurement, NotMeasured
from spinekit.core.norm import NormKind, Person, Verdict
from spinekit.core.scene import Absent, Scene
from spinekit.measures import check_measurements, group_names, measure
from spinekit.metrics.isbi_classes import POINTS, clinical_classes, clinical_values
from spinekit.phantoms.skull_face import Face
from spinekit.schemas import load_schema
from tests.measures.heads import faces, full_set, photographed
from tests.measures.scenes import without

GROUPS = {
    "steiner", "downs", "tweed", "ricketts", "mcnamara", "wits", "jarabak_bjork", "eastman", "beta", "odi_apdi",
    "e_line", "occlusion", "isbi", "w_yen",
}  # fmt: skip
# Measurements whose only published numbers nobody could check: they are printed without a norm.
WITHOUT_NORM = (
    "mmpa", "u1_pp", "interincisal", "facial_axis", "lower_facial_height", "n_perp_a", "n_perp_pog",
    "midfacial_length", "mandibular_length", "saddle_angle", "articular_angle", "gonial_angle", "odi", "apdi",
    "overjet", "overbite", "w_angle", "yen_angle", "l1_op", "fh_mp_downs", "pog_nb_mm",
)  # fmt: skip
ISBI = {
    "ANB": "isbi_anb", "SNB": "isbi_snb", "SNA": "isbi_sna", "ODI": "isbi_odi", "APDI": "isbi_apdi",
    "FHI": "isbi_fhi", "FMA_isbi": "fma_isbi", "MW": "mw_isbi",
}  # fmt: skip
# The challenge's number of the class for each name of a grade.
CLASS = {
    "isbi_anb": {"class I": 1, "class II": 2, "class III": 3},
    "isbi_snb": {"normal mandible": 1, "retrognathic": 2, "prognathic": 3},
    "isbi_sna": {"normal maxilla": 1, "prognathic": 2, "retrognathic": 3},
    "isbi_odi": {"normal": 1, "deep bite tendency": 2, "open bite tendency": 3},
    "isbi_apdi": {"normal": 1, "class II tendency": 2, "class III tendency": 3},
    "isbi_fhi": {"normal": 1, "short face tendency": 2, "long face tendency": 3},
    "fma_isbi": {"normal": 1, "high angle": 2, "low angle": 3},
    "mw_isbi": {
        "normal overjet": 1,
        "edge to edge": 2,
        "crossbite": 3,
        "small overjet": 3,
        "large overjet": 4,
    },
}


def refusals(schema: str) -> dict[str, str]:
    return {r.name: r.reason for r in measure(photographed(Face(), schema)) if isinstance(r, NotMeasured)}


def one(scene: Scene, name: str, person: Person | None = None) -> Measurement:
    (result,) = measure(scene, only=[name], person=person)
    assert isinstance(result, Measurement), result
    return result


@pytest.mark.parametrize("schema", ["ceph-19", "ceph-27"])
def test_every_analysis_is_a_group(schema: str) -> None:
    assert set(group_names(load_schema(schema))) == GROUPS
    tweed = measure(photographed(Face(), "ceph-27"), only=["tweed"])
    assert [result.name for result in tweed] == ["fma", "impa", "fmia"]
    with pytest.raises(UsageError, match="did you mean steiner"):
        measure(photographed(Face(), schema), only=["stiener"])


def test_both_sets_speak_of_the_same_formulas() -> None:
    small, large = load_schema("ceph-19"), load_schema("ceph-27")
    assert small.measurements == large.measurements == full_set().measurements
    names = [line.name for line in small.measurements]
    assert len(names) == len(set(names))
    texts = [" ".join(line.formula.split()) for line in small.measurements]
    assert len(texts) == len(set(texts))


@pytest.mark.parametrize(
    ("schema", "name", "points"),
    [
        ("ceph-19", "u1_na", ["U1a"]),
        ("ceph-19", "interincisal", ["U1a", "L1a"]),
        ("ceph-19", "impa", ["L1a"]),
        ("ceph-19", "facial_axis", ["Ba", "Pt"]),
        ("ceph-19", "mandibular_length", ["Co"]),
        ("ceph-19", "e_line_upper_lip", ["Prn"]),
        ("ceph-19", "overjet", ["U6", "L6"]),
        ("ceph-27", "overbite", ["U6", "L6"]),
        ("ceph-27", "wits_functional", ["U6", "L6", "U4", "L4"]),
        ("ceph-27", "mandibular_arc", ["Xi", "Pm", "DC"]),
        ("ceph-27", "beta_angle", ["Cc"]),
        ("ceph-27", "snd", ["D"]),
    ],
)
def test_what_a_set_cannot_measure_is_refused_by_the_points_it_has_not(
    schema: str, name: str, points: list[str]
) -> None:
    reason = refusals(schema)[name]
    assert reason.startswith(f"{schema} has no ")
    assert all(f"{point} (" in reason for point in points)


def test_a_point_not_placed_is_named_as_the_set_calls_it() -> None:
    scene = without(photographed(Face(), "ceph-27"), "SNA")
    found = {result.name: result for result in measure(scene)}
    assert isinstance(found["sna"], Measurement)  # the angle SNA is not the point SNA
    assert found["mmpa"] == NotMeasured("mmpa", "SNA is absent")


def test_what_each_set_can_measure() -> None:
    assert len(refusals("ceph-19")) == 28
    assert set(refusals("ceph-27")) == {
        "snd", "op_sn", "fh_mp_downs", "cant_of_op", "l1_op", "mandibular_arc", "lower_facial_height",
        "wits_functional", "wits_downs", "beta_angle", "w_angle", "yen_angle", "overjet", "overbite",
    }  # fmt: skip
    assert not [r for r in measure(photographed(Face(), full_set())) if isinstance(r, NotMeasured)]


def test_norms_say_whose_they_are_and_none_is_hearsay() -> None:
    lines = {line.name: line for line in load_schema("ceph-27").measurements}
    assert not [name for name in WITHOUT_NORM if lines[name].norms]
    norms = {(name, norm.author): norm for name, line in lines.items() for norm in line.norms}
    assert len(norms) > 20
    assert all(norm.population for norm in norms.values())
    # Only years that a source gave; the others are said to be unknown.
    assert {norm.source for norm in norms.values() if norm.year is not None} == {
        "Steiner 1953", "Downs 1948", "Jacobson 1975", "Baik and Ververidou 2004",
    }  # fmt: skip
    deviations = {key for key, norm in norms.items() if norm.kind is NormKind.SD}
    assert deviations == {
        ("sna", "Steiner"), ("snb", "Steiner"), ("facial_angle", "Downs"), ("convexity", "Downs"),
        ("ab_plane", "Downs"), ("y_axis", "Downs"),
    }  # fmt: skip
    assert norms["fma", "Tweed"].kind is NormKind.TARGET
    assert norms["wits_functional", "Jacobson"].kind is NormKind.SEX


def test_a_value_beside_its_norms() -> None:
    scene = photographed(Face(sna=87.0), full_set())
    (unknown,) = one(scene, "sna").norms
    assert (unknown.expected, unknown.z, unknown.verdict) == ("82 ± 2", None, Verdict.NONE)
    assert "age" in unknown.reason
    assert one(scene, "facial_angle").norms[0].verdict is Verdict.NONE  # Downs measured adolescents
    (steiner,) = one(scene, "sna", Person(age_years=25.0)).norms
    assert steiner.z == pytest.approx(2.5)
    assert steiner.verdict is Verdict.ABOVE
    downs, ricketts = one(scene, "facial_angle", Person(age_years=12.0)).norms
    assert downs.expected == "87.8 ± 3.6"
    assert ricketts.expected == "87.99"  # 87 at 9 years, 0.33 a year
    assert one(scene, "facial_angle", Person(age_years=40.0)).norms[1].expected == "89.97"
    for sex, mean in (("F", "0"), ("M", "-1")):
        (wits,) = one(scene, "wits_functional", Person(sex=sex)).norms
        assert (wits.expected, wits.z) == (mean, None)
    (unknown,) = one(scene, "wits_functional").norms
    assert "depends on sex" in unknown.reason
    assert unknown.verdict is Verdict.NONE


@pytest.mark.parametrize(
    ("face", "name", "grade"),
    [
        (Face(sna=80.0, snb=82.0), "anb", "skeletal class III"),
        (Face(sna=82.0, snb=79.0), "anb", "skeletal class I"),
        (Face(sna=84.0, snb=79.0), "anb", "skeletal class II"),
        (Face(beta_angle=24.0), "beta_angle", "skeletal class II"),
        (Face(beta_angle=31.0), "beta_angle", "skeletal class I"),
        (Face(beta_angle=38.0), "beta_angle", "skeletal class III"),
        (Face(fma=38.0), "jarabak_ratio", "vertical growth"),
        (Face(fma=16.0), "jarabak_ratio", "horizontal growth"),
    ],
)
def test_grades(face: Face, name: str, grade: str) -> None:
    assert one(photographed(face, full_set()), name).grade == grade


@settings(max_examples=25, deadline=None)
@given(face=faces())
def test_the_classes_are_those_that_evaluation_counts(face: Face) -> None:
    agree(photographed(face, "ceph-19"))


@pytest.mark.parametrize(
    ("overjet", "overbite", "grade"),
    [
        (-1.0, 0.5, "crossbite"),
        (0.0, 0.0, "edge to edge"),
        (1.0, 0.0, "small overjet"),
        (3.0, 1.0, "normal overjet"),
        (6.0, 1.0, "large overjet"),
    ],
)
def test_classes_of_the_incisors(overjet: float, overbite: float, grade: str) -> None:
    scene = photographed(Face(overjet=overjet, overbite=overbite, cant_of_op=0.0), "ceph-19")
    assert one(scene, "mw_isbi").grade.startswith(grade)
    agree(scene)


def agree(scene: Scene) -> None:
    """The values and classes of the schema are those of the metric, which holds the challenge's rule on its own."""
    spacing = scene.image.spacing
    assert spacing is not None
    points = {name: xy for name in POINTS if not isinstance(xy := scene.point(name), Absent)}
    values = clinical_values(
        {name: xy * (spacing.col_mm, spacing.row_mm) for name, xy in points.items()}, True
    )
    classes = clinical_classes(values)
    found = {r.name: r for r in measure(scene, only=["isbi"]) if isinstance(r, Measurement)}
    assert set(found) == {ISBI[name] for name in values}
    for name, value in values.items():
        result = found[ISBI[name]]
        assert result.value == pytest.approx(value, abs=1e-6)
        kinds = CLASS[result.name]
        assert kinds[result.grade.split(",")[0]] == classes[name]


OWN_SET = """
name: short
version: 1
title: Five points of somebody's own
task: pose
view: skull, lateral
classes: [head]
landmarks:
  - {name: Sella turcica, definition: centre, aliases: [S]}
  - {name: nasion, definition: "alias of N in the analyses"}
  - {name: point A, definition: subspinale, aliases: [A]}
  - {name: point B, definition: supramentale, aliases: [B]}
  - {name: symphysis, definition: its centre, aliases: [D]}
measurements_from: cephalometry
measurements:
  - {name: d_ahead, unit: deg, formula: snd - snb, definition: symphysis ahead of B, groups: [mine]}
"""


def test_a_set_of_ones_own_is_measured_by_yaml_alone(tmp_path: Path) -> None:
    path = tmp_path / "short.yaml"
    path.write_text(OWN_SET, encoding="utf-8")
    schema = load_schema(path)
    check_measurements(schema)
    found = {r.name: r for r in measure(photographed(Face(sna=83.0, snb=79.0, snd=77.5), schema))}
    values = {name: r.value for name, r in found.items() if isinstance(r, Measurement)}
    assert values == pytest.approx(
        {
            "sna": 83,
            "snb": 79,
            "anb": 4,
            "snd": 77.5,
            "isbi_sna": 83,
            "isbi_snb": 79,
            "isbi_anb": 4,
            "d_ahead": -1.5,
        }
    )
    refused = found["fma"]
    assert isinstance(refused, NotMeasured)
    assert refused.reason.startswith("short has no Po (porion")
    assert {*GROUPS, "mine"} == set(group_names(schema))


@pytest.mark.parametrize(
    ("formula", "unit", "told"),
    [
        ("snd + distance(S, N)", "deg", "an angle and a length cannot be added"),
        ("angle(N; S, Dd)", "deg", "did you mean D?"),
        ("distance(S, N)", "deg", "gives a length, but its unit is 'deg'"),
    ],
)
def test_a_wrong_line_of_ones_own_is_told_before_a_film_is_read(
    tmp_path: Path, formula: str, unit: str, told: str
) -> None:
    path = tmp_path / "short.yaml"
    line = f'  - {{name: wrong, unit: {unit}, formula: "{formula}", definition: none}}\n'
    path.write_text(OWN_SET + line, encoding="utf-8")
    with pytest.raises(UsageError, match="schema short, measurement wrong: line 1, column") as caught:
        check_measurements(load_schema(path))
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)
