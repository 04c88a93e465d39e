"""One forward pass and non-maximum suppression by Ultralytics, with the parts that its results leave out.

Imported late, after `spinekit.models.environment.load_library`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from ultralytics.utils.nms import non_max_suppression

from spinekit.models.raw import RawDetections

_MAX_DETECTIONS = 100
_NMS_SECONDS = 60.0  # the library's own limit drops detections on a slow machine


class PixelNetwork:
    """A semantic network, fused and in single precision.

    Args:
        model: A ``YOLO`` object.
        device: As torch names it.
    """

    def __init__(self, model: Any, device: str = "cpu") -> None:
        self._device = torch.device(device)
        self._net = model.model.float().to(self._device).eval().fuse(verbose=False)

    @torch.inference_mode()
    def __call__(self, pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """Class probabilities of a batch of tiles.

        Args:
            pixels: (B, H, W, 3) uint8.

        Returns:
            (B, C, h, w) at the network's own resolution.
        """
        tensor = torch.from_numpy(np.ascontiguousarray(pixels.transpose(0, 3, 1, 2)))
        output = self._net(tensor.to(self._device).float() / 255.0)
        logits = output[0] if isinstance(output, (tuple, list)) else output
        found: npt.NDArray[np.float32] = logits.float().softmax(dim=1).cpu().numpy()
        return found


class Network:
    """A pose, mask or box network, fused and in single precision.

    Args:
        model: A ``YOLO`` object.
        device: As torch names it.
    """

    def __init__(self, model: Any, device: str = "cpu") -> None:
        self._task: str = model.task
        self._device = torch.device(device)
        net = model.model.float().to(self._device).eval()
        self._net = net.fuse(verbose=False)
        self._classes = len(model.names)
        self._points = int(net.kpt_shape[0]) if self._task == "pose" else 0

    @torch.inference_mode()
    def __call__(self, pixels: npt.NDArray[np.uint8], score: float, overlap: float) -> RawDetections:
        """Detections on a canvas.

        Args:
            pixels: (H, W, 3) uint8, multiples of 32.
            score: Least score.
            overlap: Class-agnostic suppression above this intersection over union.
        """
        tensor = torch.from_numpy(np.ascontiguousarray(pixels.transpose(2, 0, 1))[None])
        output = self._net(tensor.to(self._device).float() / 255.0)
        scores, proto = (output[0], output[1]) if isinstance(output, (tuple, list)) else (output, None)
        if isinstance(scores, (tuple, list)):  # mask networks nest their prototypes
            scores, proto = scores
        found, rows = non_max_suppression(
            scores, score, overlap, agnostic=True, max_det=_MAX_DETECTIONS, nc=self._classes,
            max_time_img=_NMS_SECONDS, return_idxs=True,
        )  # fmt: skip
        kept = found[0]
        of_class = scores[0, 4 : 4 + self._classes, rows[0].flatten().long()]
        shares = of_class.T.double().cpu().numpy().reshape(-1, self._classes)
        boxes = kept[:, :4].double().cpu().numpy()
        certainty, labels = kept[:, 4].double().cpu().numpy(), kept[:, 5].long().cpu().numpy()
        if self._task == "pose":
            # Named, not -1: a film on which nothing is found leaves no rows to divide by.
            values = (kept.shape[1] - 6) // self._points
            points = kept[:, 6:].reshape(len(kept), self._points, values).double().cpu().numpy()
            return RawDetections(boxes, certainty, labels, shares, points=points)
        if self._task == "detect":
            return RawDetections(boxes, certainty, labels, shares)
        if isinstance(proto, (tuple, list)):
            proto = proto[-1]
        assert proto is not None, "a mask network gives prototypes"
        channels = proto[0]
        logits = (kept[:, 6:] @ channels.flatten(1)).reshape(-1, *channels.shape[1:])
        return RawDetections(boxes, certainty, labels, shares, logits=logits.float().cpu().numpy())
