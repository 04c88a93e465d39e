"""The page's server: what it shows, measures and keeps."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from httpx2 import Response
from starlette.testclient import TestClient

from spinekit.core.errors import AnnotationError, EnvironmentFaultError
from spinekit.core.measurement import Measurement
from spinekit.core.scene import Author, Scene
from spinekit.formats.plugin import LabelOptions
from spinekit.formats.scenes import FORMAT, read
from spinekit.measures import measure
from spinekit.review.store import ReviewStore
from spinekit.schemas import load_schema
from spinekit.workflows.review import ReviewSettings, open_review
from tests.review.conftest import Opened
from tests.review.runs import membrane_run, refuse, spine_run

SPINE = load_schema("spine-ap")


def film(client: TestClient, number: int = 0) -> dict[str, Any]:
    answer = client.get(f"/api/films/{number}")
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def moved(told: dict[str, Any], key: str, point: str, dx: float, dy: float) -> dict[str, Any]:
    """What the page sends when a corner was dragged."""
    item = json.loads(json.dumps(told["instances"][key]))
    for one in item["landmarks"]:
        if one["name"] == point:
            one["xy"] = [one["xy"][0] + dx, one["xy"][1] + dy]
    return {"instances": {key: item}}


def edit(client: TestClient, told: dict[str, Any], number: int = 0, **parts: object) -> Response:
    answer: Response = client.post(f"/api/films/{number}/edits", json={"version": told["version"], **parts})
    return answer


def scenes(path: Path, notices: list[str] | None = None) -> dict[str, Scene]:
    heard: list[str] = [] if notices is None else notices
    return {scene.image.name: scene for scene in read(path, SPINE, LabelOptions(notice=heard.append))}


def test_the_queue_begins_with_the_worst(tmp_path: Path, opened: Opened) -> None:
    run = spine_run(tmp_path)
    (tmp_path / "films" / "refused.png").write_bytes((tmp_path / "films" / "film-0.png").read_bytes())
    refuse(run, "refused.png")
    rows = opened(run).get("/api/queue").json()["films"]
    assert [row["name"] for row in rows] == ["refused.png", "film-2.png", "film-1.png", "film-0.png"]
    assert rows[0]["signs"] == {"refused": 1}
    assert rows[1]["signs"]["doubt"] == 2


def test_a_film_comes_with_its_own_values(client: TestClient, run: Path) -> None:
    answer = client.get("/api/films/1/pixels")
    facts = json.loads(answer.headers["x-spinekit-picture"])
    stored = cv2.imread(str(run.parent / "films" / "film-1.png"), cv2.IMREAD_UNCHANGED)
    assert stored is not None
    assert stored.dtype == np.uint16
    sent = np.frombuffer(answer.content, "<u2").reshape(facts["height"], facts["width"])
    np.testing.assert_array_equal(sent * facts["step"] + facts["low"], stored)
    assert facts["window"] == [0, 4095]
    assert not facts["inverted"]


def test_dragging_measures_by_the_engine(client: TestClient) -> None:
    told = film(client)
    change = moved(told, "3", "TL", 0, 25)
    answer = client.post("/api/films/0/measure", json={**change, "quick": True}).json()
    shown = {one["name"]: one["value"] for one in answer["results"] if "value" in one}
    assert edit(client, told, **change).status_code == 200
    store_scene = scenes_of(client)
    exact = {one.name: one.value for one in measure(store_scene) if isinstance(one, Measurement)}
    assert shown == pytest.approx(exact)
    full = client.post("/api/films/0/measure", json={}).json()
    assert {one["name"]: one["value"] for one in full["results"] if "value" in one} == pytest.approx(exact)


def scenes_of(client: TestClient) -> Scene:
    return _desks(client.app)[0].review.films[0].state.scene


def _desks(app: object) -> list[ReviewStore]:
    found = []
    for route in getattr(app, "routes", ()):
        for cell in route.endpoint.__closure__ or ():
            desk = cell.cell_contents
            if hasattr(desk, "store"):
                found.append(desk.store)
    return found


def test_an_edit_is_kept_and_the_prediction_stays(client: TestClient, run: Path) -> None:
    raw = (run / "predictions.jsonl").read_bytes()
    told = film(client)
    saved = edit(client, told, action="move T4 TL", **moved(told, "3", "TL", 5, -2)).json()
    assert saved["version"] == 1
    assert saved["undo"] == "move T4 TL"
    assert saved["instances"]["3"]["author"] == "human"
    assert "spread" not in saved["instances"]["3"]["landmarks"][0]
    assert saved["instances"]["3"]["landmarks"][1]["spread"] == [1.5, 1.5]
    assert (run / "predictions.jsonl").read_bytes() == raw
    head, line = (json.loads(one) for one in (run / "review" / "edits.jsonl").read_text("utf-8").splitlines())
    assert head["base"] == "../predictions.jsonl"
    assert (line["who"], line["when"], line["action"]) == ("tester", "2026-01-02T03:04:05Z", "move T4 TL")
    before, after = (line[part]["instances"]["3"]["landmarks"][0]["xy"] for part in ("before", "after"))
    assert np.subtract(after, before).tolist() == pytest.approx([5, -2])


def test_a_reviewed_run_reads_as_what_a_person_vouches_for(client: TestClient, run: Path) -> None:
    told = film(client)
    edit(client, told, **moved(told, "0", "BR", 4, 0))
    edit(client, film(client), comment="hardware\nat L3")
    edit(client, film(client, 1), 1, status="accepted", comment="a fine film")
    edit(client, film(client, 2), 2, status="rejected")
    notices: list[str] = []
    assert FORMAT.detect is not None
    assert FORMAT.detect(run)
    found = scenes(run, notices)
    assert list(found) == ["film-0.png", "film-1.png"]
    accepted = found["film-1.png"]
    assert {item.author for item in accepted.instances} == {Author.HUMAN}
    assert accepted.model == ""
    assert accepted.notes == ()
    assert found["film-0.png"].notes == ("hardware at L3",)
    assert not any(item.flags for item in accepted.instances)
    assert "1 accepted" in notices[0]
    assert "1 mended without being accepted" in notices[0]
    assert "left out 1 rejected" in notices[0]
    assert scenes(run / "review").keys() == found.keys()
    assert len(scenes(run / "predictions.jsonl")) == 3
    assert (run.parent / "films" / "film-0.png") == found["film-0.png"].image.path


def test_undo_and_redo_are_kept_too(client: TestClient, run: Path, opened: Opened) -> None:
    told = film(client)
    first = edit(client, told, **moved(told, "0", "TL", 9, 9)).json()
    second = edit(client, first, status="accepted").json()
    undone = client.post("/api/films/0/undo", json={"version": second["version"]}).json()
    assert undone["status"] == "open"
    undone = client.post("/api/films/0/undo", json={"version": undone["version"]}).json()
    assert undone["instances"]["0"] == told["instances"]["0"]
    assert undone["undo"] == ""
    assert scenes(run) == {}
    redone = client.post("/api/films/0/redo", json={"version": undone["version"]}).json()
    assert redone["instances"]["0"] == first["instances"]["0"]
    assert redone["version"] == 5
    _desks(client.app)[0].close()
    again = film(opened(run))
    assert {**again, "row": 0} == {**redone, "row": 0}


def test_the_later_of_two_tabs_is_told(client: TestClient, run: Path) -> None:
    told = film(client)
    assert edit(client, told, status="accepted").status_code == 200
    late = edit(client, told, **moved(told, "0", "TL", 9, 9))
    assert late.status_code == 409
    assert late.json()["version"] == 1
    assert film(client)["status"] == "accepted"
    assert len((run / "review" / "edits.jsonl").read_text("utf-8").splitlines()) == 2


@pytest.mark.parametrize("kept", [0, 1, 17, 200])
def test_killed_in_the_middle_of_a_save(client: TestClient, run: Path, opened: Opened, kept: int) -> None:
    edit(client, film(client), status="accepted")
    _desks(client.app)[0].close()
    path = run / "review" / "edits.jsonl"
    whole = path.read_bytes()
    line = whole.splitlines(keepends=True)[1]
    path.write_bytes(whole + line[: min(kept, len(line) - 1)])
    assert scenes(run).keys() == {"film-0.png"}
    again = opened(run)
    assert film(again)["status"] == "accepted"
    assert edit(again, film(again, 1), 1, status="rejected").status_code == 200
    assert path.read_bytes().startswith(whole)
    assert path.read_bytes().count(b"\n") == 3


def test_a_full_disk_is_told_and_keeps_what_was(
    client: TestClient, run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    edit(client, film(client), status="accepted")
    whole = (run / "review" / "edits.jsonl").read_bytes()

    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    answer = edit(client, film(client, 1), 1, status="accepted")
    assert answer.status_code == 503
    assert "No space left on device" in answer.json()["error"]
    assert (run / "review" / "edits.jsonl").read_bytes() == whole
    monkeypatch.undo()
    assert edit(client, film(client, 2), 2, status="accepted").status_code == 503


def test_one_server_at_a_time(client: TestClient, run: Path) -> None:
    assert client is not None
    with pytest.raises(EnvironmentFaultError, match="another spinekit"):
        ReviewStore(open_review(ReviewSettings(source=run)))


def test_two_readers_stay_apart(run: Path, opened: Opened) -> None:
    for name in ("anna", "ben"):
        one = opened(run, reader=name)
        edit(one, film(one), status="accepted")
    with pytest.raises(AnnotationError, match="readings of 2 people -- name one of them"):
        scenes(run)
    (scene,) = scenes(run / "review" / "anna").values()
    assert {item.reader for item in scene.instances} == {"anna"}


def test_predictions_that_changed_are_refused(client: TestClient, run: Path) -> None:
    edit(client, film(client), status="accepted")
    with (run / "predictions.jsonl").open("a", encoding="utf-8") as stream:
        stream.write("\n")
    with pytest.raises(AnnotationError, match="has changed since it was reviewed"):
        scenes(run)


def test_a_refused_film_can_be_labelled(tmp_path: Path, opened: Opened) -> None:
    run = spine_run(tmp_path)
    (tmp_path / "films" / "refused.png").write_bytes((tmp_path / "films" / "film-0.png").read_bytes())
    refuse(run, "refused.png")
    client = opened(run)
    told = film(client, 3)
    assert told["refusal"]
    assert told["height"] == 480
    points = [{"name": name, "xy": [10.0 + 20 * (i % 2), 50 + 20 * (i // 2)], "visibility": 2}
              for i, name in enumerate(("TL", "TR", "BL", "BR"))]  # fmt: skip
    item = {"label": "L1", "landmarks": points, "outline": None}
    assert edit(client, told, 3, instances={"new1": item}).status_code == 200
    found = scenes(run)["refused.png"]
    assert [one.label for one in found.instances] == ["L1"]
    assert found.image.height == 480


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"instances": {"0": {"label": "<b>"}}}, "is no label of spine-ap"),
        ({"instances": {"0": {"label": "T1", "landmarks": []}}}, "the points of an instance are not TL"),
        ({"instances": {"../0": None}}, "a key that is none"),
        ({"instances": {"0": 3}}, "misshapen"),
        ({"instances": []}, "no list of keys"),
        ({"status": "fine"}, "there is none"),
        ({"comment": "x" * 3000}, "2000 characters"),
        ({"ruler": {"start": [1, 1], "end": [2, 2], "length_mm": 100}}, "ruler"),
        ({"ruler": {"start": [1, 1], "end": [200, 2], "length_mm": -1}}, "no length"),
        ({"instances": {"0": {"label": "T1", "outline": {"rings": [[[0, 0], [1, 1], [2, 2]]]}}}}, "encloses nothing"),
        ({"instances": {"0": {"label": "T1"}}}, "neither point nor shape"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused(client: TestClient, run: Path, change: dict[str, Any], words: str) -> None:
    answer = edit(client, film(client), **change)
    assert answer.status_code == 422
    assert words in answer.json()["error"]
    assert "\n" not in answer.json()["error"]
    assert film(client)["version"] == 0
    assert not (run / "review" / "edits.jsonl").exists()
    assert len(scenes(run)) == 3


def test_a_ruler_calibrates(client: TestClient) -> None:
    told = film(client)
    ruler = {"start": [10, 10], "end": [10, 210], "length_mm": 100.0}
    saved = edit(client, told, ruler=ruler).json()
    assert saved["spacing"]["row_mm"] == pytest.approx(0.5)
    assert saved["spacing"]["words"] == "mm (user calibrated)"
    assert saved["calibrated"]
    undone = client.post("/api/films/0/undo", json={"version": 1}).json()
    assert undone["spacing"] == told["spacing"]


def test_membranes_are_painted_and_rubbed_out(tmp_path: Path, opened: Opened) -> None:
    run = membrane_run(tmp_path)
    client = opened(run)
    told = film(client)
    before = next(read(run, load_schema("em-membrane"))).raster
    assert before is not None
    assert before.labels is not None
    strokes = {"s1": {"stroke": [[100, 100], [140, 100]], "radius": 5, "adds": True}}
    saved = edit(client, told, action="brush", strokes=strokes).json()
    strokes = {"s2": {"stroke": [[120, 100]], "radius": 3, "adds": False}}
    saved = edit(client, saved, action="erase", strokes=strokes).json()
    after = next(read(run, load_schema("em-membrane"))).raster
    assert after is not None
    assert after.labels is not None
    assert (after.labels[100, 101:115] == 1).all()
    assert (after.labels[98:103, 120] == 0).all()
    assert np.count_nonzero(after.labels != before.labels) < 12 * 52
    assert edit(client, saved, strokes=strokes).status_code == 422  # a stroke is made once
    for version in (2, 3):
        saved = client.post("/api/films/0/undo", json={"version": version}).json()
    assert saved["raster"] == told["raster"]


def test_a_brush_adds_and_takes_away(tmp_path: Path, opened: Opened) -> None:
    client = opened(spine_run(tmp_path, 1, schema="spine-ap-levels"))
    told = film(client)
    key = told["order"][5]
    item = told["instances"][key]
    ring = np.array(item["outline"]["rings"][0])
    middle, corner = ring.mean(axis=0).tolist(), ring[0].tolist()
    answer = client.post(
        "/api/films/0/brush", json={"instance": item, "stroke": [middle, corner], "radius": 4, "adds": True}
    )
    grown = answer.json()["outline"]
    saved = edit(client, told, instances={key: {**item, "outline": grown}}).json()
    assert saved["instances"][key]["author"] == "human"
    left, top, *_ = saved["instances"][key]["box"]
    assert left < ring[:, 0].min() - 2 or top < ring[:, 1].min() - 2
    taken = client.post(
        "/api/films/0/brush", json={"instance": item, "stroke": [middle], "radius": 300, "adds": False}
    )
    assert taken.json() == {"outline": None}
    full = client.post("/api/films/0/measure", json={}).json()
    assert all(len(corners) == 4 for corners in full["corners"])
