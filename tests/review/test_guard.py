"""Who is turned away from the page's server."""

from __future__ import annotations

import http.client
import json
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient

from spinekit.review.app import STATIC, create_app
from spinekit.review.guard import Door, Password, loopback_hosts, refusal
from spinekit.review.serve import Served, door_of, serve
from spinekit.review.store import ReviewStore
from spinekit.review.words import language_files, words_of
from spinekit.workflows.review import ReviewSettings, open_review
from tests.review.conftest import Opened
from tests.review.runs import MARKED, TOKEN, spine_run

DOOR = Door(loopback_hosts(8000), 8000, TOKEN)
GOOD = {
    b"host": b"127.0.0.1:8000",
    b"x-spinekit-token": TOKEN.encode(),
    b"x-spinekit": b"review",
    b"content-type": b"application/json",
    b"content-length": b"2",
}


def asked(method: str = "POST", path: bytes = b"/api/films/0/edits", /, **headers: bytes | None) -> int:
    told = {**GOOD, **{name.replace("_", "-").encode(): value for name, value in headers.items()}}
    return refusal(DOOR, method, path, [(name, value) for name, value in told.items() if value is not None])[
        0
    ]


def test_the_page_itself_is_let_in() -> None:
    assert asked() == 0
    assert asked(host=b"localhost:8000", origin=b"http://localhost:8000", sec_fetch_site=b"same-origin") == 0
    assert asked("GET", b"/", x_spinekit_token=None, x_spinekit=None, content_type=None) == 0


@pytest.mark.parametrize(
    "headers",
    [
        {"host": b"evil.example"}, {"host": b"evil.example:8000"}, {"host": b"127.0.0.1"},
        {"host": b"127.0.0.1:8001"},
        {"host": b"127.0.0.1:8000.evil.example"}, {"host": b""}, {"host": None}, {"host": b"192.168.0.7:8000"},
        {"origin": b"http://evil.example"}, {"origin": b"null"}, {"origin": b"https://127.0.0.1:8000"},
        {"origin": b""},
        {"sec_fetch_site": b"cross-site"}, {"sec_fetch_site": b"same-site"},
        {"x_spinekit_token": None}, {"x_spinekit_token": b"wrong"}, {"x_spinekit_token": b""},
        {"x_spinekit": None}, {"x_spinekit": b"other"},
    ],
)  # fmt: skip
def test_strangers_are_refused(headers: dict[str, bytes | None]) -> None:
    assert asked(**headers) == 403


def test_a_form_of_another_site_is_refused() -> None:
    assert asked(content_type=b"text/plain") == 415
    assert asked(content_type=b"application/x-www-form-urlencoded") == 415
    assert asked(content_length=None) == 411
    assert asked(content_length=b"99999999999") == 413
    assert asked("PUT") == 405
    assert asked("OPTIONS") == 405


@pytest.mark.parametrize(
    "path",
    [b"/..%2f..%2fetc/passwd", b"/static/../app.py", b"/static/%2e%2e/app.py", b"/static/..%5capp.py",
     b"//etc/passwd",
     b"/static/x%00.js", b"/static/..%252f..%252fetc", b"/static/\\app.py"],
)  # fmt: skip
def test_paths_that_climb_lead_nowhere(path: bytes, client: TestClient) -> None:
    assert asked("GET", path) == 404
    assert client.get(f"http://127.0.0.1{path.decode()}").status_code == 404


@given(st.text(max_size=40))
def test_no_made_up_host_or_token_is_let_in(text: str) -> None:
    raw = text.encode("utf-8")
    assert (asked(host=raw) == 0) == (raw.lower() in {host.encode() for host in DOOR.hosts})
    assert (asked(x_spinekit_token=raw) == 0) == (raw == TOKEN.encode())


def test_doubled_headers_that_matter_are_refused() -> None:
    assert refusal(DOOR, "POST", b"/api/films/0/edits", [*GOOD.items(), (b"host", b"evil.example")])[0] == 403


def test_beyond_this_machine_an_address_is_let_in_and_a_name_is_not() -> None:
    door = door_of("0.0.0.0", 8000)
    assert door.knows("192.168.0.7:8000")
    assert door.knows("[fe80::1]:8000")
    assert not door.knows("192.168.0.7:8001")
    assert not door.knows("rebound.example:8000")


def test_a_password_cannot_be_tried_out() -> None:
    time = [0.0]
    password = Password("a long secret", clock=lambda: time[0])
    assert password.check("wrong") is False
    assert password.check("a long secret") is None
    time[0] = 1.1
    assert password.check("wrong") is False
    time[0] = 2.2
    assert password.check("a long secret") is None
    time[0] = 3.3
    assert password.check("a long secret") is True


def test_a_password_earns_the_token(run: Path) -> None:
    store = ReviewStore(open_review(ReviewSettings(source=run)))
    door = Door(
        frozenset({"films.example:80", "films.example"}), 80, TOKEN, open_paths=frozenset({"/api/login"})
    )
    app = create_app(store, door, "anna", "a long secret")
    head = {name: value for name, value in MARKED.items() if name != "x-spinekit-token"}
    client = TestClient(app, base_url="http://films.example", headers=head)
    assert client.get("/api/session").status_code == 403
    assert client.post("/api/login", json={}).status_code == 401
    assert client.post("/api/login", json={"password": "wrong"}).status_code == 403
    assert client.post("/api/login", json={"password": "a long secret"}).status_code == 429
    time.sleep(1.1)
    token = client.post("/api/login", json={"password": "a long secret"}).json()["token"]
    assert client.get("/api/session", headers={"x-spinekit-token": token}).status_code == 200
    store.close()


def test_every_answer_is_dressed(client: TestClient) -> None:
    for path in ("/", "/static/main.js", "/api/queue", "/nothing", "/api/nothing"):
        head = client.get(path).headers
        assert "default-src 'none'" in head["content-security-policy"]
        assert "unsafe" not in head["content-security-policy"]
        assert head["x-content-type-options"] == "nosniff"
        assert head["cache-control"] == "no-store"
        assert "access-control-allow-origin" not in head


def test_numbers_of_films_that_there_are_not(client: TestClient) -> None:
    assert client.get("/api/films/99").status_code == 422
    assert client.get("/api/films/-1").status_code == 404
    assert client.get("/api/films/film-0.png").status_code == 404
    assert client.post("/api/films/0/edits", content=b"[1]").status_code == 422
    assert client.post("/api/films/0/edits", content=b"{" * 4000).status_code == 422
    assert client.post("/api/films/0/edits", content=b'{"version": NaN}').status_code == 422
    assert client.post("/api/films/0/edits", json={"status": "accepted"}).status_code == 422


def test_a_link_among_the_films_is_not_followed(tmp_path: Path, opened: Opened) -> None:
    run = spine_run(tmp_path, 1)
    secret = tmp_path / "secret.png"
    (tmp_path / "films" / "film-0.png").rename(secret)
    (tmp_path / "films" / "film-0.png").symlink_to("/dev/zero")
    answer = opened(run).get("/api/films/0/pixels")
    assert answer.status_code == 422


def test_the_page_asks_nobody_else() -> None:
    for path in STATIC.iterdir():
        text = path.read_text("utf-8")
        assert not [
            address for address in re.findall(r"https?://[^\s\"'`]+", text) if "www.w3.org" not in address
        ], path
        assert "innerHTML" not in text
        assert "eval(" not in text
    page = (STATIC / "index.html").read_text("utf-8")
    assert not re.search(r"\son\w+=|<script>|style=", page)


def test_languages_say_the_same() -> None:
    said = set(
        re.findall(
            r"""\b[tn]\(["`]([a-z_]+)["`]""", " ".join(p.read_text("utf-8") for p in STATIC.glob("*.js"))
        )
    )
    english = words_of("en")
    for code in language_files():
        words = words_of(code)
        assert words["text"].keys() == english["text"].keys()
        assert words["count"].keys() == english["count"].keys()
        for key, sentence in english["text"].items():
            assert set(re.findall(r"\{\w+\}", sentence)) == set(re.findall(r"\{\w+\}", words["text"][key])), (
                key
            )
    assert said <= {*english["text"], *english["count"]}
    assert words_of("xx")["code"] == "en"


@contextmanager
def served(run: Path) -> Iterator[str]:
    """A real server on loopback."""
    told: list[Served] = []
    up = threading.Event()

    def ready(where: Served) -> None:
        told.append(where)
        up.set()

    review = open_review(ReviewSettings(source=run))
    thread = threading.Thread(target=serve, args=(review,), kwargs={"ready": ready}, daemon=True)
    thread.start()
    assert up.wait(20)
    yield told[0].address


def test_a_real_server_on_loopback(run: Path) -> None:
    with served(run) as address:
        host, _, token = address.removeprefix("http://").partition("/#token=")
        assert host.startswith("127.0.0.1:")
        connection = http.client.HTTPConnection(host, timeout=20)
        connection.request("GET", "/api/session", headers={"x-spinekit-token": token})
        assert json.loads(connection.getresponse().read())["films"] == 3
        connection.request("GET", "/api/session", headers={"x-spinekit-token": token, "Host": "evil.example"})
        assert connection.getresponse().read() == b'{"error": "this host is not served"}'
        connection.request(
            "POST",
            "/api/films/0/edits",
            b'{"status":"accepted","version":0}',
            {**MARKED, "x-spinekit-token": "x"},
        )
        assert connection.getresponse().status == 403
        connection.close()
