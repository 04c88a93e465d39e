"""How fast films are read, side by side with ``yolo predict`` on the same weights, files, size and boxes.

    python benchmarks/speed.py [--quick] [--write docs/speed.md] [--only pose seg ...]

Each pair of commands runs in turn, so that whatever else the machine does befalls both; the ratio is the median of
the pairs' ratios. Times are of whole commands, start included. Films are synthetic (`spinekit.phantoms`). With
``--write`` the table between the markers of that page is replaced.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from PIL import Image as PillowImage

BEGIN, END = "<!-- figures of benchmarks/speed.py -->", "<!-- end of figures -->"
BIN = Path(sys.executable).parent
BARE = ("--no-overlays", "--no-report", "--no-refine")


@dataclass(frozen=True)
class Run:
    """What one command took: wall and processor seconds, and the largest memory of one of its processes, MB."""

    wall: float
    cpu: float
    memory: float


@dataclass(frozen=True)
class Plan:
    """How much is measured."""

    films: int
    long_films: int
    repeats: int


FULL, QUICK = Plan(200, 20, 5), Plan(12, 2, 1)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="few films, once: to see that it works")
    parser.add_argument("--write", type=Path, help="page whose table is replaced")
    parser.add_argument("--only", nargs="*", default=None, help=f"of {', '.join(PARTS)}")
    parser.add_argument("--remark", default="", help="what is to be said of the machine's state")
    parser.add_argument("--forward", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.forward:
        forward(*arguments.forward)
        return
    plan = QUICK if arguments.quick else FULL
    lines = [machine(), ""]
    if arguments.remark:
        lines = [f"**{arguments.remark}**", "", *lines]
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder), plan)
        for name in arguments.only or PARTS:
            for line in PARTS[name](bench):
                print(line, flush=True)
                lines.append(line)
            lines.append("")
    if arguments.write:
        page = arguments.write.read_text(encoding="utf-8")
        before, _, rest = page.partition(BEGIN)
        after = rest.partition(END)[2]
        arguments.write.write_text(before + "\n".join([BEGIN, "", *lines, END]) + after, encoding="utf-8")


def machine() -> str:
    """The machine in a line."""
    try:
        told = Path("/proc/cpuinfo").read_text(encoding="utf-8")
        names = [
            line.partition(":")[2].strip() for line in told.splitlines() if line.startswith("model name")
        ]
        units = [word for word in ("avx512f", "avx512_bf16", "amx_bf16", "amx_int8") if f" {word}" in told]
    except OSError:
        names, units = [platform.processor()], []
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    load = f", load {os.getloadavg()[0]:.1f} at the start" if hasattr(os, "getloadavg") else ""
    packages = ", ".join(
        f"{name} {version(name)}" for name in ("torch", "ultralytics", "onnxruntime", "openvino")
    )
    return (
        f"{cores} cores of {names[0]} ({', '.join(units) or 'no wide units'}){load}; "
        f"Python {platform.python_version()}, {packages}."
    )


class Bench:
    """Films and models, made when first asked for."""

    def __init__(self, folder: Path, plan: Plan) -> None:
        self.folder, self.plan = folder, plan
        self._count = 0

    def films(self) -> Path:
        """Films of 640 x 640 px as JPEG; every tenth is a drawing of its own, the others a shade lighter."""
        out = self.folder / "films"
        if not out.exists():
            out.mkdir()
            for index in range(self.plan.films):
                if index % 10 == 0:
                    drawn = spine(index // 10, 640, 640)
                lighter = np.clip(drawn.astype(int) + index % 10, 0, 255).astype(np.uint8)
                PillowImage.fromarray(lighter).save(out / f"{index:03}.jpg", quality=92)
        return out

    def long_films(self, kind: str) -> Path:
        """Films of 4608 x 1920 px, as PNG or as DICOM in JPEG 2000."""
        out = self.folder / f"long-{kind}"
        if not out.exists():
            out.mkdir()
            drawn = spine(3, 4608, 1920)
            for index in range(self.plan.long_films):
                lighter = np.clip(drawn.astype(int) + index, 0, 255).astype(np.uint8)
                if kind == "png":
                    PillowImage.fromarray(lighter).save(out / f"{index:03}.png", compress_level=4)
                else:
                    write_j2k(lighter, out / f"{index:03}.dcm")
        return out

    def model(self, name: str) -> Path:
        """A shipped model that reads squares of 640 px in a single look, as ``yolo predict`` does."""
        from spinekit.models.weights import find_card
        from spinekit.schemas import load_yaml
        from spinekit.schemas.strict_yaml import dump_yaml

        out = self.folder / name
        if not out.exists():
            shutil.copytree(find_card(name).weights.parent, out)
            content: Any = load_yaml(out / "card.yaml")
            content |= {"canvas": {"height": 640, "width": 640}, "mirrored": False, "scales": [1.0]}
            for key in ("corners", "levels", "shift", "second"):  # the first network alone, as there
                content.pop(key, None)
            (out / "card.yaml").write_text(dump_yaml(content), encoding="utf-8")
        return out

    def spinekit(self, source: Path, model: str, *more: str) -> list[str]:
        """The command that reads with spinekit into a new folder."""
        self._count += 1
        out = self.folder / "out" / str(self._count)
        words = ("predict", source, "--model", self.model(model), "--out", out, *more)
        return [str(BIN / "spinekit"), *map(str, words)]

    def yolo(self, source: Path, model: str, task: str) -> list[str]:
        """The command that reads with Ultralytics, with the same least score and suppression."""
        weights = self.model(model) / "weights.pt"
        return [
            str(BIN / "yolo"), task, "predict", f"model={weights}", f"source={source}", "imgsz=640", "save=False",
            "conf=0.03", "iou=0.5", "agnostic_nms=True", "max_det=100", "device=cpu", "verbose=False",
        ]  # fmt: skip

    def pairs(self, first: Callable[[], list[str]], second: Callable[[], list[str]]) -> list[tuple[Run, Run]]:
        """Both commands in turn, so often as planned, after one of each that is not counted."""
        for command in (first(), second()):
            timed(command, self.folder)
        return [(timed(first(), self.folder), timed(second(), self.folder)) for _ in range(self.plan.repeats)]


def spine(seed: int, height: int, width: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
    from spinekit.phantoms import spine_ap

    return spine_ap(seed, height=height, width=width).pixels.astype(np.uint8)


def write_j2k(pixels: np.ndarray[Any, np.dtype[np.uint8]], path: Path) -> None:
    """A digital radiograph of 12 bits in 16, JPEG 2000 without loss."""
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.uid import ExplicitVRLittleEndian, JPEG2000Lossless, generate_uid

    item = Dataset()
    item.file_meta = FileMetaDataset()
    item.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    item.SOPClassUID = item.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.1.1"
    item.SOPInstanceUID = item.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    item.Modality, item.PhotometricInterpretation = "DX", "MONOCHROME2"
    item.Rows, item.Columns = pixels.shape
    item.SamplesPerPixel, item.BitsAllocated, item.BitsStored, item.HighBit = 1, 16, 12, 11
    item.PixelRepresentation = 0
    item.PixelSpacing = [0.15, 0.15]
    noise = np.random.default_rng(1).integers(0, 16, pixels.shape)
    item.PixelData = (pixels.astype(np.uint16) * 16 + noise).astype("<u2").tobytes()
    item.compress(JPEG2000Lossless, encoding_plugin="pylibjpeg")
    item.save_as(path, enforce_file_format=True)


def timed(command: Sequence[str], folder: Path) -> Run:
    """Runs a command to its end, both programs compiled to bytecode once, as installing them does."""
    inside = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    inside |= {"YOLO_OFFLINE": "1", "YOLO_AUTOINSTALL": "0", "YOLO_CONFIG_DIR": str(folder)}
    inside["PYTHONPYCACHEPREFIX"] = str(folder / "bytecode")
    started = time.perf_counter()
    child = subprocess.Popen(
        command, env=inside, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    assert child.stdout is not None
    said = child.stdout.read()
    _, status, used = os.wait4(child.pid, 0)
    wall = time.perf_counter() - started
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"{' '.join(command)}: ended with {child.returncode}\n{said.decode()[-2000:]}")
    return Run(wall, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


def compared(pairs: Sequence[tuple[Run, Run]], films: int) -> tuple[str, str, str]:
    """Cells of a table: what the first and the second took per film, and the median ratio with its range."""
    ratios = sorted(second.wall / first.wall for first, second in pairs)
    cells = [
        f"{median(run.wall for run in runs):.2f} s, {1000 * median(run.wall for run in runs) / films:.0f} ms a film, "
        f"{median(run.cpu for run in runs):.1f} s of processor, {max(run.memory for run in runs):.0f} MB"
        for runs in zip(*pairs, strict=True)
    ]
    span = f" [{ratios[0]:.2f}, {ratios[-1]:.2f}]" if len(ratios) > 1 else ""
    work = median(second.cpu / first.cpu for first, second in pairs)
    return cells[0], cells[1], f"**{median(ratios):.2f}**{span}, processor {work:.2f}"


HEAD = ("| what | spinekit | yolo predict | times as fast |", "| --- | --- | --- | --- |")
AIMS = {"pose": ("spine-ap-pose", "at least 2.1, aim 2.3"), "seg": ("spine-ap-seg", "at least 2.0, aim 2.5")}


def against_yolo(task: str) -> Callable[[Bench], list[str]]:
    def part(bench: Bench) -> list[str]:
        model, aim = AIMS[task]
        films = bench.films()
        pairs = bench.pairs(
            lambda: bench.spinekit(films, model, *BARE), lambda: bench.yolo(films, model, task_word(task))
        )
        ours, theirs, ratio = compared(pairs, bench.plan.films)
        title = f"{bench.plan.films} films of 640 px, {task}, f32 ({aim})"
        bare = median(run.wall for run, _ in pairs) / bench.plan.films
        net = forward_seconds(bench, model)
        return [
            *HEAD,
            f"| {title} | {ours} | {theirs} | {ratio} |",
            "",
            f"Pure forward pass of {task}: {1000 * net:.1f} ms a film, {net / bare:.0%} of the whole, which takes "
            f"{bare / net:.2f} times that.",
        ]

    return part


def task_word(task: str) -> str:
    return {"pose": "pose", "seg": "segment"}[task]


def forward_seconds(bench: Bench, model: str, precision: str = "f32") -> float:
    """Median of the bare network on a square of 640 px, in a process of its own."""
    words = [sys.executable, __file__, "--forward", str(bench.model(model)), precision]
    return float(subprocess.run(words, capture_output=True, text=True, check=True).stdout.split()[-1])


def forward(model: str, precision: str) -> None:
    from spinekit.models.computed import EngineChoice, open_network
    from spinekit.models.graph import first_network
    from spinekit.models.weights import find_card

    network = open_network(first_network(find_card(model)), EngineChoice(precision=precision))
    picture = spine(1, 640, 640)[None]
    taken = []
    for _ in range(60):
        started = time.perf_counter()
        network(picture)
        taken.append(time.perf_counter() - started)
    print(median(taken[10:]))


def steps(bench: Bench) -> list[str]:
    """What is added to the bare reading, each in turn with it."""
    films, model = bench.films(), AIMS["pose"][0]
    lines = ["| with | seconds | times the bare reading |", "| --- | --- | --- |"]
    for title, flags in (
        ("overlays and report (at most 1.6)", ("--no-refine",)),
        ("the second stage", ("--no-overlays", "--no-report")),
        ("one thread", (*BARE, "--threads", "1")),
        ("ONNX Runtime", (*BARE, "--engine", "onnx")),
        ("torch", (*BARE, "--engine", "torch")),
        ("bf16", (*BARE, "--precision", "bf16")),
    ):
        pairs = bench.pairs(
            lambda: bench.spinekit(films, model, *BARE),
            lambda flags=flags: bench.spinekit(films, model, *flags),
        )
        ratio = median(second.wall / first.wall for first, second in pairs)
        lines.append(f"| {title} | {median(second.wall for _, second in pairs):.2f} | {ratio:.2f} |")
    net, narrow = (forward_seconds(bench, model, precision) for precision in ("f32", "bf16"))
    lines += [
        "",
        f"Bare network in bf16: {1000 * narrow:.1f} ms a film, {net / narrow:.2f} times as fast as f32.",
    ]
    return lines


def long_films(bench: Bench) -> list[str]:
    model, count = AIMS["seg"][0], bench.plan.long_films
    png, dicom = bench.long_films("png"), bench.long_films("dicom")
    pairs = bench.pairs(lambda: bench.spinekit(png, model, *BARE), lambda: bench.yolo(png, model, "segment"))
    ours, theirs, ratio = compared(pairs, count)
    runs = [timed(bench.spinekit(dicom, model, *BARE), bench.folder) for _ in range(bench.plan.repeats)]
    alone = compared([(run, run) for run in runs], count)[0]
    return [
        *HEAD,
        f"| {count} films of 4608 x 1920 px, PNG, seg | {ours} | {theirs} | {ratio} |",
        f"| {count} films of 4608 x 1920 px, DICOM in JPEG 2000, seg | {alone} | cannot | |",
    ]


def cold(bench: Bench) -> list[str]:
    film, model = sorted(bench.films().iterdir())[0], AIMS["pose"][0]
    pairs = bench.pairs(lambda: bench.spinekit(film, model, *BARE), lambda: bench.yolo(film, model, "pose"))
    ours, theirs, ratio = compared(pairs, 1)
    helps = [timed([str(BIN / "spinekit"), "--help"], bench.folder) for _ in range(2 * bench.plan.repeats)]
    return [
        *HEAD,
        f"| 1 film of 640 px, pose (under 1.2 s) | {ours} | {theirs} | {ratio} |",
        "",
        f"`spinekit --help`: {median(run.wall for run in helps):.2f} s, {median(run.cpu for run in helps):.2f} s of "
        "processor (under 0.25 s).",
    ]


def masks(bench: Bench) -> list[str]:
    """24 bodies on a film of 4608 x 1920 px from perfect prototypes: what is left of them, and how long it takes."""
    from spinekit.core.outline import Outline, to_mask
    from spinekit.metrics.surfaces import mean_surface_distance, surface_distances
    from spinekit.models.canvas import Canvas, fit_film
    from spinekit.models.environment import load_library, use_threads
    from spinekit.models.masks import mask_outlines

    height, width = 4608, 1920
    fitted = fit_film(np.zeros((height, width), np.uint8), Canvas(640, 640))
    rows, columns = (side // 4 for side in fitted.pixels.shape)
    grid = np.stack(np.meshgrid(np.arange(columns), np.arange(rows)), axis=-1)
    film = fitted.to_film((grid + 0.5) * 4)
    rng = np.random.default_rng(2)
    shapes, logits, boxes = [], [], []
    for index in range(24):
        centre = np.array([960 + 200 * np.sin(index / 5), 140 + 188 * index])
        half, turn = np.array([rng.uniform(90, 160), 70.0]), rng.uniform(-0.3, 0.3)
        way = np.linspace(0, 2 * np.pi, 200, endpoint=False)
        round_ = np.stack([np.cos(way), np.sin(way)], axis=1)
        square = np.sign(round_) * np.abs(round_) ** 0.4 * half  # a rounded body
        turned = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
        ring = square @ turned.T + centre
        shapes.append(Outline((ring,)))
        away = np.abs((film - centre) @ turned) / half
        logits.append(((1 - (away**5).sum(axis=-1) ** 0.2) * 40).astype(np.float32))
        boxes.append(np.concatenate([ring.min(axis=0) - 6, ring.max(axis=0) + 6]))
    prototypes, parts = np.stack(logits), np.eye(24, dtype=np.float32)
    use_threads(None)
    taken, found = [], []
    for _ in range(3 if bench.plan is QUICK else 15):
        started = time.perf_counter()
        found = list(mask_outlines(parts, prototypes, np.array(boxes), fitted, height, width))
        taken.append(time.perf_counter() - started)
    load_library()
    import torch
    from ultralytics.utils.ops import process_mask_native

    def retina() -> torch.Tensor:
        corners = np.array(boxes, dtype=np.float32)
        return process_mask_native(
            torch.from_numpy(prototypes), torch.from_numpy(parts), torch.from_numpy(corners), (height, width)
        )

    others = []
    for _ in range(1 if bench.plan is QUICK else 5):
        started = time.perf_counter()
        dense = retina()
        others.append(time.perf_counter() - started)
    errors: list[list[float]] = [[], []]
    for shape, ours, theirs in zip(shapes, found, dense.numpy().astype(bool), strict=True):
        box = np.array(shape.box)
        (left, top), (right, bottom) = (
            np.floor(box[:2] - 40).astype(int).clip(0),
            np.ceil(box[2:] + 40).astype(int),
        )
        truth, mine = (to_mask(one, height, width)[top:bottom, left:right] for one in (shape, ours))
        for held, mask in zip(errors, (mine, theirs[top:bottom, left:right]), strict=True):
            held.append(mean_surface_distance(surface_distances(truth, mask)))
    return [
        "| 24 masks on a film of 4608 x 1920 px | spinekit | retina masks |",
        "| --- | --- | --- |",
        f"| time (under 30 ms) | {1000 * median(taken):.1f} ms, outlines | {1000 * median(others):.0f} ms, dense |",
        f"| distance of the border (ASSD) | {np.mean(errors[0]):.2f} px | {np.mean(errors[1]):.2f} px |",
    ]


PARTS: dict[str, Callable[[Bench], list[str]]] = {
    "pose": against_yolo("pose"),
    "seg": against_yolo("seg"),
    "steps": steps,
    "long": long_films,
    "cold": cold,
    "masks": masks,
}

if __name__ == "__main__":
    main()
