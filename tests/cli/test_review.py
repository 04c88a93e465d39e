"""``spinekit review`` as a command; its page is tested in tests/review."""

from __future__ import annotations

import json
from pathlib import Path

from spinekit.review.store import ReviewStore
from spinekit.workflows.review import ReviewSettings, open_review
from tests.cli.conftest import Say
from tests.review.runs import spine_run


def accept(run: Path) -> None:
    store = ReviewStore(open_review(ReviewSettings(source=run)))
    store.save(0, 0, "anna", "accepted", {"status": "accepted"})
    store.close()


def test_usage_is_one_line(say: Say, tmp_path: Path) -> None:
    run = spine_run(tmp_path, 1)
    ended = say("review", "nothing")
    assert ended.code == 2
    assert "no such file or folder" in ended.error()
    ended = say("review", run, "--reader", "a/b")
    assert ended.code == 2
    assert "--reader" in ended.error()
    ended = say("review", run, "--export", "coco")
    assert ended.code == 3
    assert "nothing has been reviewed yet" in ended.error()
    accept(run)
    ended = say("review", run, "--export", "cocoa")
    assert ended.code == 2
    assert "coco" in ended.error()


def test_an_export_is_told(say: Say, tmp_path: Path) -> None:
    run = spine_run(tmp_path, 2)
    accept(run)
    ended = say("review", run, "--export", "via", "--allow-loss", "--json")
    assert ended.code == 0
    told = json.loads(ended.out)
    assert (told["images"], told["instances"]) == (1, 17)
    assert "1 accepted; left out 1 not reviewed" in told["notes"][0]
    assert (run / "review-via" / "via_project.json").is_file()
    again = say("review", run, "--export", "via", "--allow-loss")
    assert again.code == 2
    assert "is not empty" in again.error()


def test_a_run_that_another_reviews_is_refused(say: Say, tmp_path: Path) -> None:
    run = spine_run(tmp_path, 1)
    store = ReviewStore(open_review(ReviewSettings(source=run)))
    ended = say("review", run, "--no-browser")
    store.close()
    assert ended.code == 4
    assert "another spinekit" in ended.error()
