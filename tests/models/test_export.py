"""Exports agree with the networks that they came from; absent packages are named."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest

from spinekit.core.errors import EnvironmentFaultError, UsageError
from spinekit.models.export import FORMATS, Exported, check_packages
from spinekit.models.weights import find_card
from spinekit.workflows.export import export


def lacking(form: str) -> list[str]:
    return [name for name in FORMATS[form] if importlib.util.find_spec(name) is None]


@pytest.mark.parametrize("form", FORMATS)
def test_absent_packages_are_named(form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(
        EnvironmentFaultError, match=rf"needs onnx and .* -- pip install 'spinekit\[{form}\]'"
    ):
        check_packages(form)


def test_an_unknown_format_lists_the_known() -> None:
    with pytest.raises(UsageError, match="--format tflite: not known -- choose of onnx, openvino"):
        check_packages("tflite")


def test_a_difference_is_judged_by_the_size_of_the_answers() -> None:
    assert Exported(Path("x"), (1,), ((1,),), 0.1, 512.0).agrees
    assert not Exported(Path("x"), (1,), ((1,),), 0.1, 1.0).agrees


@pytest.mark.parametrize(
    ("name", "form"), [("orbit-pose", "onnx"), ("em-sem", "onnx"), ("orbit-pose", "openvino")]
)
def test_every_network_of_a_model_agrees(name: str, form: str, tmp_path: Path) -> None:
    if lacking(form):
        pytest.skip(f"not installed: {', '.join(lacking(form))}")
    card = find_card(name)
    made = export(name, form, tmp_path / "out")
    assert len(made.networks) == 1 + len(card.close) + (card.levels is not None)
    for item in made.networks:
        assert item.agrees, item
        assert item.path.is_file()
    notes = json.loads((tmp_path / "out" / "export.json").read_text("utf-8"))
    assert [entry["file"] for entry in notes["networks"]] == [item.path.name for item in made.networks]
    assert not [path.name for path in (tmp_path / "out").iterdir() if path.name.startswith(".")]
