"""One handwritten digit, found in a photo, scan or drawing and made like those of MNIST.

That is: white ink on black, centred. A photo of paper holds more than ink: shadows, a desk, ruled
lines, dust. The steps here rest on three facts. Ink is an island: it is surrounded by paper, while
shadows, desk and ruled lines reach the border of the picture (`_paper`). Ink comes in strokes:
long, thin and sharp (`_strongest_stroke`). And the pieces of one digit lie closer together than two
digits do (`strokes.segment_digit`).
"""

from dataclasses import dataclass

import numpy as np
from PIL import Image
from scipy import ndimage

from vae.images.errors import ImageError
from vae.images.strokes import (
    INK_THRESHOLD,
    NEIGHBOURS,
    SKETCH_SIDE,
    Shape,
    connected_components,
    distance_transform,
    is_surroundings,
    max_pool,
    pool_size,
    segment_digit,
)

BOX_SHARE = 20 / 28  # MNIST: the digit fills 20 of 28 pixels
# lowest and highest thickness of drawn strokes, pixels of the model; most of MNIST lies between
STROKE_THICKNESS = (2.2, 4.2)
# lowest and highest resolution of the new drawing, pixels for each of the model's: memory grows
# with its square
DRAWING_FINENESS = (8, 24)
# width of the edge from black to white, pixels of the model, before averaging: it gives MNIST's
# share of greys
EDGE_WIDTH = 0.35
# contrast, as a part of the paper's brightness, below which a stroke is texture or noise
MIN_CONTRAST = 0.06


def digit(picture: np.ndarray, height: int, width: int) -> list[tuple[str, np.ndarray]]:
    """The stages from a picture (H, W, 3) uint8 to a digit (height, width) uint8, with their names.

    The digit is the last one. Raises ImageError where there is no ink, more than one shape, or
    nothing like a digit.
    """
    luminance = np.asarray(Image.fromarray(picture).convert("L"))
    if _is_finished(luminance, height, width):
        return [("centred", luminance)]
    grey = _principal_grey(picture)
    ink = _ink_map(grey)
    crop = segment_digit(ink)
    stages = {
        "grey": grey / 255,
        "ink": ink,
        "cropped": crop,
        "centred": _draw_centred(crop, height, width),
    }
    return [(name, _to_bytes(stage)) for name, stage in stages.items()]


def _to_bytes(fraction: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(fraction * 255), 0, 255).astype(np.uint8)


def _is_finished(grey: np.ndarray, height: int, width: int) -> bool:
    """Whether a picture has the data set's form: its size, black rim, white ink in the middle."""
    if grey.shape != (height, width) or grey.max() < 128:
        return False
    off_centre = np.subtract(ndimage.center_of_mass(grey.astype(float)), (height / 2, width / 2))
    # MNIST: below 8, and at most 0.5
    return bool(_rim(grey).mean() < 16 and np.abs(off_centre).max() < 0.6)


def _principal_grey(picture: np.ndarray) -> np.ndarray:
    """Grey (H, W) float32 in 0..255: the mixture of colours in which details differ the most.

    It is the first principal component of the details' colours. Plain luminance loses a yellow pen
    on white paper, or a red one on blue. No colour is subtracted: a shadow dims a sum of colours by
    one factor, and so it can be divided out later.
    """
    coarse = picture[:: 1 + picture.shape[0] // 200, :: 1 + picture.shape[1] // 200].astype(
        np.float64
    )
    around = ndimage.uniform_filter(coarse, (3 + coarse.shape[0] // 8, 3 + coarse.shape[1] // 8, 0))
    detail = (coarse - around).reshape(-1, 3)
    detail *= np.linalg.norm(detail, axis=1, keepdims=True)  # strong details count, noise does not
    # + 1: an even picture gets equal parts
    mixture = np.linalg.eigh(detail.T @ detail + 1.0)[1][:, -1]
    mixture = np.maximum(mixture if mixture.sum() > 0 else -mixture, 0)
    return picture.astype(np.float32) @ (mixture / mixture.sum()).astype(np.float32)


# --- where the ink is


def _ink_map(grey: np.ndarray) -> np.ndarray:
    """The ink on each pixel (H, W): 0 is paper, 1 the full contrast of the strongest stroke.

    Raises ImageError where nothing looks like a stroke.
    """
    blur = max(grey.shape) / 1500
    # smooths lines thinner than a pixel
    tone = ndimage.gaussian_filter(grey, blur) if blur > 0.3 else grey
    # Ink that runs off a photo is no island, and is looked for when there is no other. On a
    # drawing, which has neither shadows nor a desk, ink may reach the border.
    for with_rim in (True,) if _is_drawing(tone) else (False, True):
        candidates = [_find_islands(tone, light, with_rim) for light in (False, True)]
        best = max(candidates, key=_score)
        if best.stroke.score:
            break
    # Where something is much stronger than the best stroke, it may be a stroke of dots.
    if best.stroke.contrast < 0.4 * max(
        np.percentile(candidate.contrast, 99.9) for candidate in candidates
    ):
        dots = max((_join_dots(candidate) for candidate in candidates), key=_score)
        if dots.stroke.score > 2 * best.stroke.score:
            return dots.contrast / dots.stroke.contrast
    if not best.stroke.score:
        raise ImageError("too_much_ink" if best.contrast.mean() > 0.2 else "no_ink")
    return _measure_ink(tone, best)


def _is_drawing(tone: np.ndarray) -> bool:
    """Whether the picture was drawn on a canvas: most of it has one tone.

    At most a few short strokes may reach its border.
    """
    deviation = np.abs(tone - np.median(tone))
    runs, count = ndimage.label(_rim(deviation) > 20)
    longest = np.bincount(runs)[1:].max(initial=0)
    return bool(np.mean(deviation < 3) > 0.6 and count < 6 and longest < 0.25 * min(tone.shape))


@dataclass(frozen=True)
class _Stroke:
    """Measurements of a stroke of ink.

    score: how certainly this is a stroke. contrast: of its ink. thickness: pixels of the full
    picture.
    """

    score: float = 0
    contrast: float = 0
    thickness: float = 0


@dataclass(frozen=True)
class _Islands:
    """Islands of ink in a picture.

    contrast: of the islands (H, W), dark ones or, if `light`, light ones. stroke: the best one
    among them.
    """

    contrast: np.ndarray
    stroke: _Stroke
    light: bool


def _score(islands: _Islands) -> float:
    return islands.stroke.score


def _find_islands(tone: np.ndarray, light: bool, with_rim: bool) -> _Islands:
    ground = 255 - tone if light else tone
    paper = _paper(ground, with_rim)
    contrast = _contrast(ground, paper, np.percentile(tone, 99.9) if light else paper)
    return _Islands(contrast, _strongest_stroke(contrast, min_length=0.03), light)


def _join_dots(islands: _Islands) -> _Islands:
    contrast = ndimage.maximum_filter(islands.contrast, round(0.06 * min(islands.contrast.shape)))
    return _Islands(contrast, _strongest_stroke(contrast, min_length=0.2), islands.light)


def _measure_ink(tone: np.ndarray, islands: _Islands) -> np.ndarray:
    """The ink (H, W), measured again against the paper close by.

    The strokes' thickness is known now, and paper close by shows the light at the ink better.
    """
    ground = 255 - tone if islands.light else tone
    window = 2 * round(islands.stroke.thickness) + 5
    paper = ndimage.grey_closing(ground, (window, window), mode="nearest")
    contrast = _contrast(
        ground, paper, _chalk_brightness(tone, 255 - paper) if islands.light else paper
    )
    island = np.clip(islands.contrast / (0.3 * islands.stroke.contrast), 0, 1)
    strong = max(float(np.percentile(contrast[island == 1], 75)), MIN_CONTRAST / 2)
    ink = np.minimum(island * contrast / strong, 1)
    return _strengthen_pale_ink(
        ink, reach=round(2 * islands.stroke.thickness) + max(tone.shape) // 50
    )


def _strengthen_pale_ink(ink: np.ndarray, reach: int) -> np.ndarray:
    """The ink (H, W) with the pale parts of strokes strengthened, and what is only pale removed."""
    strongest_nearby = ndimage.maximum_filter(ink, 1 + reach)
    strengthened = ink / np.clip(strongest_nearby, 0.4, 1)
    labels, count = ndimage.label(strengthened > INK_THRESHOLD, NEIGHBOURS)
    somewhere_strong = np.zeros(count + 1, bool)
    somewhere_strong[labels[ink >= INK_THRESHOLD]] = True
    return np.where(somewhere_strong[labels] | (labels == 0), strengthened, 0)


def _contrast(tone: np.ndarray, paper: np.ndarray, white: np.ndarray | float) -> np.ndarray:
    """How much darker each pixel is than its paper, as a part of the white there, in 0..1."""
    return np.minimum(
        (paper - tone) / np.maximum(white, max(10, 0.4 * np.percentile(white, 95))), 1
    )


def _chalk_brightness(tone: np.ndarray, board: np.ndarray) -> np.ndarray:
    """How bright white chalk would be at each pixel, judged by how well lit the board is there.

    Shadows dim ink and paper by the same factor: dark ink is measured against its own paper, but a
    board can be black.
    """
    light = (board + 10) / (np.median(board) + 10)
    return np.percentile(tone, 99.9) * np.clip(light, 1 / 3, 1)


def _rim(picture: np.ndarray) -> np.ndarray:
    return np.concatenate([picture[0], picture[-1], picture[:, 0], picture[:, -1]])


def _paper(tone: np.ndarray, with_rim: bool) -> np.ndarray:
    """The paper (H, W) under the ink: the picture with its dark islands filled.

    Islands are filled by morphological reconstruction, and dark things narrower than 0.4 of the
    shorter side by a grey closing. with_rim: a rim of paper is laid around the picture first, so
    that ink at its border is an island too.
    """
    scale = min(1, SKETCH_SIDE / max(tone.shape))
    sketch = _resize(
        tone, max(1, round(tone.shape[0] * scale)), max(1, round(tone.shape[1] * scale))
    )
    narrow = max(3, round(0.4 * min(sketch.shape)))
    rim = np.percentile(_rim(sketch), 75)
    filled = (
        _fill_islands(np.pad(sketch, 1, constant_values=rim))[1:-1, 1:-1]
        if with_rim
        else _fill_islands(sketch)
    )
    paper = np.minimum(filled, ndimage.grey_closing(sketch, narrow, mode="nearest"))
    if scale < 1:  # the lighter side of an edge must not spill over it when the sketch is enlarged
        paper = _resize(ndimage.minimum_filter(paper, 3), *tone.shape)
    return np.maximum(paper, tone)


def _resize(picture: np.ndarray, height: int, width: int) -> np.ndarray:
    shrinks = height < picture.shape[0]
    method = Image.Resampling.BOX if shrinks else Image.Resampling.BILINEAR
    return np.asarray(Image.fromarray(picture).resize((width, height), method))


def _fill_islands(mask: np.ndarray, rounds: int = 25) -> np.ndarray:
    """Morphological reconstruction by erosion from the border: dark islands are filled.

    Every pixel gets the lowest level at which a path leads from it to the border, the level of a
    path being its highest pixel. Swept in four directions until nothing changes, or `rounds` times:
    long winding paths would need more, and make no difference. Own code, since scikit-image would
    be needed for nothing else.
    """
    marker = np.full_like(mask, 255)
    marker[[0, -1]], marker[:, [0, -1]] = mask[[0, -1]], mask[:, [0, -1]]
    transposed = np.ascontiguousarray(mask.T)
    for _ in range(rounds):
        before = marker
        marker = _geodesic_erosion(
            _geodesic_erosion(marker.copy(), mask).T.copy(), transposed
        ).T.copy()
        if np.count_nonzero(before != marker) < 1e-3 * marker.size:
            break
    return marker


def _geodesic_erosion(marker: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Geodesic erosion of the marker under the mask, swept down and up, in place.

    No row stays higher than its neighbour, unless the mask itself is.
    """
    for rows, mask_rows in ((marker, mask), (marker[::-1], mask[::-1])):
        above = rows[0]
        for row, floor in zip(rows[1:], mask_rows[1:], strict=True):
            np.minimum(row, above, out=row)
            np.maximum(row, floor, out=row)
            above = row
    return marker


def _strongest_stroke(contrast: np.ndarray, min_length: float) -> _Stroke:
    """The shape that looks most like a stroke of ink, at any threshold; score 0 where none does.

    min_length: length, as a part of the shorter side, of what may be a stroke. The score is length
    times contrast: a faint long crease loses against ink, and so does a black speck.
    """
    pool = pool_size(contrast.shape)
    contrast = max_pool(contrast)
    faintest = max(MIN_CONTRAST, 6 * float(np.median(contrast)))
    best = _Stroke()
    for threshold in np.geomspace(0.6, MIN_CONTRAST / 2, 8):
        for shape in connected_components(
            contrast > threshold, max(5, min_length * min(contrast.shape))
        )[:4]:
            peak = float(np.percentile(contrast[shape.box][shape.mask], 90))
            score = peak * shape.stature
            if (
                score < best.score
                or peak < faintest
                or not shape.is_stroke
                or is_surroundings(shape, contrast.shape)
            ):
                continue
            if _has_sharp_edge(shape, contrast, threshold):
                best = _Stroke(score, peak, 2 * pool * float(shape.depth.max()))
    return best


def _has_sharp_edge(shape: Shape, contrast: np.ndarray, threshold: float) -> bool:
    """Whether the edge of the ink is only a few pixels wide, unlike that of a shadow or glare."""
    window = tuple(slice(max(0, side.start - 6), side.stop + 6) for side in shape.box)
    mask = np.zeros(contrast.shape, bool)
    mask[shape.box] = shape.mask
    distance = distance_transform(~mask[window])
    around = contrast[window][(distance > 2) & (distance < 6)]
    # The edge of a thick shape must be crisp all around: half of a bright spot's may be, where a
    # shadow cuts it.
    share = 50 if shape.thickness < 0.25 else 80
    return not around.size or float(np.percentile(around, share)) < threshold / 2


# --- the new drawing of the digit


def _draw_centred(ink: np.ndarray, height: int, width: int) -> np.ndarray:
    """The digit (height, width) in 0..1 in MNIST's form: scaled to its box, centred by mass.

    It is drawn anew from the distance of each point to the edge of the ink, which gives pencil and
    marker alike a white core, a soft edge and the thickness of a pen.
    """
    inner = round(BOX_SHARE * min(height, width))
    scale = float(np.clip(1, *(fineness * inner / max(ink.shape) for fineness in DRAWING_FINENESS)))
    size = [max(1, round(side * scale)) for side in ink.shape[::-1]]
    drawing = np.asarray(
        Image.fromarray(ink.astype(np.float32)).resize(size, Image.Resampling.BICUBIC)
    )
    drawing = np.pad(
        drawing, 2 + round(max(drawing.shape) / 5)
    )  # room for thin strokes to be widened
    solid = drawing > min(INK_THRESHOLD, drawing.max() / 2)
    inside, outside = distance_transform(solid), distance_transform(~solid)
    pixel = _longer_side(solid) / inner  # a pixel of the model, measured in this drawing
    # in a bar, the mean distance to the edge is a quarter of it
    thickness = (4 * inside[solid].mean() - 2) / pixel
    depth = inside - outside + (np.clip(thickness, *STROKE_THICKNESS) - thickness) / 2 * pixel
    # pixels that are touched count for the box, as in MNIST
    pixel = _longer_side(depth > 0) / (inner - 0.5)
    soft = np.clip(0.5 + depth / (EDGE_WIDTH * pixel), 0, 1)

    # Cut a window of the model's shape around the centre of mass, yet not through the digit. It is
    # half a pixel off the window's middle, as in MNIST: there its mean is row 14 and column 14,
    # counted from 0 to 27.
    window = np.array([height, width]) * pixel
    ((rows, columns),) = ndimage.find_objects((depth > 0).astype(np.int8))
    first, last = np.array([rows.start, columns.start]), np.array([rows.stop, columns.stop])
    start = np.clip(
        np.array(ndimage.center_of_mass(soft)) + 0.5 - (window + pixel) / 2, last - window, first
    )
    room = int(window.max()) + 1
    top, left = start + room
    around = Image.fromarray(np.pad(soft.astype(np.float32), room))
    box = (left, top, left + window[1], top + window[0])
    return np.asarray(around.resize((width, height), Image.Resampling.BOX, box=box))


def _longer_side(mask: np.ndarray) -> int:
    return int(max(np.ptp(np.flatnonzero(mask.any(axis))) + 1 for axis in (0, 1)))
