"""Weights that are none, or that would do harm: refused in one line, nothing in them run, nothing fetched."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.catalogue.entry_weights import MARKER, WEIGHTS, Weights
from tests.cli.conftest import Say, say
from tests.cli.films import good
from tests.conftest import Calls

__all__ = ["say"]


@pytest.mark.parametrize("weights", WEIGHTS, ids=lambda weights: weights.number)
def test_bad_weights_are_refused(
    weights: Weights, say: Say, tmp_path: Path, offline: Calls, monkeypatch: pytest.MonkeyPatch
) -> None:
    real: Any = subprocess.Popen

    def started(words: object, *rest: Any, **options: Any) -> Any:  # noqa: ANN401
        assert not {"pip", "uv"} & set(str(words).replace("'", " ").split()), "a package was to be installed"
        return real(words, *rest, **options)

    good(tmp_path)
    (tmp_path / "model").mkdir()
    model = weights.make(tmp_path / "model")
    monkeypatch.setattr(subprocess, "Popen", started)
    ended = say("predict", "good.png", "--model", str(model), "--out", "out")
    assert ended.code == weights.code, ended.err
    assert re.search(weights.says, ended.error()), ended.err
    assert not list(tmp_path.rglob(MARKER)), "code in the weights was run"
    assert not (tmp_path / "out").exists()
    assert offline.made == []
