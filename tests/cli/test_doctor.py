from __future__ import annotations

import json

import pytest

from spinekit.workflows import doctor as looking
from spinekit.workflows.installation import Check, Status
from tests.cli.conftest import Say, say

__all__ = ["say"]

CHECKS = (
    Check("python", Status.OK, "3.11.0, 64 bit"),
    Check("gpu", Status.WARN, "torch sees no [GPU]\x1b[31m", "update the driver"),
    Check("torch", Status.FAULT, "crashed (SIGSEGV)", "pip install torch"),
)


def test_a_fault_ends_with_4_and_is_told_with_its_mending(say: Say, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looking, "doctor", lambda: CHECKS)
    ended = say("doctor")
    assert ended.code == 4
    assert "1 ok, 1 warn, 1 fault" in ended.out
    assert "pip install torch" in ended.out
    assert "torch sees no [GPU]?[31m" in ended.out
    assert ended.err == ""


def test_a_warning_ends_with_0(say: Say, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looking, "doctor", lambda: CHECKS[:2])
    assert say("doctor").code == 0


def test_json_is_for_scripts(say: Say, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looking, "doctor", lambda: CHECKS)
    ended = say("doctor", "--json")
    assert ended.code == 4
    told = json.loads(ended.out)
    assert [item["status"] for item in told] == ["ok", "warn", "fault"]
    assert told[2] == {
        "name": "torch",
        "status": "fault",
        "found": "crashed (SIGSEGV)",
        "mend": "pip install torch",
    }
