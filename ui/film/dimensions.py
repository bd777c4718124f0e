"""Pages of the dimensions' film: what the views of one dimension show at each stop. Pure."""

from collections.abc import Mapping

import numpy as np

from ui.film import parts
from ui.film.frames import Film, stops
from ui.film.parts import Row
from ui.text import Text
from ui.view import latent_sentences, sentences
from vae.experiments import Reconstruction, Traversal
from vae.hub.sources import Resolved


def rates(text: Text, model: Resolved) -> Film:
    """The page of the test set's rates, the same for every picture."""
    entries = model.metrics.betas
    means = np.array([entry.rate_per_dimension for entry in entries])
    named = parts.name("dimensions", text.language, model.name, model.source, means.tobytes())
    return parts.page(
        named,
        stops(model),
        range(len(entries)),
        rates={
            "dimensions": means.shape[1],
            "order": model.metrics.dimensions_by_use,
            "active": [entry.active_units for entry in entries],
            "means": means.astype("<f4").tobytes(),
        },
    )


def picture(
    text: Text,
    model: Resolved,
    named: str,
    found: Mapping[int, tuple[Reconstruction, Traversal]],
    *,
    exactly: bool = False,
) -> Film:
    """The page of a picture with one dimension moved.

    found: by the numbers of their stops. exactly: whether pictures in colour keep every pixel.
    """
    betas, entries = stops(model), model.metrics.betas
    count = len(betas)
    moved = {stop: one for stop, (_, one) in found.items()}
    seen = {stop: one for stop, (one, _) in found.items()}
    images = {
        stop: Row(
            one.images,
            tuple(f"{value:.1f}" for value in one.values),
            latent_sentences.traversal_alt(text, one),
        )
        for stop, one in moved.items()
    }
    changes = {
        stop: Row(
            one.differences,
            tuple(f"{change:.1f}" for change in one.changes),
            latent_sentences.changes_alt(text, model, one),
        )
        for stop, one in moved.items()
    }
    stuff = sentences.pixel_meaning(text, model)
    said = {
        "activity": {
            stop: latent_sentences.activity(text, entries[stop], one) for stop, one in seen.items()
        },
        "change": {
            stop: latent_sentences.change(text, model, entries[stop], one)
            for stop, one in moved.items()
        },
        "value": {
            stop: text(
                "dimensions.value", low=one.values[0], high=one.values[-1], own=one.own_value
            )
            for stop, one in moved.items()
        },
        "difference": {
            stop: text("dimensions.difference", own=one.own_value, stuff=stuff)
            for stop, one in moved.items()
        },
    }
    alts = [
        latent_sentences.rates_alt(text, entries[stop], seen[stop], moved[stop].dimension)
        if stop in seen
        else None
        for stop in range(count)
    ]
    return parts.page(
        named,
        betas,
        found,
        strips={
            "traversal": parts.strip(count, images, exactly=exactly),
            "changes": parts.differences(count, changes),
        },
        says={name: parts.says(count, one) for name, one in said.items()},
        own=parts.values(count, {stop: one.rate_per_dimension for stop, one in seen.items()}),
        alts={"bars": alts},
    )
