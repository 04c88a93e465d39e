"""Makes graphs of networks by torch's exporter. Imported late: it brings torch and Ultralytics."""

from __future__ import annotations

import contextlib
import io
import logging
import warnings

import torch

from spinekit.models.environment import load_library
from spinekit.models.graph import Graph, NetworkFile
from spinekit.models.graph_store import OPSET
from spinekit.models.networks import Loaded, answers_of, load, made_pictures

_NAMES = "bhwd"


def make_graph(network: NetworkFile, key: str) -> Graph:
    """Exports a network and notes what torch answers to a made picture of another size than it was exported by.

    Args:
        network: Which.
        key: Of the graph to be.

    Raises:
        EnvironmentFaultError: If the weights are of another kind than they should be.
    """
    load_library()  # some of our own networks are built of the library's parts, so its doors are shut first
    loaded = load(network)
    example = made_pictures(loaded.tried)
    return Graph(_onnx(loaded), loaded.facts, example, answers_of(loaded, example), key)


def _onnx(loaded: Loaded) -> bytes:
    """By torch's old exporter: the new one needs a further package, and these networks need nothing of it."""
    stream = io.BytesIO()
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with (
        warnings.catch_warnings(),
        contextlib.redirect_stdout(io.StringIO()),  # it says much that is of no use to anybody here
        torch.inference_mode(),
    ):
        warnings.simplefilter("ignore")
        torch.onnx.export(
            loaded.module, (torch.from_numpy(made_pictures(loaded.traced)),), stream,
            input_names=["image"], opset_version=OPSET, dynamo=False, do_constant_folding=True,
            dynamic_axes={"image": {axis: _NAMES[axis] for axis in loaded.free}},
        )  # fmt: skip
    return stream.getvalue()
