"""Forward passes in bfloat16. Imported late."""

from __future__ import annotations

from typing import Any


def unwrapped(model: Any) -> Any:
    """The network inside a wrapper for several devices, or itself."""
    from ultralytics.utils.torch_utils import unwrap_model

    return unwrap_model(model)


def compute_in_bf16(model: Any) -> None:
    """Runs a network's forward pass in bfloat16, about twice as fast on processors that have it.

    The library offers this on GPUs only. Hooks around the whole pass do it on any device; the averaged copy
    that is validated and saved was made before them and stays in single precision. The head's outputs are
    widened before the loss: that adds anchors of up to a hundred cells to them in place, and bfloat16 steps
    by half a cell there, which is several pixels.
    """
    import torch

    def widen(output: Any) -> Any:
        if isinstance(output, torch.Tensor):
            return output.float() if output.dtype == torch.bfloat16 else output
        if isinstance(output, dict):
            return {key: widen(value) for key, value in output.items()}
        if isinstance(output, (list, tuple)):
            return type(output)(widen(value) for value in output)
        return output

    entered: list[Any] = []

    def enter(module: Any, _inputs: Any) -> None:
        device = next(module.parameters()).device.type
        context = torch.autocast(device, dtype=torch.bfloat16)
        context.__enter__()
        entered.append(context)

    def leave(_module: Any, _inputs: Any, _output: Any) -> None:
        entered.pop().__exit__(None, None, None)

    head = unwrapped(model).model[-1]
    head.register_forward_hook(lambda _module, _inputs, output: widen(output))
    model.register_forward_pre_hook(enter)
    model.register_forward_hook(leave, always_call=True)
