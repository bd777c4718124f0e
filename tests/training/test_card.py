"""The model card: what it says in the folder and on the Hub."""

from pathlib import Path

import pytest
import yaml
from huggingface_hub import ModelCard

import vae
from tests.conftest import files_of, some_metrics
from tests.training.publishing import NAME, run, there
from training.card import read_record, write

ROOT = Path(__file__).parents[2]

# The client uploads large files in a way that its own HTTP library calls outdated.
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content:DeprecationWarning")


def test_the_folder_stays_as_it_is_to_the_byte_and_the_card_on_the_hub_names_the_repository(
    local_hub, weights, capsys
):
    before, times = (
        files_of(weights),
        {path: path.stat().st_mtime_ns for path in weights.rglob("*")},
    )
    assert run(weights) == 0
    assert files_of(weights) == before
    assert {path: path.stat().st_mtime_ns for path in weights.rglob("*")} == times
    assert (
        f"Its card names the repository; {weights / 'README.md'} stays as it was."
        in capsys.readouterr().out
    )
    card = there(local_hub)["README.md"].decode()
    assert f'```python\nimport vae\n\nmodel = vae.load("{NAME}")\n' in card


def test_a_card_that_names_a_repository_keeps_the_name_when_measured_again(local_hub, weights):
    assert 'vae.load("toy")' in (weights / "README.md").read_text(encoding="utf-8")
    assert run(weights) == 0
    card = there(local_hub)["README.md"]
    (weights / "README.md").write_bytes(card)  # as in a folder that was downloaded from there
    write(weights, vae.load(weights).config, some_metrics(), read_record(weights / "training.json"))
    assert (weights / "README.md").read_bytes() == card


@pytest.mark.parametrize(
    "name", ["mnist", "mnist-2d", "mnist-2d-autoencoder", "fashion-mnist", "faces"]
)
def test_every_card_is_a_valid_hub_card_with_the_measured_numbers(name):
    folder = ROOT / "weights" / name
    data = ModelCard.load(folder / "README.md").data
    metrics = vae.hub.metrics.read_metrics(folder / "metrics.json")
    assert (data.library_name, data.pipeline_tag, data.license) == (
        "pytorch",
        "unconditional-image-generation",
        "apache-2.0",
    )
    assert data.datasets
    assert "vae" in data.tags
    values = {result.metric_type: result.metric_value for result in data.eval_results}
    expected = metrics.betas[0] if name.endswith("autoencoder") else metrics.at(1.0)
    assert values["distortion"] == pytest.approx(expected.distortion, rel=1e-5)
    if bound := metrics.importance_weighted:
        assert values["negative_elbo"] == pytest.approx(metrics.at(1.0).negative_elbo, rel=1e-5)
        assert values["nll"] == pytest.approx(bound.nats, rel=1e-5)
    assert yaml.safe_load((folder / "README.md").read_text(encoding="utf-8").split("---\n")[1])[
        "model-index"
    ]
