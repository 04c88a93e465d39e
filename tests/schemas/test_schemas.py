"""Every shipped schema, and the facts of those that others rely on."""

from __future__ import annotations

from pathlib import Path

import pytest

from spinekit.core.errors import UsageError
from spinekit.schemas import load_schema, schema_names

ISBI_ORDER = "S,N,Or,Po,A,B,Pog,Me,Gn,Go,LI,UI,UL,LL,Sn,Pog',PNS,ANS,Ar"
CEPH_27 = "A,Ar,B,Ba,C,DT pog,EN pn,Gn,Go,LL,Me,N,Or,Po,Pog,Pt,S,SNA,SNP pm,Se,Sn,UL,aii,ais,ii,is,n_"
LEVELS = (*(f"T{i}" for i in range(1, 13)), *(f"L{i}" for i in range(1, 6)))


def test_all_planned_schemas_ship() -> None:
    assert set(schema_names()) >= {
        "spine-ap",
        "spine-ap-levels",
        "vertebrae",
        "orbit-4",
        "ceph-19",
        "ceph-27",
        "em-membrane",
    }


@pytest.mark.parametrize("name", schema_names())
def test_a_mirrored_mirror_is_the_original(name: str) -> None:
    flip = load_schema(name).flip_index()
    assert [flip[i] for i in flip] == list(range(len(flip)))


@pytest.mark.parametrize("name", schema_names())
def test_every_name_and_alias_means_one_landmark(name: str) -> None:
    schema = load_schema(name)
    spoken = [word for mark in schema.landmarks for word in (mark.name, *mark.aliases)]
    assert len(spoken) == len(set(spoken))
    for mark in schema.landmarks:
        assert {schema.resolve(word) for word in (mark.name, *mark.aliases)} == {mark.name}
        assert mark.definition
        assert mark.sigma > 0


@pytest.mark.parametrize("name", schema_names())
def test_levels_are_classes_or_sequence_names(name: str) -> None:
    schema = load_schema(name)
    assert schema.name == name
    if schema.task == "seg":
        assert schema.levels == schema.classes


def test_spine_corners() -> None:
    schema = load_schema("spine-ap")
    assert schema.landmark_names == ("TL", "TR", "BL", "BR")
    assert schema.flip_index() == (1, 0, 3, 2)
    assert schema.levels == LEVELS
    assert schema.classes == ("vertebra",)
    assert len(schema.edges) == 4


def test_level_classes() -> None:
    assert load_schema("spine-ap-levels").classes == LEVELS
    cervical = tuple(f"C{i}" for i in range(1, 8))
    assert load_schema("vertebrae").classes == (*cervical, *LEVELS, "S1")


def test_orbit_order_turns_round_in_a_mirror() -> None:
    assert load_schema("orbit-4").flip_index() == (3, 2, 1, 0)


def test_cephalometric_orders() -> None:
    assert ",".join(load_schema("ceph-19").landmark_names) == ISBI_ORDER
    assert ",".join(load_schema("ceph-27").landmark_names) == CEPH_27


@pytest.mark.parametrize(
    ("alias", "landmark"),
    [("ANS", "SNA"), ("PNS", "SNP pm"), ("UI", "is"), ("LI", "ii"), ("Pog'", "DT pog"), ("Prn", "EN pn")],
)
def test_aliases_of_the_27_points(alias: str, landmark: str) -> None:
    assert load_schema("ceph-27").resolve(alias) == landmark


def test_every_point_of_the_19_is_known_among_the_27() -> None:
    large = load_schema("ceph-27")
    assert all(large.resolve(name) for name in load_schema("ceph-19").landmark_names)
    assert (
        large.measurements[: len(load_schema("ceph-19").measurements)] == load_schema("ceph-19").measurements
    )


def test_membrane_is_the_last_class() -> None:
    assert load_schema("em-membrane").classes == ("cell", "membrane")


def test_unknown_schema_names_the_nearest() -> None:
    with pytest.raises(UsageError, match="no schema 'spine_ap' -- did you mean spine-ap"):
        load_schema("spine_ap")


def test_path_instead_of_a_name(tmp_path: Path) -> None:
    path = tmp_path / "hip.yaml"
    path.write_text(
        "name: hip\nversion: 1\ntitle: Hip\ntask: pose\nview: hip, frontal\nclasses: [hip]\n"
        "landmarks: [{name: F, definition: centre of the femoral head}]\n"
    )
    assert load_schema(path).landmark_names == ("F",)
    assert load_schema(str(path)).title == "Hip"
    with pytest.raises(UsageError, match=r"gone\.yaml: cannot be read"):
        load_schema(tmp_path / "gone.yaml")
