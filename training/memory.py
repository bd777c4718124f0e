"""Memory of a process that repeats the same step."""

from vae import allocator


def keep_freed_memory() -> None:
    """Let the allocator keep what a step frees for the next one.

    Otherwise every large tensor is new memory from the system, which has to clear it page by page:
    thousands of times a step, a sixth of the time of training on a CPU (training/EXPERIMENTS.md).
    The process stays as large as its largest step.
    """
    allocator.configure(trim_threshold=2**31 - 1, mmap_threshold=2**30)
