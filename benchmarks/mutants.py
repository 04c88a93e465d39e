"""Breaks tens of thousands of files and reads them all: no crash, no hang, no traceback.

    python benchmarks/mutants.py [KIND ...] [--count N] [--out FOLDER] [--jobs N]

Without words it is the whole run: 20,000 DICOM files, 10,000 of every other kind (``tests/mutation/kinds.py``).
Each kind is read by a process of its own, which notes every file in ``<out>/<kind>.jsonl``. A process that dies
(a codec that aborts) or that works on one file for more than 5 seconds is noted for that file, and the next one
goes on behind it. So does a run that was stopped. The same number is the same mutant everywhere, and ``--only 1234``
reads that one.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.mutation.kinds import Kind

CHECKOUT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(CHECKOUT))

COUNTS = {"dicom": 20_000}
COUNT = 10_000
SECONDS = 5.0  # of a process's own time for one file
CLOCK = 300.0  # of the clock: whoever waits for nothing is ended too, however busy the machine is
MEMORY = 8 << 30
CRASH, HANG = "crash", "hang"


def kind_of(name: str) -> Kind:
    """A kind by its name, or one from elsewhere as ``module:NAME``."""
    from tests.mutation.kinds import KINDS

    module, _, inside = name.partition(":")
    found: Kind = getattr(importlib.import_module(module), inside) if inside else KINDS[name]
    return found


def child(kind: str, numbers: range, notes: Path) -> None:
    """Reads mutants and notes each; the kernel ends it where one takes too long."""
    from tests.mutation.trial import trials

    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with tempfile.TemporaryDirectory() as folder, notes.open("a", encoding="utf-8", buffering=1) as stream:
        _wind_up()
        for outcome in trials(kind_of(kind), Path(folder), numbers):
            stream.write(json.dumps(asdict(outcome)) + "\n")
            _wind_up()


def _wind_up() -> None:
    """Both signals end the process by default, in the midst of compiled code too."""
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    signal.setitimer(signal.ITIMER_REAL, CLOCK)


def noted(notes: Path) -> list[dict[str, Any]]:
    """What stands in the notes so far."""
    if not notes.exists():
        return []
    return [json.loads(line) for line in notes.read_text("utf-8").splitlines() if line.endswith("}")]


def drive(kind: str, count: int, notes: Path) -> list[dict[str, Any]]:
    """Starts one process after the other until every mutant has an outcome.

    Args:
        kind: Of file.
        count: How many mutants.
        notes: File of the outcomes; what stands in it already is not done again.

    Returns:
        One outcome per mutant.
    """
    while (done := len(noted(notes))) < count:
        command = [sys.executable, __file__, kind, "--child", str(done), str(count), str(notes)]
        threads = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        ended = subprocess.run(
            command, env={**os.environ, **threads}, capture_output=True, text=True, check=False
        )
        reached = len(noted(notes))
        if ended.returncode == 0:
            continue
        if ended.returncode > 0:
            raise SystemExit(f"{kind}: the process itself is at fault\n{ended.stderr[-2000:]}")
        died = signal.Signals(-ended.returncode)
        end = HANG if died in {signal.SIGPROF, signal.SIGALRM} else CRASH
        line = {"number": reached, "seed": "", "end": end, "said": died.name, "seconds": SECONDS}
        with notes.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(line) + "\n")
    return noted(notes)[:count]


def table(results: dict[str, list[dict[str, Any]]]) -> str:
    """Markdown: what became of how many."""
    ends = ("read", "refused", "skipped", "traceback", CRASH, HANG)
    lines = [f"| kind | mutants | {' | '.join(ends)} | longest |", "| --- |" + " ---: |" * 8]
    for kind, outcomes in results.items():
        tally = Counter(outcome["end"] for outcome in outcomes)
        longest = max((outcome["seconds"] for outcome in outcomes), default=0.0)
        cells = " | ".join(f"{tally[end]:,}" for end in ends)
        lines.append(f"| {kind} | {len(outcomes):,} | {cells} | {longest:.2f} s |")
    return "\n".join(lines)


def show(kind: str, number: int) -> None:
    """Reads one mutant here and says what became of it."""
    from tests.mutation.trial import trials

    with tempfile.TemporaryDirectory() as folder:
        for outcome in trials(kind_of(kind), Path(folder), range(number, number + 1)):
            print(f"{outcome.seed}: {outcome.end} in {outcome.seconds:.2f} s: {outcome.said}")


def main(words: Sequence[str] | None = None) -> int:
    """1 where a file crashed, hung or gave a traceback."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("kinds", nargs="*", help="which kinds; all where left out")
    parser.add_argument("--count", type=int, help="mutants of each kind")
    parser.add_argument("--out", type=Path, default=Path("mutants"), help="folder of the notes")
    parser.add_argument("--jobs", type=int, default=1, help="kinds at a time")
    parser.add_argument("--only", type=int, help="read the one mutant of that number, here")
    parser.add_argument("--child", nargs=3, help=argparse.SUPPRESS)
    asked = parser.parse_args(words)
    if asked.child:
        child(asked.kinds[0], range(int(asked.child[0]), int(asked.child[1])), Path(asked.child[2]))
        return 0
    if asked.only is not None:
        show(asked.kinds[0], asked.only)
        return 0
    from tests.mutation.kinds import KINDS

    unknown = set(asked.kinds) - set(KINDS)
    if unknown:
        parser.error(f"no such kind: {', '.join(sorted(unknown))}; there are {', '.join(KINDS)}")
    kinds = asked.kinds or list(KINDS)
    asked.out.mkdir(parents=True, exist_ok=True)

    def driven(kind: str) -> list[dict[str, Any]]:
        return drive(kind, asked.count or COUNTS.get(kind, COUNT), asked.out / f"{kind}.jsonl")

    with ThreadPoolExecutor(asked.jobs) as pool:
        results = dict(zip(kinds, pool.map(driven, kinds), strict=True))
    print(table(results))
    bad = [
        (kind, outcome)
        for kind, outcomes in results.items()
        for outcome in outcomes
        if outcome["end"] in {"traceback", CRASH, HANG}
    ]
    for kind, outcome in bad[:20]:
        print(f"{kind} --only {outcome['number']}: {outcome['seed']}: {outcome['end']}: {outcome['said']}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
