"""ONNX Runtime: everywhere, and quick to start."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from spinekit.models.engines.plugin import Computing, Engine, Float32Array, Run
from spinekit.models.graph import Graph


def open_graph(graph: Graph, computing: Computing) -> Run:
    """A session on the processor, in single precision."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = computing.threads
    options.log_severity_level = 3
    # Threads that wait by spinning take the cores from the decoding of the next film.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    session = onnxruntime.InferenceSession(graph.onnx, options, providers=["CPUExecutionProvider"])

    def run(pixels: npt.NDArray[np.uint8]) -> tuple[Float32Array, ...]:
        return tuple(session.run(None, {"image": pixels}))

    return run


ENGINE = Engine(
    name="onnx",
    title="ONNX Runtime",
    package="onnxruntime",
    order=20,
    precisions=("f32",),
    open_graph=open_graph,
)
