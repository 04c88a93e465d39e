"""Serves a review until it is interrupted."""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import dataclass

from spinekit.core.errors import EnvironmentFaultError
from spinekit.review.guard import Door, loopback_hosts, new_token
from spinekit.review.store import ReviewStore
from spinekit.workflows.review import Review

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Served:
    """How the page is reached.

    Attributes:
        address: To open; on this machine it holds the token behind a ``#``, which no browser sends anywhere.
        beyond: Whether other machines can reach it.
    """

    address: str
    beyond: bool


def is_loopback(host: str) -> bool:
    """Whether a host is this machine alone."""
    return host in {"127.0.0.1", "localhost", "::1"}


def serve(
    review: Review,
    *,
    host: str = LOOPBACK,
    port: int = 0,
    who: str = "",
    password: str | None = None,
    ready: Callable[[Served], None] = lambda _: None,
) -> None:
    """Serves until interrupted.

    Args:
        review: That is open.
        host: Address to listen on.
        port: To listen on; 0 for any that is free.
        who: Edits, where the page says nothing else.
        password: Needed where ``host`` is not this machine alone.
        ready: Told when the page can be opened.

    Raises:
        EnvironmentFaultError: If the address or the record cannot be had.
        ValueError: If ``host`` is not this machine alone and there is no password.
    """
    import uvicorn

    from spinekit.review.app import create_app

    beyond = not is_loopback(host)
    if beyond and not password:
        raise ValueError("beyond this machine a password is needed")
    store = ReviewStore(review)
    try:
        listener = _listener(host, port)
        bound = int(listener.getsockname()[1])
        door = door_of(host, bound)
        app = create_app(store, door, who, password)
        shown = f"[{host}]" if ":" in host else socket.gethostname() if host in {"0.0.0.0", "::"} else host
        address = f"http://{shown}:{bound}/" + ("" if beyond else f"#token={door.token}")
        # No access log: what was looked at when is nobody's business, and an address may be pasted anywhere.
        # A connection that is closed while a save is on its way makes the page ask what became of it: they stay open.
        config = uvicorn.Config(
            app,
            log_level="error",
            access_log=False,
            server_header=False,
            lifespan="off",
            timeout_keep_alive=120,
        )
        ready(Served(address, beyond))
        uvicorn.Server(config).run(sockets=[listener])
    finally:
        store.close()


def door_of(host: str, port: int) -> Door:
    """Who may come in at an address.

    Args:
        host: That is listened on.
        port: Likewise.
    """
    if is_loopback(host):
        return Door(loopback_hosts(port), port, new_token())
    names = {host.lower(), socket.gethostname().lower(), socket.getfqdn().lower()}
    hosts = loopback_hosts(port) | {f"{name}:{port}" for name in names}
    return Door(hosts, port, new_token(), host in {"0.0.0.0", "::"}, frozenset({"/api/login"}))


def _listener(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(128)  # who comes before the server has begun waits, and is not refused
    except OSError as error:
        listener.close()
        raise EnvironmentFaultError(
            f"{host}:{port}: cannot be listened on ({error.strerror}) -- choose another --port"
        ) from error
    return listener
