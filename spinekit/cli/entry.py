"""Where ``spinekit`` starts: it can be interrupted from the first moment on, before anything heavy is loaded."""

from __future__ import annotations

import os

TYPE_CHECKING = False  # as in typing, which takes longer to load than an interrupt should wait
if TYPE_CHECKING:
    from typing import NoReturn

INTERRUPTED = 130


def _leave(*_: object) -> NoReturn:
    """Ends at once: while libraries load there is nothing to tidy up, and half of one cannot be unwound."""
    os.write(2, b"interrupted\n")
    os._exit(INTERRUPTED)


def _any_letters() -> None:
    """Lets letters that a terminal does not know appear as ``?`` rather than end the program."""
    import sys

    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # who embeds Python may have put anything there
            stream.reconfigure(errors="replace")


def main() -> None:
    """Entry point of the console script."""
    try:
        import signal

        # Who started this with the signal switched off (nohup, a job in the background) wants it so.
        if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            signal.signal(signal.SIGINT, _leave)
        _any_letters()
        import gc
        import sys

        gc.disable()  # see `spinekit.cli.console.loading`, which is not loaded yet
        from spinekit.cli.commands import run

        gc.enable()
        run(sys.argv[1:])
    except KeyboardInterrupt:
        _leave()


def loaded() -> None:
    """A command begins its work: from here on an interrupt is raised, so that it can tidy up."""
    import signal

    if signal.getsignal(signal.SIGINT) is _leave:
        signal.signal(signal.SIGINT, signal.default_int_handler)
