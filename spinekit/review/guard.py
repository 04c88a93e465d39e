"""Who may talk to the page's server: this machine's own page, with the token that was printed, and nobody else.

A browser carries requests of any web site to this machine, so being on loopback protects nothing. What does:
the name in ``Host`` must be one that was agreed on (a site that re-binds its own name to this machine has another);
``Origin``, where it is sent, must be the page's; everything behind ``/api/`` wants a random token that no other site
can know, in a header that no other site can send without being asked; and no answer may be embedded or sniffed.
"""

from __future__ import annotations

import hmac
import ipaddress
import json
import secrets
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

TOKEN_HEADER = b"x-spinekit-token"
MARK_HEADER = b"x-spinekit"
MARK = b"review"
MOST_BYTES = 8 << 20
_READING = {"GET", "HEAD"}
_BANNED_IN_PATHS = (b"..", b"\\", b"%", b"//", b"\0")

HEADERS = (
    (
        b"content-security-policy",
        b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
        b"base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'",
    ),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), microphone=(), geolocation=()"),
    (b"cache-control", b"no-store"),
)


def new_token() -> str:
    """A token that cannot be guessed."""
    return secrets.token_urlsafe(32)


@dataclass(frozen=True, slots=True)
class Door:
    """Who is let in.

    Attributes:
        hosts: Names with port that ``Host`` may be, lower case.
        any_address: Whether any bare IP address with `port` may be, too: where other machines come by an address
            that this one cannot know. A site cannot make its own name an address.
        port: Of the server.
        token: Known to those who may come in.
        open_paths: Paths below ``/api/`` that want no token: where a password earns one.
    """

    hosts: frozenset[str]
    port: int
    token: str
    any_address: bool = False
    open_paths: frozenset[str] = frozenset()

    def knows(self, host: str) -> bool:
        """Whether a ``Host`` header names this server."""
        host = host.lower()
        if host in self.hosts:
            return True
        name, _, port = host.rpartition(":")
        return self.any_address and port == str(self.port) and _is_address(name.strip("[]"))


def loopback_hosts(port: int) -> frozenset[str]:
    """What this machine calls itself."""
    return frozenset(f"{name}:{port}" for name in ("127.0.0.1", "localhost", "[::1]"))


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def refusal(  # noqa: PLR0911  (one line for each reason)
    door: Door, method: str, raw_path: bytes, headers: Iterable[tuple[bytes, bytes]]
) -> tuple[int, str]:
    """Why a request is turned away, as a status and words; 0 and nothing where it is let in.

    Args:
        door: Who is let in.
        method: Of the request.
        raw_path: As it came, before anything was decoded.
        headers: Names in lower case.
    """
    listed = list(headers)
    told = dict(
        reversed(listed)
    )  # of doubled headers the first counts, and doubled ones that matter are refused
    names = [name for name, _ in listed if name in {b"host", b"origin", TOKEN_HEADER}]
    if len(names) > len(set(names)) or not door.knows(told.get(b"host", b"").decode("latin-1")):
        return 403, "this host is not served"
    origin = told.get(b"origin")
    if origin is not None and not _own_origin(door, origin.decode("latin-1")):
        return 403, "this origin is not served"
    if told.get(b"sec-fetch-site", b"none") not in {b"none", b"same-origin"}:
        return 403, "other sites are not served"
    path = raw_path.split(b"?", 1)[0]
    if any(part in path for part in _BANNED_IN_PATHS):
        return 404, "there is nothing here"
    if method not in {*_READING, "POST"}:
        return 405, "this is not done here"
    if not path.startswith(b"/api/"):
        return (0, "") if method in _READING else (405, "this is not done here")
    if path.decode("latin-1") not in door.open_paths and not hmac.compare_digest(
        told.get(TOKEN_HEADER, b""), door.token.encode()
    ):
        return 403, "the token is missing or old: open the address that spinekit review printed"
    if method == "POST":
        if told.get(MARK_HEADER) != MARK:
            return 403, "the header of the page is missing"
        if told.get(b"content-type", b"").split(b";")[0].strip() != b"application/json":
            return 415, "JSON is wanted"
        if not told.get(b"content-length", b"").isdigit():
            return 411, "the length is missing"
        if int(told[b"content-length"]) > MOST_BYTES:
            return 413, "too much at once"
    return 0, ""


def _own_origin(door: Door, origin: str) -> bool:
    scheme, _, host = origin.partition("://")
    return scheme == "http" and door.knows(host)


class Guard:
    """ASGI middleware that turns away whom `refusal` names, and dresses every answer in `HEADERS`."""

    def __init__(self, app: ASGIApp, door: Door) -> None:
        self._app = app
        self._door = door

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers a request, or hands it on."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
            return

        async def dressed(message: Message) -> None:
            if message["type"] == "http.response.start":
                given = [pair for pair in message.get("headers", []) if pair[0].lower() != b"cache-control"]
                message = {**message, "headers": [*given, *HEADERS]}
            await send(message)

        raw = scope.get("raw_path") or scope["path"].encode()
        status, words = refusal(self._door, scope["method"], raw, scope["headers"])
        if not status:
            await self._app(scope, receive, dressed)
            return
        body = json.dumps({"error": words}).encode()
        head = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        await dressed({"type": "http.response.start", "status": status, "headers": head})
        await dressed({"type": "http.response.body", "body": body})


class Password:
    """Checks a password, and makes whoever guesses wait ever longer.

    Args:
        secret: The password.
        clock: Seconds that never run backwards.
    """

    def __init__(self, secret: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._secret = secret.encode()
        self._clock = clock
        self._lock = threading.Lock()
        self._wrong = 0
        self._until = 0.0

    def check(self, given: str) -> bool | None:
        """Whether it is right; None while nobody may try."""
        with self._lock:
            if self._clock() < self._until:
                return None
            if hmac.compare_digest(given.encode(), self._secret):
                self._wrong = 0
                return True
            self._wrong += 1
            self._until = self._clock() + min(2.0 ** (self._wrong - 1), 60.0)
            return False
