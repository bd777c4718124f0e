"""Values from components in the browser, checked before anything uses them.

Whoever talks to the page's websocket himself may send anything in their place. What is not what the
component sends is no value.
"""

from collections.abc import Callable
from typing import Annotated, Any

from pydantic import BaseModel, Field, ValidationError

MOST_STOPS = 1000  # of a slider
MOST_DIMENSIONS = 1024  # of a latent space
Finite = Annotated[float, Field(strict=True, allow_inf_nan=False)]


class _Drawing(BaseModel):
    objects: Annotated[list[Any], Field(min_length=1)]


class _Pin(BaseModel):
    point: tuple[Finite, Finite]


class _Beta(BaseModel):
    beta: Annotated[Finite, Field(gt=0)]


def drawing(canvas: Callable[[], Any]) -> bytes | None:
    """The picture file of what is drawn on a canvas, None where that is nothing.

    canvas: draws it; the result is streamlit_drawable_canvas', which looks into what came without
    checking it.
    """
    try:
        drawn = canvas()
        _Drawing.model_validate(drawn.json_data)
        return drawn.image_bytes
    except (AttributeError, LookupError, TypeError, ValueError):
        return None


def pin(event: object) -> tuple[float, float] | None:
    """The point that was pinned on a map, None unless it is two finite numbers."""
    try:
        return _Pin.model_validate(event).point
    except ValidationError:
        return None


def beta(value: object) -> float | None:
    """A beta from the slider, above 0; None for anything else."""
    try:
        return _Beta.model_validate({"beta": value}).beta
    except ValidationError:
        return None


def wanted_frame(value: object) -> int | str | None:
    """What a gallery asks for: "film", or the number of a stop; None for anything else."""
    if value == "film":
        return "film"
    is_number = isinstance(value, int) and not isinstance(value, bool) and 0 <= value < MOST_STOPS
    return value if is_number else None  # type: ignore[return-value]


def dimension(value: object) -> int | None:
    """The number of a dimension that was chosen among bars; None for anything else."""
    is_number = isinstance(value, int) and not isinstance(value, bool)
    return value if is_number and 0 <= value < MOST_DIMENSIONS else None  # type: ignore
