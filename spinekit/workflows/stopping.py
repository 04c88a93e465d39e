"""Being asked to stop: once for a tidy end, twice for an end at once."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType


@dataclass(slots=True)
class Stop:
    """Whether somebody asked for an end.

    Attributes:
        wanted: Asked once: the film at hand is finished, the tables are written.
    """

    wanted: bool = False


@contextmanager
def stop_on_signals() -> Iterator[Stop]:
    """Takes the first Ctrl-C or SIGTERM as a wish, the second as an order: `KeyboardInterrupt`.

    Signals that somebody else already answers, and those of other threads than the main one, are left alone.

    Yields:
        What to look at between two films.
    """
    stop = Stop()

    def ask(_: int, __: FrameType | None) -> None:
        if stop.wanted:
            raise KeyboardInterrupt
        stop.wanted = True

    replaced: list[tuple[int, Callable[[int, FrameType | None], object] | int | None]] = []
    if threading.current_thread() is threading.main_thread():
        for number, untouched in (
            (signal.SIGINT, signal.default_int_handler),
            (signal.SIGTERM, signal.SIG_DFL),
        ):
            if signal.getsignal(number) == untouched:
                replaced.append((number, signal.signal(number, ask)))
    try:
        yield stop
    finally:
        for replaced_number, before in replaced:
            signal.signal(replaced_number, before)
