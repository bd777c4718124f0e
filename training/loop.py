"""The training loop as an object: all that a step reads and changes, saved and restored as one."""

import dataclasses
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from training import checkpoint
from training.checkpoint import Checkpoint, Layout, State, StepReport
from training.distributed import SINGLE_PROCESS, Processes
from training.error import TrainingError
from training.graph import CudaGraph
from training.settings import AUTO, Settings
from vae.elbo import elbo_with_noise, point_distortion
from vae.likelihood import observe_with_noise
from vae.model import VAE
from vae.noise import seeded, standard_normal, uniform

LOG_EVERY = 100  # steps in a line of the log
PATIENCE = 10  # non-finite steps in a row before giving up
# of a Trainer, kept in its checkpoints
_COUNTERS = ("step", "skipped", "skipped_in_a_row", "seconds")


def draw_betas(
    low: float,
    high: float,
    count: int,
    generator: torch.Generator,
    shares: Sequence[tuple[float, float]] = (),
) -> Tensor:
    """(count,) betas from low to high, log-uniform; equal ends may also be 0.

    shares: pieces (highest beta, share), one after another from low on, log-uniform within each,
    and nothing above high. Exactly one number is drawn for each beta, so that the noise drawn next
    does not depend on the shares.
    """
    u = torch.rand(count, generator=generator)
    if low == high:
        return torch.full((count,), low)
    if not shares:
        return torch.exp(math.log(low) + u * (math.log(high) - math.log(low))).clamp(low, high)
    ends, parts = zip(*shares, strict=True)
    knots, cumulative = np.log([low, *ends]), np.cumsum([0.0, *parts])
    reached = np.interp(math.log(high), knots, cumulative)
    return (
        torch.from_numpy(np.exp(np.interp(u.numpy() * reached, cumulative, knots)))
        .float()
        .clamp(low, high)
    )


def shift(pictures: Tensor, offsets: Tensor) -> Tensor:
    """Pictures (N, C, H, W), each moved by so many rows and columns, (N, 2); edges are repeated."""
    count, _, height, width = pictures.shape
    rows, columns = (
        (torch.arange(side, device=pictures.device) - move[:, None]).clamp(0, side - 1)
        for side, move in zip((height, width), offsets.T, strict=True)
    )
    index = torch.arange(count, device=pictures.device)[:, None, None]
    return pictures.permute(0, 2, 3, 1)[index, rows[:, :, None], columns[:, None, :]].permute(
        0, 3, 1, 2
    )


def initial_model(settings: Settings) -> VAE:
    """The network before its first step.

    Trained for one beta, it starts from the weights of the conditioned network of this seed, as far
    as they have the same layers, so that the two can be compared.
    """
    config = settings.network
    (low, high) = config.beta_range
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.seed)
        if config.conditioned or config.autoencoder:
            return VAE(config)
        # the initial weights do not depend on the range
        conditioned = VAE(dataclasses.replace(config, beta_range=(low, 2 * high))).state_dict()
    model = VAE(config)
    model.load_state_dict({name: conditioned[name] for name in model.state_dict()}, strict=True)
    return model


def autocast(device: torch.device, precision: str) -> torch.autocast:
    """The autocast context for this precision, "bfloat16" or "float32".

    Matrix products and convolutions run in it.
    """
    return torch.autocast(device.type, torch.bfloat16, enabled=precision == "bfloat16")


class Objective(nn.Module):
    """Distortion and rate as a module's forward, (N,) nats each.

    A module is what DistributedDataParallel wraps. A plain autoencoder, whose beta is 0, has no
    rate: 0 stands for it.
    """

    def __init__(self, model: VAE) -> None:
        super().__init__()
        self.model = model

    def forward(self, images: Tensor, beta: Tensor, eps: Tensor) -> tuple[Tensor, Tensor]:
        if self.model.config.autoencoder:
            distortion = point_distortion(self.model, images, beta)
            return distortion, torch.zeros_like(distortion)
        terms = elbo_with_noise(self.model, images, beta, eps)
        return terms.distortion, terms.rate


class Trainer:
    """Model, averaged weights and optimiser after `step` steps of `settings`.

    images: (N, C, H, W) uint8. With several processes each takes its share of every batch, and all
    hold the same weights after each step.
    """

    def __init__(
        self,
        settings: Settings,
        images: Tensor,
        device: torch.device,
        data_sha256: dict[str, str],
        processes: Processes = SINGLE_PROCESS,
        compiled: bool = False,
    ) -> None:
        if settings.precision == AUTO:
            raise ValueError(
                "a Trainer needs to know its precision; training.precision.resolve chooses one "
                "for the machine"
            )
        self.settings, self.device, self.data_sha256, self.processes = (
            settings,
            device,
            data_sha256,
            processes,
        )
        self.images = images.to(device)
        if not processes.count <= settings.batch_size <= len(images):
            raise TrainingError(
                f"--batch-size {settings.batch_size} must be at least the number of processes "
                f"({processes.count}) and at most that of training pictures ({len(images)})"
            )
        self.steps_per_epoch = len(images) // settings.batch_size
        self.total_steps = settings.epochs * self.steps_per_epoch
        self.step = 0
        self.seconds = 0.0  # of training, over all interruptions
        self.skipped, self.skipped_in_a_row = 0, 0
        # of the steps since the last line of the log, and of those in that line
        self.reports: list[StepReport] = []
        self.model = initial_model(settings).to(device)
        self._objective = (
            torch.compile(Objective(self.model)) if compiled else Objective(self.model)
        )
        if processes.count > 1:
            self._objective = DistributedDataParallel(self._objective, gradient_as_bucket_view=True)
        self.average = {
            name: parameter.detach().clone() for name, parameter in self.model.named_parameters()
        }
        matrices = [parameter for parameter in self.model.parameters() if parameter.ndim > 1]
        vectors = [parameter for parameter in self.model.parameters() if parameter.ndim <= 1]
        self.optimizer = torch.optim.AdamW(
            [
                {"params": matrices, "weight_decay": settings.weight_decay},
                {"params": vectors, "weight_decay": 0.0},
            ],
            lr=settings.learning_rate,
            betas=(0.9, 0.99),
            fused=True,
        )
        # A graph always reads the same memory: numbers that change from step to step must be
        # tensors.
        self.uses_graphs = device.type == "cuda" and processes.count == 1 and not compiled
        self._step_graphs: tuple[CudaGraph, CudaGraph] | None = None
        if self.uses_graphs:
            for group in self.optimizer.param_groups:
                group["capturable"] = True

    def remaining_steps(self) -> Iterator[StepReport]:
        """Train to the end; yields a report after each step.

        Stopping between two steps loses nothing.
        """
        order = torch.empty(0)
        while self.step < self.total_steps:
            epoch, position = divmod(self.step, self.steps_per_epoch)
            if position == 0 or not len(order):
                order = torch.randperm(
                    len(self.images), generator=seeded(self.settings.seed, "order", epoch)
                )
            size = self.settings.batch_size
            report = self._train_step(order[position * size : (position + 1) * size])
            self.reports = [*(self.reports if (self.step - 1) % LOG_EVERY else []), report]
            yield report

    def _train_step(self, indices: Tensor) -> StepReport:
        settings = self.settings
        draws = self._draw(indices)
        if self.uses_graphs and self._step_graphs is None:
            self._capture_graphs(draws)
        with self.processes.collective():
            sums_and_norm = (
                cast("Tensor", self._step_graphs[0](draws))
                if self._step_graphs
                else self._backward(draws)
            )
        *sums, norm = sums_and_norm.tolist()
        finite = math.isfinite(norm) and all(map(math.isfinite, sums))
        # From here on nothing waits for another process: a step is done completely or not at all.
        if finite:
            if norm > settings.gradient_norm:
                torch.nn.utils.clip_grads_with_norm_(
                    self.model.parameters(), settings.gradient_norm, sums_and_norm[-1]
                )
            if self._step_graphs:
                self._step_graphs[1](
                    {
                        "rate": torch.tensor(self._learning_rate()),
                        "decay": torch.tensor(self._average_decay()),
                    }
                )
            else:
                self._update({"rate": self._learning_rate(), "decay": self._average_decay()})
        self._count_skipped(not finite)
        self.step += 1
        distortion, rate, loss = (total / settings.batch_size for total in sums)
        return StepReport(distortion, rate, loss, skipped=not finite)

    def _draw(self, indices: Tensor) -> dict[str, Tensor]:
        """Draw all that is random in a step, on the CPU.

        Returns `indices` of pictures; `is_mirrored`, `offsets` and the binarisation's `noise`,
        where the settings have them; `beta`, the `rate_weight` in the loss, and `eps`. They are
        drawn for the whole batch, and each process takes its share: so any number of processes, and
        a run resumed with another number, trains on the same draws.
        """
        settings, config = self.settings, self.settings.network
        random, count, cpu = (
            seeded(settings.seed, "step", self.step),
            len(indices),
            torch.device("cpu"),
        )
        draws = {"indices": indices}
        if settings.flips:
            draws["is_mirrored"] = torch.rand(count, generator=random) < 0.5
        if settings.shifts:
            draws["offsets"] = torch.randint(
                -settings.shifts, settings.shifts + 1, (count, 2), generator=random
            )
        if config.binarised:
            draws["noise"] = uniform((count, *config.image_shape), random, cpu)
        (low, high), ceiling = config.beta_range, self._beta_ceiling()
        draws["beta"] = draw_betas(
            low, max(low, min(high, ceiling)), count, random, settings.beta_shares
        )
        draws["rate_weight"] = draws["beta"].clamp(max=ceiling)
        draws["eps"] = standard_normal((settings.draws, count, config.latent_dim), random, cpu)
        share = self.processes.share(count)
        return {
            name: tensor[:, share] if name == "eps" else tensor[share]
            for name, tensor in draws.items()
        }

    def _backward(self, draws: dict[str, Tensor]) -> Tensor:
        """Gradients of the mean loss of the whole batch.

        Returns (4,): all processes' sums of distortion, rate and loss, and the gradient's norm.
        """
        settings = self.settings
        draws = {name: tensor.to(self.device) for name, tensor in draws.items()}
        pictures, beta = self.images[draws["indices"]], draws["beta"]
        if "is_mirrored" in draws:
            pictures = torch.where(
                draws["is_mirrored"][:, None, None, None], pictures.flip(3), pictures
            )
        if "offsets" in draws:
            pictures = shift(pictures, draws["offsets"])
        images = observe_with_noise(pictures.float() / 255, draws.get("noise"))
        self.optimizer.zero_grad(set_to_none=True)
        with autocast(self.device, settings.precision):
            distortion, rate = self._objective(images, beta, draws["eps"])
        loss = (
            (distortion + draws["rate_weight"] * rate) * (1 + beta) ** -settings.loss_weight_power
        ).sum()
        # A sum over the share, divided by the whole batch: shares may differ in size.
        # DistributedDataParallel will divide the gradients by the number of processes.
        (loss * (self.processes.count / settings.batch_size)).backward()
        sums = self.processes.all_reduce(torch.stack([distortion.sum(), rate.sum(), loss]).detach())
        norm = torch.nn.utils.get_total_norm(
            [p.grad for p in self.model.parameters() if p.grad is not None]
        )
        return torch.cat([sums, norm[None]])

    @torch.no_grad()
    def _update(self, step_values: Mapping[str, float | Tensor]) -> None:
        """Step the optimiser with the learning "rate", and the average with the "decay"."""
        for group in self.optimizer.param_groups:
            group["lr"] = step_values["rate"]
        self.optimizer.step()
        decay = cast("float", step_values["decay"])  # or a tensor of one, which these take as well
        torch._foreach_mul_(list(self.average.values()), decay)
        new = torch._foreach_mul(list(self.model.parameters()), 1 - decay)
        torch._foreach_add_(list(self.average.values()), new)

    def _capture_graphs(self, draws: dict[str, Tensor]) -> None:
        """Capture the two halves of a step: between them the host decides whether it is skipped."""
        for parameter in self.model.parameters():
            # AdamW's own initial state, which a graph would initialise again at each step
            if not self.optimizer.state[parameter]:
                self.optimizer.state[parameter] = {"step": torch.zeros((), device=self.device)} | {
                    key: torch.zeros_like(parameter) for key in ("exp_avg", "exp_avg_sq")
                }
        gradients = CudaGraph(self._backward, draws, self.device, warm_up=True)
        step_values = {name: torch.tensor(0.5) for name in ("rate", "decay")}
        self._step_graphs = gradients, CudaGraph(self._update, step_values, self.device)

    def _learning_rate(self) -> float:
        warmup = min(1.0, (self.step + 1) / max(1, self.settings.warmup_steps))
        return (
            self.settings.learning_rate
            * warmup
            * 0.5
            * (1 + math.cos(math.pi * self.step / self.total_steps))
        )

    def _beta_ceiling(self) -> float:
        """The largest beta of this step, which rises during the warm-up.

        It bounds the betas that are drawn; where the network knows only one beta, it is the weight
        of the rate.
        """
        settings = self.settings
        progress = (
            self.step / settings.beta_warmup_steps
            if self.step < settings.beta_warmup_steps
            else 1.0
        )
        first = settings.beta_warmup_start
        last = max(first, settings.beta_warmup_end or settings.network.beta_range[1])
        return first * (last / first) ** progress

    def _average_decay(self) -> float:
        # A short average at first, so that the random initial weights do not remain in it.
        return min(self.settings.ema_decay, (1 + self.step) / (10 + self.step))

    def _count_skipped(self, skipped: bool) -> None:
        self.skipped_in_a_row = self.skipped_in_a_row + 1 if skipped else 0
        self.skipped += skipped
        if self.skipped_in_a_row >= PATIENCE:
            raise TrainingError(
                f"the loss was not finite for {PATIENCE} steps in a row (up to step {self.step}); "
                "start again with a smaller --learning-rate and another --run-dir"
            )

    def averaged_model(self) -> VAE:
        """A copy of the network with the averaged weights, ready to evaluate."""
        model = VAE(self.settings.network).to(self.device)
        model.load_state_dict(self.average, strict=True)
        return model.eval().requires_grad_(False)

    # Checkpoints

    def save(self, path: Path) -> None:
        """Write a checkpoint. Raises TrainingError or OSError."""
        tensors = {f"average.{name}": tensor for name, tensor in self.average.items()}
        for name, parameter in self.model.named_parameters():
            tensors[f"model.{name}"] = parameter
            for key, value in (
                self.optimizer.state.get(parameter, {}).items() if self.step > self.skipped else ()
            ):
                tensors[f"optimizer.{key}.{name}"] = value
        layout = self._layout()
        state = State(
            settings=layout.settings,
            data_sha256=layout.data_sha256,
            reports=tuple(self.reports),
            **{name: getattr(self, name) for name in _COUNTERS},
        )
        checkpoint.write(path, state, tensors)

    @torch.no_grad()
    def restore(self, snapshot: Checkpoint) -> None:
        """Go on from a checkpoint, snapshot.

        Raises TrainingError, and has changed nothing, unless it is one of this run.
        """
        snapshot.require(self._layout())
        tensors = {name: tensor.to(self.device) for name, tensor in snapshot.tensors.items()}
        for name, parameter in self.model.named_parameters():
            parameter.copy_(tensors[f"model.{name}"])
            self.average[name].copy_(tensors[f"average.{name}"])
            if snapshot.state.step > snapshot.state.skipped:
                self.optimizer.state[parameter] = {
                    key: tensors[f"optimizer.{key}.{name}"].clone()
                    for key in ("step", "exp_avg", "exp_avg_sq")
                }
        self._step_graphs = None  # they hold the optimiser's old moments
        for name in _COUNTERS:
            setattr(self, name, getattr(snapshot.state, name))
        self.reports = list(snapshot.state.reports)

    def _layout(self) -> Layout:
        settings = json.loads(json.dumps(dataclasses.asdict(self.settings)))
        shapes = {name: tuple(parameter.shape) for name, parameter in self.model.named_parameters()}
        return Layout(settings, self.data_sha256, self.total_steps, LOG_EVERY, PATIENCE, shapes)
