"""CUDA graphs: a step that is captured once and replayed with one call.

A small network's step is hundreds of short kernels, and starting each of them takes the processor
longer than the device needs for it.
"""

from collections.abc import Callable

import torch
from torch import Tensor


class CudaGraph:
    """CUDA graph of a function of named tensors whose shapes never change.

    The function is captured while it works on copies of the tensors on the device. warm_up: run it
    once before, so that it can check values, which is impossible during the capture. Its only side
    effect may be gradients that it makes itself. It returns the same tensor at each call.
    """

    def __init__(
        self,
        function: Callable[[dict[str, Tensor]], Tensor | None],
        inputs: dict[str, Tensor],
        device: torch.device,
        warm_up: bool = False,
    ) -> None:
        self.inputs = {name: tensor.to(device, copy=True) for name, tensor in inputs.items()}
        stream = torch.cuda.Stream(device)
        stream.wait_stream(torch.cuda.current_stream(device))
        if warm_up:
            with torch.cuda.stream(stream):
                function(self.inputs)
            stream.synchronize()
        self.graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self.graph, stream=stream, capture_error_mode="thread_local"):
            self.output = function(self.inputs)
        torch.cuda.current_stream(device).wait_stream(stream)

    def __call__(self, inputs: dict[str, Tensor]) -> Tensor | None:
        for name, tensor in inputs.items():
            self.inputs[name].copy_(tensor)
        self.graph.replay()
        return self.output
