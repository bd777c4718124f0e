"""A Gradio Space on ZeroGPU hardware, the free kind.

The models are small: a processor answers in tens of milliseconds, and a class does not use up its
daily minutes of GPU. So none of this code runs on a GPU. But ZeroGPU starts a Space only where at
least one function asks for one.
"""

try:
    import spaces  # before torch, or CUDA would be set up outside of ZeroGPU's control
except ImportError:  # not on a Space
    spaces = None

from gradio_app import demo

if spaces is not None:

    @spaces.GPU(duration=5)
    def gpu_name() -> str:
        """The name of this Space's GPU. Never called: ZeroGPU needs such a function."""
        import torch

        return torch.cuda.get_device_name()


if __name__ == "__main__":
    demo.launch()
