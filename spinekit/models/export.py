"""Networks in formats that other programs run: ONNX and OpenVINO, each compared with the network that it came from.

Every network of a model is exported by itself, the first look and what stands beside it; what they are fed with and
what becomes of their answers stays the work of spinekit, and the notes written beside them say it.
"""

from __future__ import annotations

import contextlib
import importlib.util
import io
import logging
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from spinekit.core.errors import EnvironmentFaultError, UsageError
from spinekit.files import atomic_path
from spinekit.models.environment import load_library, load_openvino
from spinekit.models.weights import UNET, ModelCard, check_weights

Array = npt.NDArray[np.float32]

FORMATS = {"onnx": ("onnx", "onnxruntime"), "openvino": ("onnx", "openvino")}
SUFFIXES = {"onnx": ".onnx", "openvino": ".xml"}
_OPSET = 17


@dataclass(frozen=True, slots=True)
class Exported:
    """One network in its new format.

    Attributes:
        path: The file.
        shape: Of its input.
        outputs: Shapes of its outputs.
        difference: Largest difference of any output from the network that it came from, on the same input.
        scale: Largest size of any output, to judge the difference by.
    """

    path: Path
    shape: tuple[int, ...]
    outputs: tuple[tuple[int, ...], ...]
    difference: float
    scale: float

    @property
    def agrees(self) -> bool:
        """Whether the difference is what single precision makes: a two-thousandth of the answers' size."""
        return self.difference <= 5e-4 * max(1.0, self.scale)


def check_packages(form: str) -> None:
    """Refuses a format whose packages are not installed.

    Raises:
        UsageError: If there is no such format.
        EnvironmentFaultError: Saying what to install.
    """
    if form not in FORMATS:
        raise UsageError(f"--format {form}: not known -- choose of {', '.join(FORMATS)}")
    lacking = [name for name in FORMATS[form] if importlib.util.find_spec(name) is None]
    if lacking:
        # What ONNX needs comes with spinekit; OpenVINO is an extra.
        mend = "pip install 'spinekit[openvino]'" if "openvino" in lacking else "reinstall spinekit"
        raise EnvironmentFaultError(
            f"--format {form}: needs {' and '.join(lacking)}, not installed -- {mend}"
        )


def export_model(card: ModelCard, form: str, out: Path) -> list[Exported]:
    """Exports every network of a model and compares each with what it came from.

    Args:
        card: Which model.
        form: ``onnx`` or ``openvino``.
        out: Folder for the files.

    Returns:
        The first look, then what stands beside it, in the order in which they are used.

    Raises:
        EnvironmentFaultError: If packages are missing, or weights are not what their card says.
    """
    check_packages(form)
    check_weights(card)
    load_library()
    out.mkdir(parents=True, exist_ok=True)
    return [_one(name, net, example, form, out) for name, net, example in _networks(card)]


def _networks(card: ModelCard) -> list[tuple[str, Any, Array]]:
    """Name, network and an input of each network of a model."""
    rng = np.random.default_rng(1)
    rows, columns = card.canvas.height, card.canvas.width
    found: list[tuple[str, Any, Array]] = []
    if card.architecture == UNET:
        from spinekit.models.unet import load_unet

        # Film-like: smooth, so that no answer hangs on noise.
        found.append(("weights", load_unet(card.weights), _smooth(rng, (1, 1, rows, columns)) * 2 - 1))
    else:
        from spinekit.models.ultralytics_weights import load_yolo

        net = load_yolo(card).model.float().eval().fuse(verbose=False)
        for layer in net.modules():
            if hasattr(layer, "export"):
                layer.export = True  # answers alone, without what the loss needs
                layer.format = "onnx"
        found.append(("weights", net, _smooth(rng, (1, 3, rows, columns))))
    for close in card.close:
        from spinekit.models.close_net import load_close

        close_net, settings = load_close(close.path)
        shape = (1, len(settings.views), settings.side, settings.side)
        found.append((close.path.stem, close_net, _smooth(rng, shape) * 2 - 1))
    if card.levels is not None:
        from spinekit.models.level_net import load_levels

        level_net, levels = load_levels(card.levels.path)
        shape = (1, len(levels.view.views), levels.view.side, levels.view.side)
        found.append((card.levels.path.stem, level_net, _smooth(rng, shape) * 2 - 1))
    if card.shift is not None:
        from spinekit.models.shift_net import load_shift
        from spinekit.models.straight import ROWS

        shift_net, shift = load_shift(card.shift.path)
        strip = (1, 2, ROWS * shift.view.bodies, shift.view.columns)
        found.append((card.shift.path.stem, shift_net, (_smooth(rng, strip) * 255).round()))
    return found


def _smooth(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Soft blobs between 0 and 1."""
    import cv2

    small = rng.random((shape[0] * shape[1], 8, 8)).astype(np.float32)
    planes = [cv2.resize(plane, (shape[3], shape[2]), interpolation=cv2.INTER_CUBIC) for plane in small]
    return np.asarray(np.clip(np.stack(planes), 0, 1).reshape(shape), dtype=np.float32)


def _one(name: str, net: Any, example: Array, form: str, out: Path) -> Exported:
    """Exports one network and runs it beside the old one."""
    path = out / f"{name}{SUFFIXES[form]}"
    if form == "onnx":
        _write_onnx(net, example, path)
        run = _onnx_runner(path)
    else:
        between = out / f".{name}.onnx"
        try:
            _write_onnx(net, example, between)
            run = _write_openvino(between, path)
        finally:
            between.unlink(missing_ok=True)
    expected = _answers(net, example)
    found = run(example)
    if [a.shape for a in expected] != [a.shape for a in found]:
        raise EnvironmentFaultError(
            f"{path}: answers {[a.shape for a in found]}, the network it came from {[a.shape for a in expected]} -- "
            "report this with the versions of the packages"
        )
    difference = max(float(np.abs(a - b).max()) for a, b in zip(expected, found, strict=True))
    scale = max(float(np.abs(a).max()) for a in expected)
    return Exported(path, example.shape, tuple(a.shape for a in expected), difference, scale)


def _answers(net: Any, example: Array) -> list[Array]:
    import torch

    with torch.inference_mode():
        return [tensor.float().numpy() for tensor in _flat(net(torch.from_numpy(example)))]


def _flat(output: Any) -> list[Any]:
    """The tensors of an answer, in order, however they are nested."""
    if isinstance(output, (list, tuple)):
        return [tensor for item in output for tensor in _flat(item)]
    return [output]


def _write_onnx(net: Any, example: Array, path: Path) -> None:
    """By torch's own exporter, which says much that is of no use to anybody here."""
    import torch

    # The new exporter needs a further package; the old one knows all that these networks are made of.
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with (
        atomic_path(path) as temporary,
        warnings.catch_warnings(),
        contextlib.redirect_stdout(io.StringIO()),
        torch.inference_mode(),
    ):
        warnings.simplefilter("ignore")
        torch.onnx.export(
            net, (torch.from_numpy(example),), str(temporary),
            input_names=["image"], opset_version=_OPSET, dynamo=False, do_constant_folding=True,
        )  # fmt: skip


def _onnx_runner(path: Path) -> Callable[[Array], list[Array]]:
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return lambda example: [np.asarray(answer) for answer in session.run(None, {"image": example})]


def _write_openvino(source: Path, path: Path) -> Callable[[Array], list[Array]]:
    """Written in single precision, and run so: bfloat16, which OpenVINO may choose, moves points by a pixel."""
    openvino = load_openvino()
    model = openvino.convert_model(str(source))
    openvino.save_model(model, str(path), compress_to_fp16=False)
    compiled = openvino.Core().compile_model(str(path), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    return lambda example: [np.asarray(compiled([example])[port]) for port in compiled.outputs]
