"""Sentences about pictures and numbers, the same in both front ends. Pure.

Data classes of vae in, a sentence out. A name that ends in _alt is an alternative text: what the
picture or figure shows, with its numbers.
"""

from ui.text import Text, number
from vae.experiments import Breakdown, Reconstruction, TradeOff
from vae.hub import sources
from vae.hub.sources import Resolved
from vae.images.reading import View


def title(text: Text, name: str) -> str:
    """A model's title; a folder that the strings don't know keeps its name."""
    return text(f"models.{name}") if text.has(f"models.{name}") else name


def source(text: Text, model: Resolved) -> str:
    """Which weights are in use, and from where."""
    pin = model.pinned_commit
    commit = f"[{pin.repo_id} @ {pin.commit[:7]}]({pin.address})" if pin else ""
    if model.source != "bundled":
        return text("sidebar.source_hub", commit=commit)
    return (
        text(f"sidebar.source_bundled_{model.problem}", commit=commit)
        if model.problem
        else text("sidebar.source_bundled")
    )


def public_reason(reason: str) -> str:
    """An error's text without the server's own paths."""
    return reason.replace(str(sources.BUNDLE), "weights")


def file_alt(text: Text, view: View) -> str:
    height, width = view.steps[0].image.shape[:2]
    return text("alt.file", width=width, height=height)


def seen_alt(text: Text, model: Resolved, seen: Reconstruction) -> str:
    _, height, width = seen.observed.shape
    return text(
        "alt.seen",
        width=width,
        height=height,
        share=seen.ink_seen,
        stuff=pixel_meaning(text, model),
    )


def pixel_meaning(text: Text, model: Resolved) -> str:
    """What a bright pixel of this model's pictures is: ink, or light."""
    return text(f"stuff.{model.network.config.preprocess}")


def code_alt(text: Text, model: Resolved, beta: float, seen: Reconstruction) -> str:
    if model.network.config.autoencoder:
        return text("alt.point_code", code=", ".join(number(value, ".2f") for value in seen.z))
    return text(
        "alt.code",
        beta=f"{beta:g}",
        active=seen.active_units,
        dimensions=len(seen.z),
        rate=seen.rate,
    )


def reconstruction_alt(text: Text, model: Resolved, beta: float, seen: Reconstruction) -> str:
    values = {"share": seen.ink_expected, "stuff": pixel_meaning(text, model)}
    if model.network.config.autoencoder:
        return text("alt.point_reconstruction", **values)
    return text("alt.reconstruction", beta=f"{beta:g}", **values)


def difference_alt(text: Text, model: Resolved, seen: Reconstruction) -> str:
    return text(
        "alt.difference", lost=seen.lost, added=seen.added, stuff=pixel_meaning(text, model)
    )


def loss(text: Text, loss: Breakdown) -> str:
    """Distortion and rate beside the test set's average, in Markdown with their colours."""
    if not loss.beta:
        return text(
            "breakdown.point",
            distortion=loss.distortion,
            average_distortion=loss.average_distortion,
        )
    return text(
        "breakdown.sum",
        distortion=loss.distortion,
        rate=loss.rate,
        total=loss.negative_elbo,
        average=loss.average_negative_elbo,
    )


def loss_help(text: Text, model: Resolved, own: TradeOff) -> str:
    """Explanation of the loss."""
    count = f"{model.metrics.test_count:,}"
    if model.network.config.autoencoder:
        return text("breakdown.point_help", count=count)
    return text("breakdown.help", draws=own.draws, count=count)


def loss_alt(text: Text, loss: Breakdown) -> str:
    values = {"distortion": loss.distortion, "average_distortion": loss.average_distortion}
    if not loss.beta:
        return text("alt.point_loss", **values)
    return text("alt.breakdown", rate=loss.rate, average_rate=loss.average_rate, **values)


def bits(text: Text, loss: Breakdown) -> str:
    """The negative ELBO in bits per dimension, as colour models are compared, in Markdown."""
    return text(
        "breakdown.bits", bits=loss.bits_per_dimension, average=loss.average_bits_per_dimension
    )


def bits_help(text: Text, loss: Breakdown) -> str:
    """Explanation of bits per dimension."""
    return text("breakdown.bits_help", count=loss.pixel_values)


def verdict(text: Text, loss: Breakdown) -> str:
    """How hard this picture is, compared with the test set."""
    name = (
        text("breakdown.objective", beta=f"{loss.beta:g}")
        if loss.beta
        else text("breakdown.only_distortion")
    )
    values = {"name": name, "objective": loss.objective}
    if loss.easier_than >= 1:
        return text("breakdown.easier_than_all", **values)
    if loss.easier_than <= 0:
        return text("breakdown.harder_than_all", **values)
    if loss.easier_than >= 0.5:
        return text("breakdown.easier", percent=loss.percent_harder, **values)
    return text("breakdown.harder", percent=loss.percent_easier, **values)


def plane_alt(text: Text, model: Resolved, loss: Breakdown) -> str:
    first, last = model.metrics.betas[0], model.metrics.betas[-1]
    return text(
        "alt.plane",
        high_rate=first.rate,
        low_distortion=first.distortion,
        low_rate=last.rate,
        high_distortion=last.distortion,
        beta=f"{loss.beta:g}",
        rate=loss.average_rate,
        distortion=loss.average_distortion,
        own_rate=loss.rate,
        own_distortion=loss.distortion,
    )


def regret(text: Text, model: Resolved) -> str:
    """The cost of one network for every beta; empty without networks trained for one beta."""
    if not model.dedicated:
        return ""
    differences = (
        f"{number(model.metrics.regret(network), '+,.2f')} ({network.beta:g})"
        for network in model.dedicated
    )
    return text("plane.regret", differences=", ".join(differences))


def regret_help(text: Text, model: Resolved) -> str:
    """The meaning of regret; empty where `regret` is."""
    return (
        text("plane.regret_help", examples=f"{model.dedicated[0].examples:,}")
        if model.dedicated
        else ""
    )


def gallery_alt(
    text: Text, model: Resolved, beta: float, *, count: int, temperature: float, seed: int
) -> str:
    settings = {"count": count, "temperature": temperature, "seed": seed}
    if model.network.config.autoencoder:
        return text("alt.point_gallery", **settings)
    return text("alt.gallery", beta=f"{beta:g}", **settings)


def gallery_file(model: Resolved, beta: float, seed: int) -> str:
    """File name of the saved gallery."""
    suffix = "" if model.network.config.autoencoder else f"-beta-{beta:g}"
    return f"{model.name}{suffix}-seed-{seed}.png"


def gallery_note(text: Text, model: Resolved, temperature: float) -> str:
    """Why the tiles are no samples from the prior; empty where they are."""
    if model.network.config.autoencoder:
        return text("gallery.no_prior", temperature=temperature)
    return "" if temperature == 1.0 else text("gallery.not_prior", temperature=temperature)
