"""Exports agree with the networks that they came from; absent packages are named."""

from __future__ import annotations

import importlib.util
import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from spinekit.core.errors import EnvironmentFaultError, UsageError
from spinekit.files import sha256_of
from spinekit.models.export import FORMATS, Exported, check_packages
from spinekit.models.weights import find_card
from spinekit.schemas import load_yaml
from spinekit.schemas.strict_yaml import dump_yaml
from spinekit.workflows.export import export


def lacking(form: str) -> list[str]:
    return [name for name in FORMATS[form] if importlib.util.find_spec(name) is None]


@pytest.mark.parametrize("form", FORMATS)
def test_absent_packages_are_named(form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    mend = r"pip install 'spinekit\[openvino\]'" if form == "openvino" else "reinstall spinekit"
    with pytest.raises(EnvironmentFaultError, match=rf"needs onnx and .* -- {mend}"):
        check_packages(form)


def test_an_unknown_format_lists_the_known() -> None:
    with pytest.raises(UsageError, match="--format tflite: not known -- choose of onnx, openvino"):
        check_packages("tflite")


def test_a_difference_is_judged_by_the_size_of_the_answers() -> None:
    assert Exported(Path("x"), (1,), ((1,),), 0.1, 512.0).agrees
    assert not Exported(Path("x"), (1,), ((1,),), 0.1, 1.0).agrees


def with_every_kind_of_network(folder: Path) -> Path:
    """A model that ships, with a second close look of the other kind and a network of levels, both by chance."""
    import torch

    from spinekit.models.close_net import close_network, load_close, save_close
    from spinekit.models.close_settings import CloseView, LevelSettings
    from spinekit.models.environment import load_library
    from spinekit.models.level_net import LevelNet, save_levels
    from spinekit.models.shift_net import ShiftNet, save_shift
    from spinekit.models.shift_settings import ShiftSettings
    from spinekit.models.shift_training import view_of

    load_library()  # one of the networks is built of the library's parts
    shutil.copytree(find_card("orbit-pose").weights.parent, folder)
    torch.manual_seed(1)
    _, settings = load_close(folder / "close-1.pt")
    finer = replace(settings, trunk="yolo11n", side=96)
    save_close(close_network(finer), finer, folder / "close-2.pt")
    levels = LevelSettings(("L1", "L2"), settings.shape, CloseView(48, 18.0, (1.5, 4.0)))
    save_levels(LevelNet(2, 2), levels, folder / "levels.pt")
    shift = ShiftSettings(("L1", "L2"), view_of(2, 64, 16.0, 1), 1, False)
    save_shift(ShiftNet(shift), shift, folder / "shift.pt")
    content: Any = load_yaml(folder / "card.yaml")
    content["close"].append({"file": "close-2.pt", "sha256": sha256_of(folder / "close-2.pt")})
    content["levels"] = {"file": "levels.pt", "sha256": sha256_of(folder / "levels.pt")}
    content["shift"] = {"file": "shift.pt", "sha256": sha256_of(folder / "shift.pt")}
    (folder / "card.yaml").write_text(dump_yaml(content), encoding="utf-8")
    return folder


@pytest.mark.parametrize("form", FORMATS)
def test_every_network_of_a_model_agrees(form: str, tmp_path: Path) -> None:
    if lacking(form):
        pytest.skip(f"not installed: {', '.join(lacking(form))}")
    model = with_every_kind_of_network(tmp_path / "model")
    made = export(str(model), form, tmp_path / "out")
    files = [item.path.name for item in made.networks]
    assert [Path(name).stem for name in files] == ["weights", "close-1", "close-2", "levels", "shift"]
    for item in made.networks:
        assert item.agrees, item
        assert item.path.is_file()
        assert item.scale > 0.01, "an answer of nothing agrees with anything"
    notes = json.loads((tmp_path / "out" / "export.json").read_text("utf-8"))
    assert [entry["file"] for entry in notes["networks"]] == files
    assert not [path.name for path in (tmp_path / "out").iterdir() if path.name.startswith(".")]


def test_a_network_of_pixels_agrees(tmp_path: Path) -> None:
    (network,) = export("em-sem", "onnx", tmp_path / "out").networks
    assert network.agrees
