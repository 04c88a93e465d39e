"""The server is killed while people save: what was acknowledged is there, and nothing that is there is broken."""

from __future__ import annotations

import http.client
import json
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

from spinekit.formats.plugin import LabelOptions
from spinekit.formats.review_lines import FILE, FOLDER
from spinekit.formats.reviewed import read_record
from spinekit.formats.scenes import read
from spinekit.review.store import ReviewStore
from spinekit.schemas import load_schema
from spinekit.workflows.review import ReviewSettings, open_review
from tests.conftest import environment
from tests.review.runs import spine_run

PEOPLE = 4


def save(address: str, film: int, kept: list[tuple[str, int]]) -> None:
    """Accepts and reopens a film until the server is gone."""
    host, _, token = address.removeprefix("http://").partition("/#token=")
    head = {"content-type": "application/json", "x-spinekit": "review", "x-spinekit-token": token}
    wire = http.client.HTTPConnection(host, timeout=30)
    version = 0
    while True:
        body = {"version": version, "status": ("accepted", "rejected")[version % 2]}
        try:
            wire.request("POST", f"/api/films/{film}/edits", json.dumps(body), head)
            answer = wire.getresponse()
            told = json.loads(answer.read())
        except (OSError, http.client.HTTPException, ValueError):
            return
        assert answer.status == 200
        version = told["version"]
        kept.append((told["name"], version))


def test_what_was_acknowledged_survives_a_kill(tmp_path: Path) -> None:
    run = spine_run(tmp_path, PEOPLE)
    entry = "from spinekit.cli.app import main; main()"
    server = subprocess.Popen(
        [sys.executable, "-c", entry, "review", str(run), "--json", "--no-browser"],
        env=environment(), stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert server.stdout is not None
    address = json.loads(server.stdout.readline())["address"]
    kept: list[list[tuple[str, int]]] = [[] for _ in range(PEOPLE)]
    threads = [threading.Thread(target=save, args=(address, film, kept[film])) for film in range(PEOPLE)]
    for thread in threads:
        thread.start()
    for _ in range(600):
        if all(len(one) >= 5 for one in kept):
            break
        time.sleep(0.05)
    server.send_signal(signal.SIGKILL)
    server.wait()
    for thread in threads:
        thread.join()
    record = read_record(run / FOLDER / FILE)
    for one in kept:
        name, version = one[-1]
        assert len(one) >= 5
        assert len(record.edits[name]) in {version, version + 1}  # one more may be kept and not yet told
    ReviewStore(open_review(ReviewSettings(source=run))).close()  # the lock went with the server
    list(read(run, load_schema("spine-ap"), LabelOptions()))
