from __future__ import annotations

import os
import re
import shutil
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from spinekit.core.errors import AnnotationError, EnvironmentFaultError, UsageError
from spinekit.files import sha256_of, write_text
from spinekit.models.load import load_reader
from spinekit.models.weights import check_weights, find_card, shipped_names
from spinekit.schemas import load_schema
from spinekit.schemas.strict_yaml import dump_yaml

MARKER = "SPINEKIT_EVIL_MARKER"


def folder_with(tmp_path: Path, weights: bytes | None = None, **changes: object) -> Path:
    folder = tmp_path / "model"
    folder.mkdir(exist_ok=True)
    if weights is not None:
        (folder / "weights.pt").write_bytes(weights)
    digest = sha256_of(folder / "weights.pt") if (folder / "weights.pt").exists() else "0" * 64
    schema = load_schema("orbit-4")
    content: dict[str, object] = {
        "name": "mine", "title": "orbit", "task": "pose", "schema": "orbit-4", "view": schema.view,
        "fingerprint": schema.fingerprint(), "canvas": {"height": 512, "width": 512}, "confidence": 0.1,
        "instances": 1, "sha256": digest,
    }  # fmt: skip
    write_text(folder / "card.yaml", dump_yaml({**content, **changes}))
    return folder


def test_a_missing_name_lists_what_ships_and_downloads_nothing() -> None:
    with pytest.raises(EnvironmentFaultError, match="nothing is downloaded") as error:
        find_card("yolo11n-pose.pt")
    assert all(name in str(error.value) for name in shipped_names())


def test_a_near_name_is_suggested() -> None:
    with pytest.raises(EnvironmentFaultError, match="did you mean spine-ap-pose"):
        find_card("spine-ap-poze")


def test_an_address_is_refused() -> None:
    with pytest.raises(UsageError, match="local file"):
        find_card("https://example.org/best.pt")


@pytest.mark.parametrize("content", [b"", b"<html>404</html>", b"\x00" * 5000])
def test_what_is_no_model_file_is_said_so(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(EnvironmentFaultError, match="not a model file"):
        check_weights(find_card(str(folder_with(tmp_path, content))))


def test_changed_weights_are_refused(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, b"PK")
    with zipfile.ZipFile(folder / "weights.pt", "w") as archive:
        archive.writestr("a", "b")
    with pytest.raises(EnvironmentFaultError, match="sha256"):
        check_weights(find_card(str(folder)))


def test_weights_without_a_card_are_refused(tmp_path: Path) -> None:
    (tmp_path / "best.pt").write_bytes(b"PK")
    with pytest.raises(UsageError, match=r"no card\.yaml"):
        find_card(str(tmp_path / "best.pt"))


class Evil:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, (f"touch {os.environ[MARKER]}",)


@pytest.mark.parametrize("spread", [0, -1, "wide", float("inf")])
def test_a_factor_on_the_spread_is_a_number_above_zero(tmp_path: Path, spread: object) -> None:
    assert find_card(str(folder_with(tmp_path, spread=1.4))).spread == 1.4
    with pytest.raises(AnnotationError, match=r"spread|float|wide"):
        find_card(str(folder_with(tmp_path, spread=spread)))


def test_code_in_weights_is_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    marker = tmp_path / "marker"
    monkeypatch.setenv(MARKER, str(marker))
    folder = folder_with(tmp_path, b"")
    torch.save({"model": Evil()}, folder / "weights.pt")
    folder_with(tmp_path)
    with pytest.raises(EnvironmentFaultError, match="loaded safely"):
        load_reader(str(folder))
    assert not marker.exists()


def test_weights_of_another_task_are_named(tmp_path: Path) -> None:
    shipped = find_card("spine-ap-pose").weights.read_bytes()
    schema = load_schema("spine-ap-levels")
    folder = folder_with(tmp_path, shipped, task="seg", schema=schema.name, fingerprint=schema.fingerprint())
    with pytest.raises(EnvironmentFaultError, match="a pose model, but its card says segment"):
        load_reader(str(folder))


def test_a_changed_schema_is_refused(tmp_path: Path) -> None:
    card = find_card("spine-ap-pose")
    with pytest.raises(EnvironmentFaultError, match="another version"):
        check_weights(replace(card, fingerprint="0" * 16))


@pytest.mark.parametrize("name", shipped_names())
def test_shipped_weights_name_no_path_and_no_argument_of_the_run(name: str) -> None:
    load_reader(name)  # only through the safe door
    folder = find_card(name).weights.parent
    networks = sorted(folder.glob("*.pt"))
    assert networks
    for network in networks:
        with zipfile.ZipFile(network) as archive:
            (pickled,) = (item for item in archive.namelist() if item.endswith("data.pkl"))
            content = archive.read(pickled)
        assert not ABSOLUTE.search(content), f"{network.name}: {ABSOLUTE.findall(content)}"
        for word in (b"data.yaml", b"origin"):
            assert word not in content
    for said in (*folder.glob("*.json"), *folder.glob("*.yaml")):
        assert not ABSOLUTE.search(said.read_bytes()), said.name


# A folder in a folder from the root on, or a drive; bytes of a pickle may look like a short one.
ABSOLUTE = re.compile(rb"(?<![\w.~:/-])/[\w.~-]{2,}(?:/[\w.~-]+)+|(?<!\w)[A-Za-z]:\\\\?[\w.~-]+")


def test_weights_of_a_training_do_not_say_what_it_began_from(tmp_path: Path) -> None:
    from spinekit.models.checkpoint import scrub
    from spinekit.models.environment import load_library

    load_library()
    from ultralytics.nn.tasks import load_checkpoint

    weights = Path(shutil.copyfile(find_card("orbit-pose").weights, tmp_path / "begun-from.pt"))
    model, content = load_checkpoint(str(weights))
    assert model.pt_path == str(weights)
    content["model"] = model
    torch.save(content, tmp_path / "trained.pt")
    assert str(tmp_path).encode() in (tmp_path / "trained.pt").read_bytes()
    scrub(tmp_path / "trained.pt", tmp_path / "clean.pt")
    assert str(tmp_path).encode() not in (tmp_path / "clean.pt").read_bytes()
