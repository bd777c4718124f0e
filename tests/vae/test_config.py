"""What a config.json may say of the network, and what the network makes of it."""

import dataclasses
import json
from pathlib import Path

import pytest
import torch

import vae
from tests.conftest import generator, random_model, tiny_config
from vae.config import VAEConfig

COLOUR = {"image_shape": (3, 8, 8), "likelihood": "discretized_logistic", "preprocess": "photo"}
WEIGHTS = Path(__file__).parents[2] / "weights"


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"encoder_channels": -1}, "encoder_channels must be a whole number from 0 to 256, not -1"),
        (
            {"encoder_channels": 257},
            "encoder_channels must be a whole number from 0 to 256, not 257",
        ),
        (
            {"encoder_convolutions": 9},
            "encoder_convolutions must be a whole number from 0 to 8, not 9",
        ),
        (
            {"decoder_convolutions": True},
            "decoder_convolutions must be a whole number from 0 to 8, not True",
        ),
        ({"widening": 3}, "widening must be 1 or 2, not 3"),
        ({"scale": "picture"}, "scale must be one of"),
        ({"scale": "pixel"}, "a Bernoulli likelihood has no scale; scale must be 'channel'"),
        (
            {
                "image_shape": (1, 256, 256),
                "channels": 64,
                "encoder_convolutions": 1,
                "width": 1,
                "halvings": 4,
            },
            "residual convolutions of about .* multiplications for a picture are more than the "
            "1,000,000,000 allowed",
        ),
        (
            {"channels": 256, "halvings": 6, "widening": 2},
            "parameters is larger than the 20,000,000 allowed",
        ),
    ],
)
def test_what_makes_no_sense_is_said_in_one_sentence(changes, sentence):
    with pytest.raises(ValueError, match=sentence):
        tiny_config(**changes)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {
            "encoder_convolutions": 2,
            "decoder_convolutions": 1,
            "channels": 32,
            "width": 64,
            "image_shape": (1, 28, 28),
        },
        {
            "encoder_channels": 48,
            "encoder_convolutions": 3,
            "widening": 2,
            "channels": 16,
            "width": 128,
            "blocks": 3,
        },
        {"beta_range": (1.0, 1.0), "decoder_convolutions": 2, "channels": 40, "width": 100},
    ],
)
def test_the_large_layers_are_nearly_all_parameters(changes):
    config = tiny_config(**changes)
    parameters = sum(parameter.numel() for parameter in vae.VAE(config).parameters())
    assert (
        config._large_parameters() < 1.3 * parameters
    )  # an untold bias is no reason to refuse a network
    if config.width >= 64:
        assert config._large_parameters() > 0.8 * parameters


def test_a_config_from_before_residual_convolutions_means_a_network_without_them():
    before = json.loads((WEIGHTS / "mnist-2d" / "config.json").read_text(encoding="utf-8"))
    new = {"encoder_channels", "encoder_convolutions", "decoder_convolutions", "widening", "scale"}
    assert not new & set(before)
    assert not any("residual" in name for name in vae.load(WEIGHTS / "mnist-2d").state_dict())


def test_the_encoder_may_be_wider_and_deeper_than_the_decoder():
    config = tiny_config(
        encoder_channels=6, channels=4, encoder_convolutions=2, decoder_convolutions=1, widening=2
    )
    model = vae.VAE(config)
    assert (
        [layer.out_channels for layer in model.encoder.picture.layers]
        == config.encoder_sizes
        == [6, 12]
    )
    assert (
        [layer.in_channels for layer in model.decoder.picture.layers]
        == config.decoder_sizes[::-1]
        == [8, 4]
    )
    assert [len(blocks) for blocks in model.encoder.picture.residual] == [2, 2]
    assert [len(blocks) for blocks in model.decoder.picture.residual] == [1, 1]


@pytest.mark.parametrize("scale", ["channel", "pixel"])
def test_each_pixel_has_a_scale_of_its_own_only_where_it_is_asked_for(scale):
    model = random_model(tiny_config(**COLOUR, scale=scale, decoder_convolutions=1))
    likelihood = model.decode(torch.randn(4, 3, generator=generator()), 0.5)
    assert likelihood.location.shape == (4, 3, 8, 8)
    assert likelihood.log_scale.shape == ((1, 3, 1, 1) if scale == "channel" else (4, 3, 8, 8))
    drawn = likelihood.sample(generator(1))
    assert likelihood.log_prob(drawn).isfinite().all()
    assert likelihood.mean.min() >= 0
    assert likelihood.mean.max() <= 1


def test_a_network_for_one_beta_has_the_same_convolutions_and_no_modulation():
    config = tiny_config(encoder_convolutions=1, decoder_convolutions=1)
    alone, both = vae.VAE(config.for_one_beta(1.0)).state_dict(), vae.VAE(config).state_dict()
    assert set(alone) < set(both)
    assert {name for name in set(both) - set(alone) if "residual" in name} == {
        name for name in both if "residual" in name and "modulation" in name
    }


def test_equal_fields_are_equal_configs():
    config = tiny_config(encoder_convolutions=1)
    assert VAEConfig(**json.loads(json.dumps(dataclasses.asdict(config)))) == config
