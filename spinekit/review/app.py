"""The page's server: films, queue, edits and measurements, each film by its number and never by its name."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from spinekit import __version__
from spinekit.core.errors import AnnotationError, EnvironmentFaultError, ReadError, SpinekitError, UsageError
from spinekit.core.notice import RESEARCH_USE
from spinekit.core.scene import Instance
from spinekit.files import printable
from spinekit.formats.scenes_line import instance_from_json
from spinekit.formats.sources import parse_json
from spinekit.review.guard import Door, Guard, Password
from spinekit.review.measuring import cornered_items, film_of, measured, schemas_of
from spinekit.review.pictures import Pictures
from spinekit.review.store import ConflictError, ReviewStore
from spinekit.review.words import words_of
from spinekit.workflows.review import ReviewFilm
from spinekit.workflows.review_edits import brushed, scene_with, step_of, stroke_of
from spinekit.workflows.review_queue import worst_first

STATIC = Path(__file__).resolve().parent / "static"
_KINDS = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
}
_SHOWN = 20  # notices that the page tells; the terminal has told all
_MEASURED = 64  # films whose full results stay in memory

Json = dict[str, Any]


@dataclass(slots=True, eq=False)
class Desk:
    """What the requests share.

    Attributes:
        store: Takes the edits.
        who: Edits, where the page says nothing else.
        token: Earned by the password.
        password: Asked for where the page is served beyond this machine, or None.
        pictures: Decoded films.
        results: Full results by film, version and language.
        cornered: Unchanged masks with their corners, by film and version.
    """

    store: ReviewStore
    who: str = ""
    token: str = ""
    password: Password | None = None
    pictures: Pictures = field(default_factory=Pictures)
    results: OrderedDict[tuple[int | str, ...], Json] = field(default_factory=OrderedDict)
    cornered: OrderedDict[tuple[int | str, ...], Mapping[int, Instance]] = field(default_factory=OrderedDict)
    lock: Lock = field(default_factory=Lock)


def create_app(store: ReviewStore, door: Door, who: str = "", password: str | None = None) -> Starlette:
    """The server of an open review.

    Args:
        store: Of the review.
        door: Who is let in.
        who: Edits, where the page says nothing else.
        password: Earns the token, where the page is served beyond this machine.
    """
    desk = Desk(store, who, door.token, None if password is None else Password(password))
    routes = [
        Route("/", lambda _: _static("index.html")),
        Route("/static/{name:path}", lambda request: _static(request.path_params["name"])),
        Route("/api/session", _plain(desk, _session)),
        Route("/api/words/{code}", _words),
        Route("/api/queue", _plain(desk, _queue)),
        Route("/api/films/{film:int}", _plain(desk, _film)),
        Route("/api/films/{film:int}/pixels", _plain(desk, _pixels)),
        *(
            Route(f"/api/films/{{film:int}}/{name}", _told(desk, answer), methods=["POST"])
            for name, answer in (
                ("measure", _measure),
                ("brush", _brush),
                ("edits", _edit),
                ("undo", _undo),
                ("redo", _redo),
            )
        ),
        Route("/api/login", _told(desk, _login), methods=["POST"]),
    ]
    return Starlette(routes=routes, middleware=[Middleware(Guard, door=door)])


def _static(name: str) -> Response:
    """A file of the page; only those that ship are there, so that no name leads anywhere else."""
    files = {path.relative_to(STATIC).as_posix(): path for path in STATIC.rglob("*") if path.suffix in _KINDS}
    path = files.get(name)
    if path is None:
        return JSONResponse({"error": "there is nothing here"}, 404)
    return Response(path.read_bytes(), media_type=_KINDS[path.suffix])


def _words(request: Request) -> Response:
    """The page's words in a language; in English where there is no such language."""
    return JSONResponse(words_of(request.path_params["code"]))


def _plain(desk: Desk, answer: Callable[[Desk, int, str], Response]) -> Callable[[Request], Response]:
    def endpoint(request: Request) -> Response:
        language = request.query_params.get("language", "en")
        return _guarded(lambda: answer(desk, int(request.path_params.get("film", 0)), language))

    return endpoint


def _told(desk: Desk, answer: Callable[[Desk, int, Json], Response]) -> Callable[[Request], Any]:
    async def endpoint(request: Request) -> Response:
        body = await request.body()
        number = int(request.path_params.get("film", 0))
        return await run_in_threadpool(_guarded, lambda: answer(desk, number, _content(body)))

    return endpoint


def _content(body: bytes) -> Json:
    try:
        content = parse_json(body.decode("utf-8"), "the request")
    except (UnicodeDecodeError, AnnotationError) as error:
        raise UsageError("the request is no JSON -- reload the page") from error
    if not isinstance(content, dict):
        raise UsageError("the request is no JSON object -- reload the page")
    return content


def _guarded(answer: Callable[[], Response]) -> Response:
    """What spinekit raises on purpose, as one line with a status."""
    try:
        return answer()
    except ConflictError as error:
        return JSONResponse({"error": str(error), "version": error.version}, 409)
    except EnvironmentFaultError as error:
        return JSONResponse({"error": printable(str(error))}, 503)
    except (UsageError, ReadError) as error:
        return JSONResponse({"error": printable(str(error))}, 422)
    except SpinekitError as error:
        return JSONResponse({"error": printable(str(error))}, 500)


def _session(desk: Desk, _: int, __: str) -> Response:
    review = desk.store.review
    schemas = {film.state.base.schema.name: film.state.base.schema for film in review.films}
    return JSONResponse(
        {
            "version": __version__,
            "research_use": RESEARCH_USE,
            "title": printable(review.run.resolve().name),
            "who": review.header.reader or desk.who,
            "reader": review.header.reader,
            "films": len(review.films),
            "schemas": schemas_of(list(schemas.values())),
            "notices": [printable(line) for line in review.notices[:_SHOWN]],
        }
    )


def _queue(desk: Desk, _: int, __: str) -> Response:
    """One row a film in the order in which they are best looked at; short, since there may be thousands."""
    with desk.store.still() as films:
        order = worst_first([film.urgency for film in films])
        rows = [_row(place, films[place]) for place in order]
    return JSONResponse({"films": rows})


def _row(number: int, film: ReviewFilm) -> Json:
    state = film.state
    return {
        "id": number,
        "name": film.name,
        "status": state.status.value,
        "mended": state.touched and any({"instances", "strokes"} & set(edit.after) for edit in state.done),
        "comment": bool(state.comment),
        "version": state.version,
        "score": film.urgency.score,
        "signs": {sign.value: round(value, 1) for sign, value in film.urgency.signs.items()},
        "schema": state.base.schema.name,
        "there": film.path is not None or film.copy is not None,
    }


def _film(desk: Desk, number: int, language: str) -> Response:
    return JSONResponse(_film_content(desk, number, language))


def _film_content(desk: Desk, number: int, language: str) -> Json:
    film = desk.store.standing(number)
    told = film_of(film.state, language)
    return {**told, "id": number, "refusal": film.refusal, "row": _row(number, film)}


def _pixels(desk: Desk, number: int, _: str) -> Response:
    film = desk.store.complete(number)
    picture = desk.pictures.get(number, film)
    return Response(
        picture.content, media_type="application/octet-stream", headers={"x-spinekit-picture": picture.facts}
    )


def _measure(desk: Desk, number: int, content: Json) -> Response:
    """Results of what stands (full, kept) or of what would be (while dragging: without intervals)."""
    film = desk.store.standing(number)
    state, quick = film.state, bool(content.get("quick"))
    wanted: Json = {name: content[name] for name in ("instances", "ruler") if name in content}
    key, language = (number, state.version), str(content.get("language", "en"))
    if not wanted and not quick:
        with desk.lock:
            kept = desk.results.get((*key, language))
        if kept is None:
            kept = measured(state.scene, language=language)
            _keep(desk, desk.results, (*key, language), kept)
        return JSONResponse({**kept, "version": key[1]})
    if quick and (known := desk.cornered.get(key)) is None:
        known = cornered_items(state.scene)
        _keep(desk, desk.cornered, key, known)
    scene = scene_with(state, wanted)
    found = measured(scene, quick=quick, known=known if quick else None, language=language)
    return JSONResponse({**found, "version": key[1]})


def _keep(
    desk: Desk, kept: OrderedDict[tuple[int | str, ...], Any], key: tuple[int | str, ...], value: object
) -> None:
    with desk.lock:
        kept[key] = value
        while len(kept) > _MEASURED:
            kept.popitem(last=False)


def _brush(desk: Desk, number: int, content: Json) -> Response:
    """The shape that a stroke makes of an instance's shape; nothing is kept yet."""
    film = desk.store.standing(number)
    stroke, radius, adds = stroke_of(content)
    base: Json = content.get("instance") or {}
    outline = None
    if base.get("outline"):
        drawn = step_of(film.state, {"instances": {"drawn": base}}).after["instances"]["drawn"]
        outline = instance_from_json(drawn).outline
    made = brushed(outline, stroke, radius, film.state.base.image, adds=adds)
    told = (
        None
        if made is None
        else {"rings": [r.tolist() for r in made.rings], "holes": [h.tolist() for h in made.holes]}
    )
    return JSONResponse({"outline": told})


def _edit(desk: Desk, number: int, content: Json) -> Response:
    parts: Json = {
        name: content[name]
        for name in ("instances", "strokes", "status", "comment", "ruler")
        if name in content
    }
    action = str(content.get("action", "edit"))
    return _saved(
        desk, number, content, desk.store.save(number, _version(content), _who(desk, content), action, parts)
    )


def _undo(desk: Desk, number: int, content: Json) -> Response:
    return _saved(desk, number, content, desk.store.undo(number, _version(content), _who(desk, content)))


def _redo(desk: Desk, number: int, content: Json) -> Response:
    return _saved(desk, number, content, desk.store.redo(number, _version(content), _who(desk, content)))


def _saved(desk: Desk, number: int, content: Json, version: int) -> Response:
    """What stands now, under the version that this edit made: if another one came in between, the next is told."""
    language = str(content.get("language", "en"))
    return JSONResponse({**_film_content(desk, number, language), "version": version})


def _version(content: Json) -> int:
    version = content.get("version")
    if not isinstance(version, int) or isinstance(version, bool):
        raise UsageError("the version that the page has seen is missing -- reload the page")
    return version


def _who(desk: Desk, content: Json) -> str:
    """The reader whose reading this is; else the name that the page gives."""
    said = content.get("who")
    said = " ".join(printable(said).split()) if isinstance(said, str) else ""
    return desk.store.review.header.reader or said or desk.who or "reader"


def _login(desk: Desk, _: int, content: Json) -> Response:
    if desk.password is None:
        return JSONResponse({"error": "there is nothing here"}, 404)
    if not content.get("password"):
        return JSONResponse({"error": "a password is wanted"}, 401)
    right = desk.password.check(str(content.get("password", "")))
    if right is None:
        return JSONResponse({"error": "too many tries: wait a little"}, 429)
    if not right:
        return JSONResponse({"error": "this is not the password"}, 403)
    return JSONResponse({"token": desk.token})
