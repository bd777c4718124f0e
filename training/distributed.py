"""Data-parallel training in several processes, as torchrun starts them.

A single process is the case of one.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, distributed


class ProcessLostError(Exception):
    """Another process of the run has ended, or was never found.

    One sentence that says what to do.
    """


@dataclass(frozen=True)
class Processes:
    """This process among those of a run.

    rank: which one, from 0; count: of how many; local_*: the same on this machine. Only rank 0
    writes files and shows progress.
    """

    rank: int = 0
    count: int = 1
    local_rank: int = 0
    local_count: int = 1

    def share(self, total: int) -> slice:
        """This process's part of `total` examples.

        The parts cover all of them and differ by one at most.
        """
        return slice(total * self.rank // self.count, total * (self.rank + 1) // self.count)

    def all_reduce(self, values: Tensor) -> Tensor:
        """The sum over all processes, with the same bits in each. Raises ProcessLostError."""
        if self.count > 1:
            with self.collective():
                distributed.all_reduce(values)
        return values

    def logical_or(self, value: bool) -> bool:
        """Logical or of a value over all processes.

        All get the same answer, so they can stop after the same step.
        """
        return (
            value
            if self.count == 1
            else bool(self.all_reduce(torch.tensor(float(value), device=_device())))
        )

    @contextmanager
    def collective(self) -> Iterator[None]:
        """A context for collective operations: the loss of a process is a ProcessLostError.

        PyTorch itself raises errors of several kinds.
        """
        try:
            yield
        except torch.OutOfMemoryError:
            raise
        except RuntimeError as error:
            if self.count == 1:
                raise
            raise ProcessLostError(
                "another process of this run has ended and may have said why; a run that had "
                f"begun goes on when all are started again with --resume ({_first_line(error)})"
            ) from error

    def barrier(self) -> None:
        """A barrier: wait until all processes are here. Raises ProcessLostError."""
        if self.count > 1:
            with self.collective():
                distributed.barrier()


SINGLE_PROCESS = Processes()


def current_process() -> Processes:
    """This process's ranks, from torchrun's environment."""
    return Processes(
        *(
            int(os.environ.get(name, default))
            for name, default in (
                ("RANK", "0"),
                ("WORLD_SIZE", "1"),
                ("LOCAL_RANK", "0"),
                ("LOCAL_WORLD_SIZE", "1"),
            )
        )
    )


@contextmanager
def process_group(device: torch.device) -> Iterator[Processes]:
    """Join the other processes, if there are any: by NCCL between GPUs, by gloo elsewhere."""
    processes = current_process()
    if processes.count == 1:
        yield processes
        return
    if device.type == "cuda":
        torch.cuda.set_device(device)
    try:
        distributed.init_process_group("nccl" if device.type == "cuda" else "gloo")
    except RuntimeError as error:
        raise ProcessLostError(
            f"the processes of this run could not find each other ({_first_line(error)}); "
            "start them with torchrun, with another --master-port if this one is taken"
        ) from error
    try:
        yield processes
    finally:
        distributed.destroy_process_group()


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__


def _device() -> torch.device:
    return torch.device("cuda" if distributed.get_backend() == "nccl" else "cpu")
