"""What happens to batches, made to happen: kills, full disks, a second run, other orders, ten thousand films.

One command, some minutes, with a stand-in for the network and tiny films, since only the machinery counts:

    PYTHONPATH=. python benchmarks/batches.py --write

The table goes into ``docs/batches.md``. Full disks need the right to mount a tmpfs; without it that line says so.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import platform
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2

from spinekit.workflows import predict as workflow
from tests.workflows.batch_films import MODEL, StandIn, write_films

CHECKOUT = Path(__file__).resolve().parent.parent
PAGE = CHECKOUT / "docs" / "batches.md"
BEGIN, END = "<!-- figures: benchmarks/batches.py -->\n", "<!-- end of figures -->\n"
SAVE = 'save=["coco","via"]'
Row = tuple[str, str, str]


def started(films: Path, out: Path, *options: str) -> subprocess.Popen[str]:
    """``predict`` with the stand-in, in a process of its own."""
    words = [sys.executable, "-m", "tests.workflows.batch_films", str(films), str(out), *options]
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT)}
    return subprocess.Popen(words, cwd=CHECKOUT, env=environment, stdout=subprocess.PIPE, text=True)


def gone_on(films: Path, out: Path) -> None:
    """The run in a folder, gone on with in this process, which has its libraries loaded."""
    settings = workflow.PredictSettings(
        sources=(films,), out=out, model=MODEL, save=("coco", "via"), workers=1, resume=True
    )
    workflow.predict(settings)


def told(process: subprocess.Popen[str]) -> Iterator[str]:
    assert process.stdout is not None
    return iter(process.stdout.readline, "")


def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    """Exit code and last line."""
    lines = list(told(process))
    return process.wait(), lines[-1].strip() if lines else ""


def tree(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def alike(one: dict[str, str], other: dict[str, str]) -> bool:
    """Whether two trees are the same; what is not is named."""
    names = sorted(name for name in {*one, *other} if one.get(name) != other.get(name))
    if names:
        print("not the same:", *names[:8], file=sys.stderr, flush=True)
    return not names


def stale(folder: Path) -> int:
    return sum(".tmp" in path.name or path.name in {".lock", ".building"} for path in folder.rglob(".*"))


def undisturbed(films: Path, place: Path) -> tuple[dict[str, str], float]:
    """The tree of a run that nothing happens to, and its seconds from the first word on."""
    shutil.rmtree(place / "whole", ignore_errors=True)
    process = started(films, place / "whole", SAVE, "workers=1")
    next(told(process))
    began = time.monotonic()
    code, last = ended(process)
    assert code == 0, last
    return tree(place / "whole"), time.monotonic() - began


def kills(films: Path, place: Path, count: int, seed: int) -> list[Row]:
    """Kill -9 at random moments from the first word to the last, then go on."""
    whole, seconds = undisturbed(films, place)
    chance = random.Random(seed)
    same = temporaries = in_tables = 0
    for number in range(count):
        out = place / f"killed-{number}"
        process = started(films, out, SAVE, "workers=1")
        lines = told(process)
        next(lines)
        time.sleep(chance.uniform(0, seconds))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        in_tables += (out / "predictions.jsonl").exists() and not (out / "report.html").exists()
        gone_on(films, out)
        same += alike(tree(out), whole)
        temporaries += stale(out)
        print(f"killed {number + 1}, alike {same}", file=sys.stderr, flush=True)
        shutil.rmtree(out)
    return [
        (
            f"kill -9 at {count} random moments, then `--resume`: byte-identical",
            f"{count} of {count}",
            f"{same} of {count}",
        ),
        ("of these, killed while tables or report were written", "", str(in_tables)),
        ("stale temporary files after that", "0", str(temporaries)),
    ]


def full_disks(films: Path, place: Path, count: int) -> list[Row]:
    """A tmpfs too small for the run, at sizes up to what it takes."""
    whole, _ = undisturbed(films, place)
    size = sum(path.stat().st_size for path in (place / "whole").rglob("*") if path.is_file())
    disk = place / "full"
    disk.mkdir()
    least, most = size // 4, int(size * 1.1)
    right_code = truncated = went_on = 0
    for number in range(count):
        room = least + (most - least) * number // count
        mount = ["mount", "-t", "tmpfs", "-o", f"size={room}", "tmpfs", str(disk)]
        if subprocess.run(mount, check=False, capture_output=True).returncode:
            return [("disk full: no right to mount a tmpfs here", "", "not measured")]
        try:
            code, last = ended(started(films, disk, SAVE, "workers=1"))
            right_code += code == 4 and last.startswith("error: ")
            pictures = {k: v for k, v in tree(disk).items() if k.startswith(("overlays/", "films/"))}
            truncated += not pictures.items() <= whole.items()
            subprocess.run(["mount", "-o", f"remount,size={4 * most}", str(disk)], check=True)
            gone_on(films, disk)
            went_on += alike(tree(disk), whole)
        finally:
            subprocess.run(["umount", str(disk)], check=True)
    return [
        (
            f"disk full at {count} sizes from {least >> 10} to {most >> 10} KiB: exit code 4, one line",
            f"{count} of {count}",
            f"{right_code} of {count}",
        ),
        ("truncated files left", "0", str(truncated)),
        ("with room again, `--resume`: byte-identical", f"{count} of {count}", f"{went_on} of {count}"),
    ]


def second_run(films: Path, place: Path) -> list[Row]:
    first = started(films, place / "two", "pause=0.5")
    lines = told(first)
    while not next(lines).startswith("0 "):
        pass
    code, last = ended(started(films, place / "two"))
    first.kill()
    first.communicate()
    said = f"exit code {code}, " + ("names its process" if str(first.pid) in last else f"says {last}")
    return [("a second run on the folder", "exit code 4, names the process of the first", said)]


def orders(films: Path, place: Path) -> list[Row]:
    """The same films named in other orders, decoded by other numbers of processes."""
    whole, _ = undisturbed(films, place)
    same = []
    for workers in (0, 1, 2):
        out = place / f"workers-{workers}"
        code, last = ended(started(films, out, SAVE, f"workers={workers}", f"shuffle={workers}"))
        assert code == 0, last
        same.append(alike(tree(out), whole))
    return [("sources shuffled, 0, 1 and 2 decoders: byte-identical", "3 of 3", f"{sum(same)} of 3")]


def memory_of(process: int) -> float:
    """Resident memory in MB."""
    for line in Path(f"/proc/{process}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1000
    return 0.0


def many(place: Path, count: int) -> list[Row]:
    """Memory and time of a long run: measured, recorded, tabled and saved; pictures would cost time alone."""
    films = write_films(place / "many", count)
    process = started(films, place / "many-out", SAVE, "workers=1", "overlays=false", "report=false")
    marks: dict[int, tuple[float, float]] = {}
    for line in told(process):
        number = line.split()[0]
        if number.isdigit() and int(number) % 100 == 0:
            marks[int(number)] = (time.monotonic(), memory_of(process.pid))
    _, status, usage = os.wait4(process.pid, 0)
    assert status == 0
    highest = usage.ru_maxrss / 1000
    last = max(marks)  # told when the tables are written: the last film was begun before
    begun = last - 100
    tenth = max(100, last // 1000 * 100)

    def cost(first: int, end: int) -> float:
        return 1000 * (marks[end][0] - marks[first][0]) / (end - first)

    return [
        (
            f"memory of the run: growth from film 100 to {last}",
            "below 100 MB",
            f"{marks[last][1] - marks[100][1]:.0f} MB",
        ),
        (
            "its highest, tables included, above that at film 100",
            "",
            f"{highest - marks[100][1]:.0f} MB",
        ),
        (
            f"cost a film: films 100 to {100 + tenth}, and {begun - tenth} to {begun}",
            "flat",
            f"{cost(100, 100 + tenth):.1f} and {cost(begun - tenth, begun):.1f} ms",
        ),
    ]


def ahead(place: Path) -> list[Row]:
    """Large films, and a network that takes 150 ms: what decoding ahead saves."""
    films = write_films(place / "large", 12, 4608, 1920)
    seconds = []
    for workers in (0, 1, 2):
        process = started(
            films, place / f"large-{workers}", f"workers={workers}", "pause=0.15", "overlays=false"
        )
        stamps = [time.monotonic() for line in told(process) if line[0].isdigit()]
        assert process.wait() == 0
        seconds.append((stamps[-2] - stamps[1]) / (len(stamps) - 3))
    words = ", ".join(f"{1000 * value:.0f}" for value in seconds)
    return [("12 PNG of 4608 x 1920, 150 ms of network: ms a film with 0, 1, 2 decoders", "", words)]


def machine() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    model = next((line.split(": ")[1] for line in lines if "model name" in line), platform.machine())
    versions = f"Python {platform.python_version()}, OpenCV {cv2.__version__}"
    return f"{os.cpu_count()} cores ({model}), {versions}, load {os.getloadavg()[0]:.1f}"


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--films", type=int, default=30)
    words.add_argument("--kills", type=int, default=20)
    words.add_argument("--seed", type=int, default=0, help="of the moments of the kills")
    words.add_argument("--disks", type=int, default=10)
    words.add_argument("--many", type=int, default=10_000)
    words.add_argument("--only", nargs="+", help="parts: kills, disks, second, orders, ahead, many")
    words.add_argument("--place", type=Path, help="where to work; a temporary folder otherwise")
    words.add_argument("--write", action="store_true", help="write the table into docs/batches.md")
    said = words.parse_args()
    setattr(workflow, "ModelChoice", StandIn)  # noqa: B010  (not exported)
    with tempfile.TemporaryDirectory(dir=said.place) as name:
        place = Path(name)
        films = write_films(place / "films", said.films)
        parts: list[tuple[str, Callable[[], list[Row]]]] = [
            ("kills", lambda: kills(films, place, said.kills, said.seed)),
            ("disks", lambda: full_disks(films, place, said.disks)),
            ("second", lambda: second_run(films, place)),
            ("orders", lambda: orders(films, place)),
            ("ahead", lambda: ahead(place)),
            ("many", lambda: many(place, said.many)),
        ]
        rows: list[Row] = []
        for part, measured in parts:
            if said.only and part not in said.only:
                continue
            began = time.monotonic()
            rows += measured()
            print(part, f"{time.monotonic() - began:.0f} s", flush=True)
    table = "| what | goal | measured |\n| --- | --- | --- |\n"
    table += "".join(f"| {' | '.join(row)} |\n" for row in rows)
    print(table)
    print(f"Measured on {machine()}.")
    if said.write:
        text = PAGE.read_text("utf-8")
        before, after = text.split(BEGIN)[0], text.split(END)[1]
        page = f"{before}{BEGIN}\n{table}\nMeasured on {machine()}.\n\n{END}{after}"
        PAGE.write_text(page, "utf-8")


if __name__ == "__main__":
    main()
