"""What of an unfinished run still stands, judged by the bytes of films and outputs alone."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from spinekit.core.errors import AnnotationError, UsageError
from spinekit.files import sha256_of
from spinekit.formats.reading import FoundFile
from spinekit.formats.sources import unsafe_name
from spinekit.runs import FileOutcome, ImageOutcome, Journal
from spinekit.runs.record import stated
from spinekit.workflows.film_names import FilmNames


def changed_settings(run_file: Path, told: Mapping[str, str], fingerprint: str) -> str:
    """Which settings a run was begun with that are others now, in words; empty where all are the same.

    Args:
        run_file: ``run.json`` of the run.
        told: The settings now.
        fingerprint: Their hash.
    """
    before = stated(run_file)
    if before.get("parameters") == fingerprint:
        return ""
    named = before.get("settings")
    earlier = named if isinstance(named, dict) else {}
    words = [
        f"{key} {earlier[key]!r}, now {told[key]!r}"
        for key in told
        if earlier.get(key, told[key]) != told[key]
    ]
    return "; ".join(words) or "another version of spinekit or of its models, or other outputs"


def check_settings(out: Path, told: Mapping[str, str], fingerprint: str) -> None:
    """Refuses to go on with a run under other settings than it began with.

    Raises:
        UsageError: Naming what is different.
    """
    words = changed_settings(out / "run.json", told, fingerprint)
    if words:
        raise UsageError(
            f"--resume: the run in {out} began with other settings ({words}) -- say the same, name another --out, "
            "or begin anew in it with --force"
        )


def still_to_do(journal: Journal, found: Sequence[FoundFile], names: FilmNames, out: Path) -> list[FoundFile]:
    """The files whose record is missing or no longer true; what failed is tried again.

    Args:
        journal: What is recorded.
        found: All files of the run.
        names: What they are called, by their hashes where these decide.
        out: Its folder.
    """
    return [item for item in found if not _stands(journal, item, names, out)]


def forgotten(journal: Journal, present: Collection[str], out: Path) -> list[Path]:
    """Outputs of films that are no longer among the sources: nobody would look after them.

    Args:
        journal: What is recorded.
        present: Names of all files of the run.
        out: Its folder.
    """
    paths = []
    for file in journal.files:
        if file not in present:
            for image in _recorded(journal, file):
                paths += [out / output.path for output in image.outputs if not unsafe_name(output.path)]
    return paths


def passed_over(name: str, reason: str) -> FileOutcome:
    """The outcome of a file that is not opened at all."""
    return FileOutcome(name, "", (ImageOutcome(name, "skipped", reason),))


def _recorded(journal: Journal, file: str) -> tuple[ImageOutcome, ...]:
    try:
        return journal.outcome(file).images
    except AnnotationError:
        return ()


def _stands(journal: Journal, item: FoundFile, names: FilmNames, out: Path) -> bool:
    name = names.of(item)
    if name not in journal:
        return False
    try:
        outcome = journal.outcome(name)
        if item.skip is not None:
            return outcome == passed_over(name, item.skip)
        if outcome.failed or not outcome.sha256:
            return False
        if (names.sha256(item) or sha256_of(item.path)) != outcome.sha256:
            return False
        outputs = [output for image in outcome.images for output in image.outputs]
        return all(
            not unsafe_name(output.path) and sha256_of(out / output.path) == output.sha256
            for output in outputs
        )
    except (AnnotationError, OSError):
        return False
