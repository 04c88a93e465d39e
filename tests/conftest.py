"""What tests share: the checkout, the samples, the console command, and a network that is not there."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import settings

import spinekit

# Deadlines would fail on a busy machine; examples are the same in every run.
settings.register_profile("spinekit", deadline=None, derandomize=True)
settings.load_profile("spinekit")

CHECKOUT = Path(__file__).resolve().parent.parent
PACKAGE_PARENT = Path(spinekit.__file__).resolve().parent.parent
LOOPBACK = {"127.0.0.1", "::1", "localhost"}

CommandLine = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="session")
def checkout() -> Path:
    """The folder that holds README.md."""
    return CHECKOUT


@pytest.fixture(scope="session")
def samples() -> Path:
    """The synthetic films that ship."""
    return CHECKOUT / "datasets" / "samples"


def environment(*first_on_path: Path) -> dict[str, str]:
    """The environment of a child process that runs the very spinekit under test.

    Args:
        first_on_path: Folders of modules that come before it.
    """
    places = [*map(str, first_on_path), str(PACKAGE_PARENT)]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(places), "COLUMNS": "200", "NO_COLOR": "1"}


def run_console(
    arguments: Sequence[str | Path], folder: Path, *, timeout: float = 300
) -> subprocess.CompletedProcess[str]:
    """Runs the console script's entry point in a process of its own.

    Args:
        arguments: What follows ``spinekit``.
        folder: Where it runs.
        timeout: Seconds.
    """
    entry = "from spinekit.cli.app import main; main()"
    return subprocess.run(
        [sys.executable, "-c", entry, *map(str, arguments)],
        cwd=folder, env=environment(), capture_output=True, text=True, timeout=timeout, check=False,
    )  # fmt: skip


@pytest.fixture
def console(tmp_path: Path) -> CommandLine:
    """`run_console` in the test's own folder."""

    def run(*arguments: str | Path, timeout: float = 300) -> subprocess.CompletedProcess[str]:
        return run_console(arguments, tmp_path, timeout=timeout)

    return run


@dataclass(slots=True)
class Calls:
    """Attempts to reach the network."""

    made: list[str] = field(default_factory=list)


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> Calls:
    """A machine without a network: whoever looks up a name or connects beyond loopback is refused and noted.

    Libraries swallow such refusals, so a test must look at the list too.
    """
    calls = Calls()

    def host_of(address: object) -> str:
        return str(address[0]) if isinstance(address, tuple) else str(address)

    def guarded(name: str, original: Callable[..., object], place: int) -> Callable[..., object]:
        def call(*arguments: object, **named: object) -> object:
            host = host_of(arguments[place])
            if host in LOOPBACK or host.startswith("/"):
                return original(*arguments, **named)
            calls.made.append(f"{name} {host}")
            raise OSError(f"the network is not there ({name} {host})")

        return call

    for name in ("connect", "connect_ex"):
        monkeypatch.setattr(socket.socket, name, guarded(name, getattr(socket.socket, name), 1))
    for name in ("getaddrinfo", "gethostbyname", "create_connection"):
        monkeypatch.setattr(socket, name, guarded(name, getattr(socket, name), 0))
    return calls
