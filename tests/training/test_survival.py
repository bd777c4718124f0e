"""A run survives kill -9 at any moment, and the loss of a process.

It can be resumed with another number of processes.
"""

import contextlib
import io
import itertools
import json
import os
import random
import signal
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from pathlib import Path

import psutil
import pytest
import torch
from torch import distributed

import vae
from tests.conftest import interrupt, striped_digits, tiny_config, write_idx
from tests.processes import HANGING, SLACK, Process, started
from tests.training.held import FORKS, in_fork, main
from tests.training.tiny import TINY
from training import loop, train
from training.checkpoint import read
from training.distributed import Processes, ProcessLostError
from training.interruption import EXIT_CODE, Interruption
from training.loop import Trainer, draw_betas
from training.settings import Settings
from vae.likelihood import observe
from vae.noise import seeded, standard_normal

ROOT = Path(__file__).parents[2]
RUN = [
    *TINY,
    "--epochs",
    "4",
    "--warmup-steps",
    "10",
    "--checkpoint-seconds",
    "0",
    "--precision",
    "float32",
]
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1"}
CPU = torch.device("cpu")
STEPS, HELD_AT = 40, 25  # of a run

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has no kill -9")


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    write_idx(folder / "bars", train=500)
    return folder


@dataclass(frozen=True)
class Run:
    """A run in processes of its own.

    hold: the file that holds it at step HELD_AT. told: what it prints.
    """

    processes: list[BaseProcess]
    hold: Path
    told: Path

    def message(self) -> str:
        return self.told.read_text()

    def held(self) -> bool:
        """Whether all its processes are."""
        ranks = range(len(self.processes))
        return all(self.hold.with_suffix(f".{rank}").exists() for rank in ranks)

    def await_hold(self) -> None:
        while not self.held():
            assert all(process.exitcode is None for process in self.processes), self.message()
            time.sleep(0.01)

    def signal(self, number: int) -> None:
        """Send a signal to all its processes, as a terminal does, or torchrun."""
        for process in self.processes:
            os.kill(process.pid, number)

    def wait(self) -> list[int | None]:
        """The exit codes of its processes, once they have ended."""
        for process in self.processes:
            process.join(HANGING)
        return [process.exitcode for process in self.processes]


@pytest.fixture
def fork(tmp_path) -> Iterator[Callable[..., Run]]:
    """Call a function in processes of their own that know of each other, as torchrun's do.

    Held at step HELD_AT or not.
    """
    numbers, begun, meetings = itertools.count(), [], []

    def fork(
        function: Callable[..., object], *arguments: object, processes: int = 1, held: bool = False
    ) -> Run:
        number = next(numbers)
        hold, told = tmp_path / f"run {number}.hold", tmp_path / f"run {number}.txt"
        told.touch()
        if held:
            hold.touch()
        environment = {"HOLD_AT": str(HELD_AT), "HOLD_FILE": str(hold), "LOG_EVERY": "10"}
        if processes > 1:
            meeting = distributed.TCPStore("127.0.0.1", 0, is_master=True, wait_for_workers=False)
            meetings.append(meeting)
            environment |= {
                "TORCHELASTIC_USE_AGENT_STORE": "True",
                "MASTER_ADDR": "127.0.0.1",
                "MASTER_PORT": str(meeting.port),
                "WORLD_SIZE": str(processes),
                "LOCAL_WORLD_SIZE": str(processes),
            }
        for rank in range(processes):
            ranked = environment | {"RANK": str(rank), "LOCAL_RANK": str(rank)}
            begun.append(
                FORKS.Process(
                    target=in_fork, args=(function, told, ranked, *arguments), daemon=True
                )
            )
            begun[-1].start()
        return Run(begun[-processes:], hold, told)

    yield fork
    for process in begun:
        process.kill()
        process.join(SLACK)


@pytest.fixture
def start(fork, data_dir) -> Callable[..., Run]:
    """Begin a run in a folder, with more options, in one process or several, held or not."""

    def start(run_dir: Path, *more: str, **how) -> Run:
        return fork(main, command(data_dir, run_dir, *more), **how)

    return start


def command(data_dir: Path, run_dir: Path, *more: str) -> list[str]:
    return [*RUN, "--data-dir", str(data_dir), "--run-dir", str(run_dir), *more]


def step_of(run_dir: Path) -> int:
    """The step of a run's checkpoint."""
    return read(run_dir / "checkpoint.safetensors").state.step


def weights(run_dir: Path) -> bytes:
    return (run_dir / "weights" / "model.safetensors").read_bytes()


@pytest.fixture
def short_lines(monkeypatch) -> None:
    """A line of the log every ten steps in this process too."""
    monkeypatch.setattr(train, "LOG_EVERY", 10)
    monkeypatch.setattr(loop, "LOG_EVERY", 10)


@pytest.mark.parametrize("kills", [1, pytest.param(5, marks=pytest.mark.weekly)])
def test_kill_9_at_random_moments_changes_no_bit_of_the_final_weights(
    start, tmp_path, data_dir, short_lines, kills
):
    """A checkpoint after every step, so that many of the kills fall into the writing of one."""
    rarely = ("--checkpoint-seconds", "60")
    assert train.main(command(data_dir, tmp_path / "whole", *rarely)) == 0
    seed = time.time_ns()
    moment = random.Random(seed)
    killed, resume, before = tmp_path / "killed", [], 0
    for _ in range(kills):
        run = start(killed, *resume, held=True)
        while not run.held() and (
            not (killed / "checkpoint.safetensors").exists() or step_of(killed) <= before
        ):
            assert run.processes[0].exitcode is None, run.message()
            time.sleep(0.005)
        time.sleep(moment.uniform(0, 0.3))
        run.signal(signal.SIGKILL)
        assert run.wait() == [-signal.SIGKILL]
        assert step_of(killed) >= before
        resume, before = ["--resume"], step_of(killed)
    assert 0 < before <= HELD_AT
    assert train.main(command(data_dir, killed, *rarely, "--resume")) == 0
    assert weights(killed) == weights(tmp_path / "whole"), f"seed {seed}"
    steps = [json.loads(line)["step"] for line in (killed / "log.jsonl").read_text().splitlines()]
    assert steps == [10, 20, 30, 40]


def test_a_run_keeps_others_out_of_its_folder_until_it_is_killed(
    start, tmp_path, data_dir, capsys, short_lines
):
    run = tmp_path / "run"
    again = command(data_dir, run)
    first = start(run, held=True)
    first.await_hold()
    for number, options in enumerate(([], ["--resume"])):
        before = (run / "checkpoint.safetensors").read_bytes()
        assert train.main([*again, *options]) == 2
        message = capsys.readouterr().err
        assert ("already holds a run", "another run is at work")[number] in message
        assert message.count("\n") == 1
        assert (run / "checkpoint.safetensors").read_bytes() == before
    both = start(run, "--resume", processes=2)
    assert both.wait() == [2, 2]
    assert both.message().count("another run is at work") == 1  # said by one of them, for both
    first.signal(signal.SIGKILL)
    first.wait()
    assert train.main([*again, "--resume"]) == 0


# Several processes


def settings(**changes) -> Settings:
    network = tiny_config(image_shape=(1, 28, 28), width=32, latent_dim=4)
    values = {
        "dataset": "bars",
        "network": network,
        "epochs": 1,
        "batch_size": 65,
        "precision": "float32",
        "warmup_steps": 0,
        "beta_warmup_steps": 0,
    }
    return Settings(**(values | changes))


def pictures() -> torch.Tensor:
    return torch.from_numpy(striped_digits(650, seed=1)[0])[:, None]


def _two_steps(folder: Path) -> None:
    """The gradients of the first step, and the weights after two, by one of several processes."""
    distributed.init_process_group("gloo")
    rank, count = distributed.get_rank(), distributed.get_world_size()
    trainer = Trainer(settings(), pictures(), CPU, {}, Processes(rank, count))
    steps = trainer.remaining_steps()
    report = next(steps)
    found = {
        f"gradient {name}": parameter.grad.clone()
        for name, parameter in trainer.model.named_parameters()
    }
    next(steps)
    found |= {
        f"weights {name}": parameter.detach()
        for name, parameter in trainer.model.named_parameters()
    }
    torch.save((found, (report.distortion, report.rate, report.loss)), folder / f"{rank}.pt")
    distributed.destroy_process_group()


def test_two_processes_have_the_gradients_of_one_with_the_whole_batch(fork, tmp_path):
    """65 examples: the shares differ in size, so an average of averages would be wrong."""
    both = fork(_two_steps, tmp_path, processes=2)
    assert both.wait() == [0, 0], both.message()
    (first, report), (second, _) = (torch.load(tmp_path / f"{rank}.pt") for rank in range(2))
    alone = Trainer(settings(), pictures(), CPU, {})
    steps = alone.remaining_steps()
    own = next(steps)
    assert report == pytest.approx((own.distortion, own.rate, own.loss), rel=1e-5)
    for name, parameter in alone.model.named_parameters():
        torch.testing.assert_close(first[f"gradient {name}"], parameter.grad, rtol=1e-4, atol=1e-5)
    next(steps)
    for name, parameter in alone.model.named_parameters():
        assert torch.equal(first[f"weights {name}"], second[f"weights {name}"])
        torch.testing.assert_close(
            first[f"weights {name}"], parameter.detach(), rtol=1e-3, atol=1e-5
        )


def test_the_gradients_are_those_of_the_mean_loss_written_out():
    """An independent reference: the loss of the documented formula, without the trainer.

    It is computed on the same draws.
    """
    trainer = Trainer(settings(), pictures(), CPU, {})
    order = torch.randperm(650, generator=seeded(1, "order", 0))[:65]
    noise = seeded(1, "step", 0)
    x = observe(pictures()[order].float() / 255, "bernoulli", generator=noise)
    beta = draw_betas(0.01, 50.0, 65, noise)
    eps = standard_normal((1, 65, 4), noise, CPU)
    q = trainer.model.encode(x, beta)
    p = torch.distributions.Bernoulli(
        logits=trainer.model.decode(q.mean + q.log_variance.exp().sqrt() * eps[0], beta).logits
    )
    posterior = torch.distributions.Normal(q.mean, q.standard_deviation)
    rate = torch.distributions.kl_divergence(posterior, torch.distributions.Normal(0.0, 1.0)).sum(1)
    loss = (
        (-p.log_prob(x).sum((1, 2, 3)) + beta * rate) / (1 + beta) ** settings().loss_weight_power
    ).mean()
    loss.backward()
    expected = {
        name: parameter.grad.clone() for name, parameter in trainer.model.named_parameters()
    }
    report = next(trainer.remaining_steps())
    assert report.loss == pytest.approx(loss.item(), rel=1e-5)
    for name, parameter in trainer.model.named_parameters():
        torch.testing.assert_close(parameter.grad, expected[name], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("total", [1, 7, 256])
@pytest.mark.parametrize("count", [1, 2, 3, 7])
def test_shares_cover_a_batch_without_overlap(total, count):
    shares = [list(range(total))[Processes(rank, count).share(total)] for rank in range(count)]
    assert list(itertools.chain(*shares)) == list(range(total))
    assert max(map(len, shares)) - min(map(len, shares)) <= 1


@contextlib.contextmanager
def torchrun(arguments: list[str], hold: Path, told: Path) -> Iterator[Process]:
    """A run in two processes, held at step HELD_AT as long as this file exists."""
    hold.touch()
    several = ["--nproc-per-node", "2", "--rdzv-backend", "c10d", "--rdzv-endpoint", "localhost:0"]
    begin = [sys.executable, "-m", "torch.distributed.run", *several, "-m", "tests.training.held"]
    environment = {**ENVIRONMENT, "HOLD_AT": str(HELD_AT), "HOLD_FILE": str(hold)}
    # a pipe that nobody reads would fill up and stop the run
    with (
        told.open("w") as output,
        started(
            [*begin, *arguments],
            cwd=ROOT,
            env=environment,
            stdout=output,
            stderr=output,
            text=True,
        ) as process,
    ):
        while not all(hold.with_suffix(f".{rank}").exists() for rank in range(2)):
            assert process.poll() is None, told.read_text()
            time.sleep(0.01)
        yield process


def test_a_killed_process_ends_the_run_and_one_process_alone_can_finish_it(
    tmp_path, data_dir, capsys
):
    """The one process keeps the precision that all had agreed on.

    While they run nobody else can.
    """
    run, hold, told = tmp_path / "run", tmp_path / "hold", tmp_path / "told.txt"
    arguments = command(data_dir, run, "--checkpoint-seconds", "1", "--precision", "auto")
    with torchrun(arguments, hold, told) as two:
        workers = psutil.Process(two.pid).children()
        assert len(workers) == 2
        assert train.main([*arguments, "--resume"]) == 2
        assert capsys.readouterr().err.startswith(f"error: another run is at work in {run}; ")
        workers[1].kill()
        hold.unlink()
        assert two.wait(HANGING) != 0
    assert "another process of this run has ended" in told.read_text()
    assert told.read_text().count("chosen automatically") == 1  # said by one of them, for both
    assert not (run / "weights").exists()
    assert 0 < step_of(run) < STEPS
    assert train.main([*arguments, "--resume"]) == 0
    assert "as when this run began" in capsys.readouterr().out
    assert step_of(run) == STEPS


def test_the_loss_of_a_process_is_said_while_sigterm_is_still_held_off(
    tmp_path, data_dir, monkeypatch
):
    """torchrun sends SIGTERM to the other processes as soon as it sees the loss of one.

    By default that would end them before they print the sentence.
    """

    def lost(*_: object) -> None:
        raise ProcessLostError("another process of this run has ended")

    class Handlers(io.StringIO):
        """An output that records the handler of SIGTERM while each of its lines is written."""

        def write(self, text: str) -> int:
            found.append((text, signal.getsignal(signal.SIGTERM)))
            return len(text)

    found: list[tuple[str, object]] = []
    monkeypatch.setattr(train, "_train", lost)
    monkeypatch.setattr(sys, "stderr", Handlers())
    with pytest.raises(SystemExit) as ended:
        train.main(command(data_dir, tmp_path / "run"))
    assert ended.value.code == 2
    (handler,) = [
        handler for text, handler in found if "another process of this run has ended" in text
    ]
    assert isinstance(handler.__self__, Interruption)


SMALL_STEPS = ("--checkpoint-seconds", "60", "--learning-rate", "1e-3")


def loss_of(run_dir: Path) -> float:
    x = vae.binarize(pictures().float() / 255, generator=seeded(0))
    return (
        vae.elbo(vae.load(run_dir / "weights"), x, 1.0, generator=seeded(1))
        .negative_elbo.mean()
        .item()
    )


@pytest.fixture(scope="module")
def loss_alone(tmp_path_factory, data_dir) -> float:
    """The loss after SMALL_STEPS of one process that nobody interrupted."""
    run = tmp_path_factory.mktemp("alone") / "run"
    assert train.main(command(data_dir, run, *SMALL_STEPS)) == 0
    return loss_of(run)


def assert_resumed(run_dir: Path, loss_alone: float) -> None:
    """The draws are those of one process alone, and so nearly the weights.

    Only sums were taken in another order, and steps are small enough that rounding does not grow to
    other weights.
    """
    assert step_of(run_dir) == STEPS
    assert loss_of(run_dir) == pytest.approx(loss_alone, rel=1e-4)


def assert_stopped(run_dir: Path, message: str) -> None:
    assert "torchrun --nproc-per-node 2 -m training.train" in message
    assert "--resume" in message
    assert HELD_AT <= step_of(run_dir) < STEPS


def test_a_run_of_two_processes_is_resumed_by_one(
    start, tmp_path, data_dir, loss_alone, short_lines
):
    run = tmp_path / "run"
    begun = start(run, *SMALL_STEPS, processes=2, held=True)
    begun.await_hold()
    begun.signal(signal.SIGINT)
    assert begun.wait() == [EXIT_CODE, EXIT_CODE], begun.message()
    assert_stopped(run, begun.message())
    assert train.main(command(data_dir, run, *SMALL_STEPS, "--resume")) == 0
    assert_resumed(run, loss_alone)


@pytest.mark.weekly
def test_a_run_that_torchrun_stops_is_resumed_by_one(tmp_path, data_dir, loss_alone):
    run, told = tmp_path / "run", tmp_path / "told.txt"
    with torchrun(command(data_dir, run, *SMALL_STEPS), tmp_path / "hold", told) as two:
        two.send_signal(signal.SIGINT)
        two.wait(HANGING)
    assert_stopped(run, told.read_text())
    assert train.main(command(data_dir, run, *SMALL_STEPS, "--resume")) == 0
    assert_resumed(run, loss_alone)


def test_a_run_of_one_process_is_resumed_by_two(
    start, tmp_path, data_dir, loss_alone, capsys, short_lines
):
    run = tmp_path / "run"
    with pytest.MonkeyPatch.context() as patch:
        interrupt(patch, HELD_AT)
        begun = train.main(command(data_dir, run, *SMALL_STEPS))
    assert begun == EXIT_CODE
    message = capsys.readouterr().err
    assert "python -m training.train" in message
    assert "--resume" in message
    assert step_of(run) == HELD_AT
    two = start(run, "--resume", *SMALL_STEPS, processes=2)
    assert two.wait() == [0, 0], two.message()
    assert_resumed(run, loss_alone)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_trains_and_resumes(tmp_path):
    trainer = Trainer(settings(precision="bfloat16"), pictures(), torch.device("cuda"), {})
    steps = trainer.remaining_steps()
    assert not next(steps).skipped
    trainer.save(tmp_path / "checkpoint.safetensors")
    again = Trainer(settings(precision="bfloat16"), pictures(), torch.device("cuda"), {})
    again.restore(read(tmp_path / "checkpoint.safetensors"))
    assert next(again.remaining_steps()).loss == pytest.approx(next(steps).loss, rel=1e-3)
