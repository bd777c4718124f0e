"""The training loop: it learns, its noise depends on seed and step alone, it can be resumed.

A checkpoint after any step loses nothing.
"""

import dataclasses
import functools
import itertools
import json
from collections.abc import Callable

import pytest
import torch

import vae
from tests.conftest import generator, striped_digits, tiny_config
from training import checkpoint
from training.error import TrainingError
from training.export import standardise_code
from training.loop import Trainer, draw_betas, shift
from training.settings import PRESETS, Precision, Settings
from vae.noise import seeded

NETWORK = tiny_config(image_shape=(1, 28, 28), channels=8, width=32, latent_dim=4)
CPU = torch.device("cpu")
DATA = {"train-images-idx3-ubyte.gz": "0" * 64}


def settings(**changes) -> Settings:
    values = {
        "dataset": "bars",
        "network": NETWORK,
        "epochs": 2,
        "batch_size": 64,
        "warmup_steps": 5,
        "learning_rate": 5e-3,
        "beta_warmup_steps": 20,
        "ema_decay": 0.9,
        "precision": "float32",
    }
    return Settings(**(values | changes))


@pytest.fixture(scope="module")
def images() -> torch.Tensor:
    return torch.from_numpy(striped_digits(1200, seed=1)[0])[:, None]


def weights_of(trainer: Trainer) -> dict[str, torch.Tensor]:
    return {
        **dict(trainer.model.named_parameters()),
        **{f"average {name}": value for name, value in trainer.average.items()},
    }


def assert_equal(one: Trainer, other: Trainer) -> None:
    for name, tensor in weights_of(one).items():
        assert torch.equal(tensor, weights_of(other)[name]), name


def finish(trainer: Trainer) -> Trainer:
    for _ in trainer.remaining_steps():
        pass
    return trainer


@pytest.fixture(scope="module")
def uninterrupted(images) -> Callable[[Precision], Trainer]:
    """A run of one precision to its end, made once."""

    @functools.cache
    def uninterrupted(precision: Precision) -> Trainer:
        return finish(Trainer(settings(precision=precision), images, CPU, DATA))

    return uninterrupted


def test_a_tiny_run_learns_bars_at_every_beta_but_the_collapsed_ones(images):
    trainer = finish(Trainer(settings(epochs=40), images, CPU, DATA))
    model = trainer.averaged_model()
    test = vae.binarize(
        torch.from_numpy(striped_digits(300, seed=9)[0])[:, None] / 255, generator=generator()
    )
    ink = test.mean(0).clamp(1e-3, 1 - 1e-3)
    # about 105 nats
    no_code = torch.distributions.Bernoulli(ink).log_prob(test).sum((1, 2, 3)).mean().neg()
    with torch.no_grad():
        terms = {
            beta: vae.elbo(model, test, beta, generator=generator(1)) for beta in (0.01, 1.0, 50.0)
        }
    assert terms[1.0].negative_elbo.mean() < 45
    assert no_code > 90
    assert terms[0.01].rate.mean() > terms[1.0].rate.mean() > terms[50.0].rate.mean()
    assert terms[50.0].rate.mean() < 0.4 * terms[0.01].rate.mean()


@pytest.mark.parametrize(
    ("stop", "precision"),
    [
        (0, "float32"),
        (1, "float32"),
        (11, "float32"),
        (18, "float32"),
        (19, "float32"),
        (35, "float32"),
        (11, "bfloat16"),
    ],
)
def test_resuming_after_any_step_equals_an_uninterrupted_run_bit_for_bit(
    uninterrupted, images, tmp_path, stop, precision
):
    whole = uninterrupted(precision)
    first = Trainer(settings(precision=precision), images, CPU, DATA)
    steps = first.remaining_steps()
    for _ in range(stop):
        next(steps)
    first.save(tmp_path / "checkpoint.safetensors")
    second = Trainer(settings(precision=precision), images, CPU, DATA)
    second.restore(checkpoint.read(tmp_path / "checkpoint.safetensors"))
    assert second.step == stop
    assert_equal(finish(second), whole)


def test_in_bfloat16_a_step_is_that_of_float32_but_for_rounding(images):
    """Losses and weights stay float32, so that log probabilities keep their digits."""
    reports, models = [], []
    for precision in ("float32", "bfloat16"):
        trainer = Trainer(settings(precision=precision), images, CPU, DATA)
        reports.append(next(trainer.remaining_steps()))
        models.append(trainer.model)
    assert reports[1].loss == pytest.approx(reports[0].loss, rel=0.01)
    assert reports[1].loss != reports[0].loss
    assert {parameter.dtype for parameter in models[1].parameters()} == {torch.float32}


def test_saving_changes_nothing(uninterrupted, images, tmp_path):
    whole = uninterrupted("float32")
    saving = Trainer(settings(), images, CPU, DATA)
    for _ in saving.remaining_steps():
        saving.save(tmp_path / "checkpoint.safetensors")
    assert_equal(saving, whole)


def test_seed_and_step_alone_decide_the_noise():
    assert torch.equal(
        torch.rand(5, generator=seeded(1, "step", 7)), torch.rand(5, generator=seeded(1, "step", 7))
    )
    others = [seeded(2, "step", 7), seeded(1, "step", 8), seeded(1, "order", 7)]
    mine = torch.rand(5, generator=seeded(1, "step", 7))
    assert all(not torch.equal(mine, torch.rand(5, generator=other)) for other in others)


def test_training_leaves_the_global_generator_alone(images):
    state = torch.get_rng_state()
    next(Trainer(settings(), images, CPU, DATA).remaining_steps())
    assert torch.equal(torch.get_rng_state(), state)


def test_the_largest_beta_rises_over_the_first_steps(images):
    trainer = Trainer(settings(epochs=4), images, CPU, DATA)
    drawn: list[torch.Tensor] = []
    inner = trainer.model.encode
    trainer.model.encode = lambda x, beta: drawn.append(beta) or inner(x, beta)
    finish(trainer)
    largest = torch.stack([beta.max() for beta in drawn])
    assert largest[0] <= 0.05
    # 20 steps, from 0.05 to 50
    assert all(largest[step] <= 0.05 * 1000 ** (step / 20) * 1.001 for step in range(20))
    assert largest[10:20].max() > 1
    assert largest[20:].max() > 40
    assert torch.stack([beta.min() for beta in drawn]).min() < 0.012


def test_the_rival_of_a_conditioned_network_sees_its_rise_of_beta_up_to_its_own(images):
    rival = settings(loss_weight_power=0.0).for_one_beta(5.0)
    reports = list(itertools.islice(Trainer(rival, images, CPU, DATA).remaining_steps(), 30))
    # 20 steps, from 0.05 to 50
    for step, ceiling in ((0, 0.05), (10, 0.05 * 1000**0.5), (19, 5.0), (29, 5.0)):
        assert reports[step].loss == pytest.approx(
            reports[step].distortion + ceiling * reports[step].rate, rel=1e-4
        )


@pytest.mark.parametrize(("flips", "share"), [(False, 0.0), (True, 0.5)])
def test_flips_mirror_half_of_the_pictures(images, flips, share):
    left = images[images[..., 14:].flatten(1).sum(1) == 0]  # bars in the left half
    trainer = Trainer(settings(flips=flips, epochs=4), left, CPU, DATA)
    seen: list[torch.Tensor] = []
    inner = trainer.model.encode
    trainer.model.encode = lambda x, beta: seen.append(x) or inner(x, beta)
    finish(trainer)
    on_the_right = torch.cat(seen)[..., 14:].flatten(1).any(1).float().mean()
    assert on_the_right == pytest.approx(share, abs=0.05)


def test_a_network_for_one_beta_is_charged_less_for_the_rate_at_first(images):
    """It cannot be told another beta, so the ceiling falls on its loss."""
    one = settings(network=NETWORK.for_one_beta(5.0), loss_weight_power=0.0)
    reports = list(itertools.islice(Trainer(one, images, CPU, DATA).remaining_steps(), 30))
    assert reports[0].loss == pytest.approx(
        reports[0].distortion + 0.05 * reports[0].rate, rel=1e-4
    )
    assert reports[10].loss == pytest.approx(
        reports[10].distortion + 0.5 * reports[10].rate, rel=1e-4
    )
    assert reports[29].loss == pytest.approx(
        reports[29].distortion + 5.0 * reports[29].rate, rel=1e-4
    )


def test_betas_are_log_uniform():
    betas = draw_betas(0.01, 100.0, 40_000, generator())
    assert betas.min() >= 0.01
    assert betas.max() <= 100.0
    for decade in (0.01, 0.1, 1.0, 10.0):
        assert ((betas >= decade) & (betas < 10 * decade)).float().mean().item() == pytest.approx(
            0.25, abs=0.01
        )


SHARES = ((0.1, 0.5), (10.0, 0.4), (100.0, 0.1))


def test_betas_can_be_drawn_by_shares_log_uniform_within_each():
    betas = draw_betas(0.01, 100.0, 40_000, generator(), SHARES)
    for low, high, share in (
        (0.01, 0.1, 0.5),
        (0.1, 1.0, 0.2),
        (1.0, 10.0, 0.2),
        (10.0, 100.0, 0.1),
    ):
        assert ((betas >= low) & (betas < high)).float().mean().item() == pytest.approx(
            share, abs=0.01
        )


def test_shares_keep_their_ratios_below_a_ceiling_and_take_as_much_noise_as_none():
    noise, other = generator(), generator()
    betas = draw_betas(0.01, 1.0, 40_000, noise, SHARES)
    assert 0.99 < betas.max() <= 1.0
    assert (betas < 0.1).float().mean().item() == pytest.approx(0.5 / 0.7, abs=0.01)
    draw_betas(0.01, 100.0, 40_000, other)
    assert torch.equal(torch.rand(3, generator=noise), torch.rand(3, generator=other))


@pytest.mark.parametrize(
    "shares",
    [
        ((0.1, 0.5), (10.0, 0.4)),
        ((0.1, 0.5), (100.0, 0.4)),
        ((0.005, 0.5), (100.0, 0.5)),
        ((0.1, 1.0), (100.0, 0.0)),
        ((10.0, 0.5), (10.0, 0.2), (100.0, 0.3)),
    ],
)
def test_shares_that_do_not_cover_the_range_are_refused(shares):
    with pytest.raises(
        ValueError,
        match=r"--beta-shares must be pairs of a beta and a share: .* from above 0\.01 to 100",
    ):
        settings(network=dataclasses.replace(NETWORK, beta_range=(0.01, 100.0)), beta_shares=shares)


def test_a_network_for_one_beta_draws_none_so_that_shares_change_no_rival():
    many = settings(
        network=dataclasses.replace(NETWORK, beta_range=(0.01, 100.0)), beta_shares=SHARES
    )
    assert many.for_one_beta(1.0) == dataclasses.replace(many, beta_shares=()).for_one_beta(1.0)
    assert Settings.from_record(json.loads(json.dumps(dataclasses.asdict(many)))) == many


def test_a_step_that_is_not_finite_is_skipped_and_many_in_a_row_stop_the_run(images):
    trainer = Trainer(settings(), images, CPU, DATA)
    steps = trainer.remaining_steps()
    next(steps)
    before = {name: tensor.clone() for name, tensor in weights_of(trainer).items()}
    original = trainer.model.decoder.last.bias.detach().clone()
    with torch.no_grad():
        trainer.model.decoder.last.bias[0] = float("nan")
    assert next(steps).skipped
    with torch.no_grad():
        trainer.model.decoder.last.bias.copy_(original)
    assert all(torch.equal(tensor, before[name]) for name, tensor in weights_of(trainer).items())
    assert not next(steps).skipped
    assert trainer.skipped == 1
    with torch.no_grad():
        trainer.model.decoder.last.bias[0] = float("nan")
    with pytest.raises(TrainingError, match="learning-rate"):
        finish(trainer)


def test_one_beta_alone_can_be_trained(images):
    model = finish(
        Trainer(settings(network=NETWORK.for_one_beta(0.3)), images, CPU, DATA)
    ).averaged_model()
    x = vae.binarize(images.float() / 255, generator=generator())
    trained = vae.elbo(model, x, 0.3, generator=generator()).objective(0.3).mean()
    start = Trainer(settings(network=NETWORK.for_one_beta(0.3)), images, CPU, DATA).averaged_model()
    assert trained < 0.8 * vae.elbo(start, x, 0.3, generator=generator()).objective(0.3).mean()
    with pytest.raises(ValueError, match="beta"):
        vae.elbo(model, x, 0.5, generator=generator())


def test_a_plain_autoencoder_learns_and_its_code_is_scaled_without_changing_a_reconstruction(
    images,
):
    plain = settings(
        network=dataclasses.replace(NETWORK, beta_range=(0.0, 0.0), latent_dim=2), epochs=12
    )
    trainer = finish(Trainer(plain, images, CPU, DATA))
    model, x = trainer.averaged_model(), vae.binarize(images.float() / 255, generator=generator())
    before = vae.point_distortion(model, x, 0.0)
    assert before.mean() < 80  # two numbers say which of ten bars, and no noise disturbs them
    standardise_code(model, images, seed=1)
    code = model.encode(x, 0.0).mean
    torch.testing.assert_close(code.mean(0), torch.zeros(2), atol=0.02, rtol=0)
    torch.testing.assert_close(code.std(0), torch.ones(2), atol=0.02, rtol=0)
    torch.testing.assert_close(vae.point_distortion(model, x, 0.0), before, rtol=1e-3, atol=1e-2)


def test_the_presets_are_networks_that_fit_the_size_limit():
    for preset in PRESETS.values():
        with torch.device("meta"):
            parameters = sum(
                parameter.numel() for parameter in vae.VAE(preset.network).parameters()
            )
        in_colour = preset.network.image_shape[0] == 3
        assert 2 * parameters <= (16_000_000 if in_colour else 12_000_000)  # bytes, as float16


def test_a_long_gradient_is_shortened_to_the_limit_and_a_short_one_is_not(images):
    def gradients(limit: float) -> torch.Tensor:
        trainer = Trainer(settings(gradient_norm=limit), images, CPU, DATA)
        next(trainer.remaining_steps())
        return torch.cat([parameter.grad.flatten() for parameter in trainer.model.parameters()])

    free = gradients(1e6)
    assert free.norm() > 1
    assert gradients(0.5).norm() == pytest.approx(0.5, rel=1e-4)
    assert torch.allclose(gradients(0.5), free * (0.5 / free.norm()), rtol=1e-3, atol=1e-7)
    assert torch.equal(gradients(float(free.norm()) * 1.01), free)


def test_pictures_are_moved_by_their_own_rows_and_columns_and_edges_are_repeated():
    pictures = torch.randint(0, 256, (3, 2, 5, 4), dtype=torch.uint8, generator=generator())
    moved = shift(pictures, torch.tensor([[0, 0], [1, 0], [-2, 1]]))
    assert torch.equal(moved[0], pictures[0])
    assert torch.equal(moved[1], pictures[1][:, [0, 0, 1, 2, 3]])
    assert torch.equal(moved[2], pictures[2][:, [2, 3, 4, 4, 4]][:, :, [0, 0, 1, 2]])


def test_shifts_are_drawn_anew_for_each_picture_and_reach_both_ends(images):
    trainer = Trainer(settings(shifts=2), images, CPU, DATA)
    moves = trainer._draw(torch.arange(64))["offsets"]
    assert moves.shape == (64, 2)
    assert (moves.min(), moves.max()) == (-2, 2)
    trainer.step = 1
    assert not torch.equal(trainer._draw(torch.arange(64))["offsets"], moves)


def test_several_draws_of_z_have_the_mean_of_their_gradients(images):
    """The gradient of the mean over draws is the mean of the gradients of each of them."""

    def gradients(eps: torch.Tensor) -> torch.Tensor:
        trainer = Trainer(settings(draws=2), images, CPU, DATA)
        drawn = trainer._draw(torch.arange(64)) | {"eps": eps}
        trainer._backward(drawn)
        return torch.cat([parameter.grad.flatten() for parameter in trainer.model.parameters()])

    eps = Trainer(settings(draws=2), images, CPU, DATA)._draw(torch.arange(64))["eps"]
    assert eps.shape == (2, 64, 4)
    torch.testing.assert_close(
        gradients(eps), (gradients(eps[:1]) + gradients(eps[1:])) / 2, rtol=1e-3, atol=1e-4
    )


def test_an_update_with_tensors_is_the_one_with_numbers(images):
    """A CUDA graph takes learning rate and decay as tensors."""

    def updated(number) -> Trainer:
        trainer = Trainer(settings(), images, CPU, DATA)
        trainer._backward(trainer._draw(torch.arange(64)))
        trainer._update({"rate": number(1e-3), "decay": number(0.25)})
        return trainer

    first, second = updated(float), updated(torch.tensor)
    for name, tensor in weights_of(first).items():
        torch.testing.assert_close(tensor, weights_of(second)[name], rtol=1e-6, atol=1e-7)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_recorded_steps_are_the_plain_ones(images):
    found = []
    for recorded in (True, False):
        trainer = Trainer(settings(epochs=1), images, torch.device("cuda"), DATA)
        trainer.uses_graphs = recorded
        found.append(weights_of(finish(trainer)))
    for name, tensor in found[0].items():
        torch.testing.assert_close(tensor, found[1][name], rtol=1e-3, atol=1e-4)
