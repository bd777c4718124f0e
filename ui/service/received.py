"""Values from components in the browser, checked before anything uses them.

Whoever talks to the page's websocket himself may send anything in their place. What is not what the
component sends is no value.
"""

from collections.abc import Callable
from typing import Annotated, Any

from pydantic import BaseModel, Field, ValidationError

MOST_STOPS = 1000  # of a slider
Finite = Annotated[float, Field(strict=True, allow_inf_nan=False)]


class _Drawing(BaseModel):
    objects: Annotated[list[Any], Field(min_length=1)]


class _Pin(BaseModel):
    point: tuple[Finite, Finite]


Positive = Annotated[Finite, Field(ge=0)]  # a number of a dimension, a beta


class _Point(BaseModel):
    customdata: Positive | Annotated[list[Positive], Field(min_length=1)]


class _Beta(BaseModel):
    beta: Annotated[Finite, Field(gt=0)]


class _Selection(BaseModel):
    points: Annotated[list[_Point], Field(min_length=1)]


class _Click(BaseModel):
    selection: _Selection


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


def click(event: object) -> float | None:
    """The number, 0 or more, at the point that was clicked in a figure; None where none was."""
    try:
        number = _Click.model_validate(event).selection.points[0].customdata
    except ValidationError:
        return None
    return number[0] if isinstance(number, list) else number
