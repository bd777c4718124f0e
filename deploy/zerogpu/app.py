"""A Gradio Space on ZeroGPU hardware, the free kind.

The models are small: a processor answers in tens of milliseconds, and a class does not use up its
daily minutes of GPU. So nothing of ours runs on one. But ZeroGPU starts a Space only where at least
one function asks for a GPU.
"""

try:
    import spaces  # before torch, or CUDA would be set up outside of ZeroGPU's control
except ImportError:  # not on a Space
    spaces = None

from gradio_app import demo

if spaces is not None:

    @spaces.GPU(duration=5)
    def gpu_name() -> str:
        """What a GPU of this Space would be called. Asked for by nobody; see above."""
        import torch

        return torch.cuda.get_device_name()


if __name__ == "__main__":
    demo.launch()
