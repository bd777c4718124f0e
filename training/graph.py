"""CUDA graphs: a step that is recorded once and replayed with one call.

A small network's step is hundreds of short kernels, and starting each of them takes the processor
longer than the device needs for it.
"""

from collections.abc import Callable

import torch
from torch import Tensor


class Recorded:
    """CUDA graph of a function of named tensors whose shapes never change.

    It is recorded while it works on copies of the tensors on the device. rehearsed: it runs once as
    usual before, so that what can only be looked at then is looked at. It may leave nothing behind
    but gradients of its own making. What it returns is the same tensor at each call.
    """

    def __init__(
        self,
        function: Callable[[dict[str, Tensor]], Tensor | None],
        inputs: dict[str, Tensor],
        device: torch.device,
        rehearsed: bool = False,
    ) -> None:
        self.inputs = {name: each.to(device, copy=True) for name, each in inputs.items()}
        stream = torch.cuda.Stream(device)
        stream.wait_stream(torch.cuda.current_stream(device))
        if rehearsed:
            with torch.cuda.stream(stream):
                function(self.inputs)
            stream.synchronize()
        self.graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self.graph, stream=stream, capture_error_mode="thread_local"):
            self.output = function(self.inputs)
        torch.cuda.current_stream(device).wait_stream(stream)

    def __call__(self, inputs: dict[str, Tensor]) -> Tensor | None:
        for name, given in inputs.items():
            self.inputs[name].copy_(given)
        self.graph.replay()
        return self.output
