"""Film after film: decoded ahead, read, measured, drawn and written by a few threads, recorded in order."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace

from spinekit.core.errors import EnvironmentFaultError, SkipFile, UsageError
from spinekit.core.image import Image
from spinekit.formats.reading import FoundFile
from spinekit.models.environment import cores
from spinekit.runs import FileOutcome, ImageOutcome, Journal
from spinekit.workflows.decoding import Decoded, Decoders
from spinekit.workflows.film_names import FilmNames
from spinekit.workflows.image_outputs import ImageOutputs, failed_image, load_what_draws, write_image
from spinekit.workflows.reading import ModelChoice
from spinekit.workflows.resuming import passed_over
from spinekit.workflows.stopping import Stop

Progress = Callable[[int, int, str], None]

_AT_ONCE = 4  # films that networks compute at once: between networks, films take turns at Python
_THREADS = 2  # beside these: one film is named and measured, one drawn and written
_TURN = 0.0005  # s that a thread may compute in Python while others wait
_WAITING = 4  # images that may be under way: each holds its film in memory


@dataclass(slots=True)
class Batch:
    """A batch under way.

    Attributes:
        journal: Records of the run.
        outputs: What is written for an image.
        names: What the files are called.
        choice: The models.
        stop: Whether to stop after the film at hand.
        failures_allowed: As many failed files end the batch; None for no limit.
        at_once: Films that networks compute at once.
        failures: Files that failed so far.
    """

    journal: Journal
    outputs: ImageOutputs
    names: FilmNames
    choice: ModelChoice
    stop: Stop
    failures_allowed: int | None = None
    at_once: int = 1
    failures: int = 0

    @property
    def over(self) -> bool:
        """Whether no further file is to be looked at."""
        too_many = self.failures_allowed is not None and self.failures >= self.failures_allowed
        return self.stop.wanted or too_many


@dataclass(slots=True, eq=False)
class _File:
    """A file on its way: its images in order, each done or being written, and what it ended with."""

    found: FoundFile
    name: str
    images: list[Future[ImageOutcome | None]] = field(default_factory=list)
    sha256: str = ""
    ended: str = ""
    reason: str = ""

    @property
    def done(self) -> bool:
        """Whether it can be recorded."""
        return bool(self.ended) and all(image.done() and image.result() for image in self.images)

    def outcome(self) -> FileOutcome:
        """What became of it; waits for what is being written."""
        if self.found.skip is not None:
            return passed_over(self.name, self.found.skip)
        images = [made for image in self.images if (made := image.result()) is not None]
        if self.ended != "ok" or not images:
            images.append(ImageOutcome(self.name, self.ended, self.reason))
        return FileOutcome(self.name, self.sha256, tuple(images))


def films_at_once(threads: int | None, films: int) -> int:
    """How many films networks compute at once: each on threads of its own wastes less than one after another on all.

    Args:
        threads: To compute with, or None for every core.
        films: Files to be read.
    """
    return max(1, min(threads or cores(), films, _AT_ONCE))


def drive(
    batch: Batch, files: Sequence[FoundFile], decoders: Decoders, told: Callable[[int, str], None]
) -> set[str]:
    """Goes through files until they are done or the batch is to stop; each is recorded when all of it is in place.

    Args:
        batch: Where results go.
        files: To be looked at, in order.
        decoders: By which they are decoded.
        told: Told before each file: how many are done, its name.

    Returns:
        Names of the files that have a record now.

    Raises:
        EnvironmentFaultError: If something cannot be written; what is recorded stands.
        KeyboardInterrupt: If asked to stop at once.
    """
    decoded = decoders.decoded([item for item in files if item.skip is None])
    threads = ThreadPoolExecutor(_THREADS + batch.at_once, thread_name_prefix="reading")
    line = _Line(batch, threads)
    load_what_draws(batch.outputs)
    at_once = True
    # A thread that measures may keep the next film from the network for so long; by default 5 ms.
    turn = sys.getswitchinterval()
    sys.setswitchinterval(_TURN)
    try:
        for done, item in enumerate(files):
            if batch.over:
                break
            told(done, item.name)
            line.add(item, None if item.skip is not None else next(decoded))
        line.record(wait=True)
        at_once = False
    except KeyboardInterrupt:
        if batch.stop.wanted:
            raise
        batch.stop.wanted = True
        line.record(wait=True)
        at_once = False
    except Exception:
        at_once = False  # what other threads are at is written whole, or removed, before the folder is left
        raise
    finally:
        sys.setswitchinterval(turn)
        threads.shutdown(wait=not at_once, cancel_futures=True)
    return line.recorded


class _Line:
    """The files between the decoders and the records, in order."""

    def __init__(self, batch: Batch, threads: ThreadPoolExecutor) -> None:
        self._batch, self._threads = batch, threads
        self._files: deque[_File] = deque()
        self._waiting: deque[Future[ImageOutcome | None]] = deque()
        self.recorded: set[str] = set()

    def add(self, found: FoundFile, decoded: Decoded | None) -> None:
        """Hands a file's images to the threads that read and write."""
        file = _File(found, self._batch.names.of(found))
        self._files.append(file)
        for message in decoded.messages if decoded is not None else ():
            if isinstance(message, Image):
                self._know(file, message.ref.sha256)
                file.images.append(self._read(_called(message, file.name)))
            elif message is not None:
                error = message.error
                self._know(file, message.sha256)
                file.ended = "skipped" if isinstance(error, SkipFile) else "failed"
                file.reason = f"{error.reason} -- {error.fix}"
                self._batch.failures += file.ended == "failed"
        if not file.ended:
            file.ended = "ok" if file.images or found.skip is not None else "skipped"
            file.reason = "" if file.images else "holds no image -- export it again"
        self.record()

    def record(self, wait: bool = False) -> None:
        """Writes the records of those files, from the first on, of which all is in place.

        Args:
            wait: For all that were taken through; a file that was not is dropped.
        """
        while wait and self._waiting:
            self._waiting.popleft().result()
        while self._files and self._files[0].done:
            outcome = self._files.popleft().outcome()
            self._batch.journal.append(outcome)
            self.recorded.add(outcome.file)

    def _know(self, file: _File, sha256: str) -> None:
        file.sha256, file.name = sha256, self._batch.names.told(file.found, sha256)

    def _read(self, image: Image) -> Future[ImageOutcome | None]:
        while len(self._waiting) >= _WAITING:
            self._waiting.popleft().result()
        future = self._threads.submit(self._made, image)
        self._waiting.append(future)
        return future

    def _made(self, image: Image) -> ImageOutcome | None:
        """All of an image, or None where its reading was interrupted: it is left out, and so is what comes after.

        While one film is named and measured, the network computes the next.
        """
        try:
            reading = self._batch.choice.read(image)
        except (EnvironmentFaultError, UsageError):
            raise
        except KeyboardInterrupt:
            self._batch.stop.wanted = True
            return None
        except Exception as error:  # noqa: BLE001  (one film that a network stumbles over stops no other)
            self._batch.failures += 1
            return failed_image(image, "the model could not read it", error)
        return write_image(self._batch.outputs, image, reading)


def _called(image: Image, file: str) -> Image:
    """An image under the name that its file goes by."""
    name = file if image.ref.frame is None else f"{file}#{image.ref.frame}"
    return image if image.ref.name == name else replace(image, ref=replace(image.ref, name=name))
