"""A server of a small run, asked without a network."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from spinekit.review.app import create_app
from spinekit.review.guard import Door, loopback_hosts
from spinekit.review.store import ReviewStore
from spinekit.workflows.review import ReviewSettings, open_review
from tests.review.runs import LATER, MARKED, TOKEN, spine_run

Opened = Callable[..., TestClient]


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run of three films."""
    return spine_run(tmp_path)


@pytest.fixture
def opened() -> Iterator[Opened]:
    """Opens a review of a run; asked like the page does."""
    stores: list[ReviewStore] = []

    def serve(run: Path, **settings: str) -> TestClient:
        store = ReviewStore(
            open_review(ReviewSettings.model_validate({"source": run, **settings})), clock=lambda: LATER
        )
        stores.append(store)
        door = Door(loopback_hosts(80) | {"127.0.0.1"}, 80, TOKEN)
        return TestClient(create_app(store, door, "tester"), base_url="http://127.0.0.1", headers=MARKED)

    yield serve
    for store in stores:
        store.close()


@pytest.fixture
def client(run: Path, opened: Opened) -> TestClient:
    """The review of the run."""
    return opened(run)
