"""OpenVINO: the fastest on processors of Intel and AMD."""

from __future__ import annotations

import contextlib
import io
import threading
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Any

import numpy as np
import numpy.typing as npt

from spinekit.models.compiled_store import keep_network, kept_network
from spinekit.models.engines.plugin import Computing, Engine, Float32Array, Run
from spinekit.models.environment import load_openvino, processor
from spinekit.models.graph import Graph

_KEPT = 16  # compiled shapes, some 45 MB each; films of one kind differ in width by a few strides


def open_graph(graph: Graph, computing: Computing) -> Run:
    """A network compiled for the processor, for each shape of a batch that it meets.

    The precision is always stated: left to itself OpenVINO takes bfloat16 where the processor has it, which moves
    points by up to a pixel. Answers are the same to the last bit however threads are shared among films.
    """
    openvino = load_openvino()
    core = openvino.Core()
    settings = {
        "INFERENCE_PRECISION_HINT": computing.precision,
        "INFERENCE_NUM_THREADS": computing.threads,
        "NUM_STREAMS": computing.at_once,
        "ENABLE_CPU_PINNING": False,  # a core may be busy with naming and measuring
    }
    made_by = f"openvino {openvino.__version__} {computing.precision} on {processor()}"

    def compiled(shape: tuple[int, ...]) -> Any:
        """The network for one shape, from the cache where it is kept."""
        what = f"{made_by} for {shape}"
        kept = kept_network(graph.key, what)
        if kept is not None:
            with contextlib.suppress(RuntimeError):  # what cannot be read back is compiled anew
                return core.import_model(io.BytesIO(kept), "CPU", settings)
        model = core.read_model(io.BytesIO(graph.onnx))
        model.reshape(list(shape))
        made = core.compile_model(model, "CPU", settings)
        stream = io.BytesIO()
        made.export_model(stream)
        keep_network(graph.key, what, stream.getvalue())
        return made

    ready: dict[tuple[int, ...], SimpleQueue[_Request]] = {}
    compiling = threading.Lock()

    def requests(shape: tuple[int, ...]) -> SimpleQueue[_Request]:
        """Those that are free to compute pictures of a shape, as many as there are films at once."""
        with compiling:
            if shape not in ready:
                if len(ready) == _KEPT:
                    ready.pop(next(iter(ready)))
                network = compiled(shape)
                ready[shape] = SimpleQueue()
                for _ in range(computing.at_once):
                    ready[shape].put(_request(network, warm=computing.at_once > 1))
            # The one used last goes to the end, so that the one longest unused is dropped first.
            ready[shape] = ready.pop(shape)
            return ready[shape]

    def run(pixels: npt.NDArray[np.uint8]) -> tuple[Float32Array, ...]:
        free = requests(pixels.shape)
        one = free.get()
        try:
            return one.answers(pixels)
        finally:
            free.put(one)

    return run


@dataclass(frozen=True, slots=True, eq=False)
class _Request:
    """A run of a network with memory of its own, into which pictures are copied.

    While networks compute, OpenVINO is only told to begin and waited for: to ask it for a tensor, or to hand it a
    picture's own memory, takes Python's lock and a lock of the network together, and two threads doing so can wait
    for each other for ever.

    Attributes:
        infer: The library's request.
        given: Its input.
        answered: Its outputs.
    """

    infer: Any
    given: npt.NDArray[np.uint8]
    answered: tuple[Float32Array, ...]

    def answers(self, pixels: npt.NDArray[np.uint8]) -> tuple[Float32Array, ...]:
        """The network's answers to a batch of pictures, which are not overwritten by the next."""
        np.copyto(self.given, pixels)
        self.infer.start_async()
        self.infer.wait()
        return tuple(answer.copy() for answer in self.answered)


def _request(network: Any, warm: bool) -> _Request:
    """A request; a warm one has computed once, so that all it needs has been made before several compute at once."""
    infer = network.create_infer_request()
    given = infer.get_input_tensor(0).data
    if warm:
        given[...] = 0
        infer.start_async()
        infer.wait()
    outputs = range(len(infer.model_outputs))
    return _Request(infer, given, tuple(infer.get_output_tensor(index).data for index in outputs))


ENGINE = Engine(
    name="openvino",
    title="OpenVINO",
    package="openvino",
    order=10,
    precisions=("f32", "bf16"),
    open_graph=open_graph,
    several=True,
)
