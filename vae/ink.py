"""One handwritten digit, found in a photo, scan or drawing and made like those of MNIST: white ink on black, centred.

A photo of paper holds more than ink: shadows, a desk, ruled lines, dust. The steps below rest on three facts. Ink is
an island: whoever walks from it to the border of the picture has to cross paper, while shadows, desk and ruled lines
run to the border themselves (`_paper`). Ink comes in strokes: long, thin and sharp (`_strongest_stroke`). And the
pieces of one digit lie closer together than two digits do (`_belongs`).
"""

from dataclasses import dataclass
from functools import cached_property
from itertools import combinations

import numpy as np
from PIL import Image
from scipy import ndimage
from scipy.spatial import cKDTree

from vae.image_error import ImageError

BOX = 20 / 28  # MNIST: the digit fills 20 of 28 pixels
STROKES = (2.0, 4.2)  # thickness in the model's pixels that ink is brought into; the middle 80 % of MNIST
INK = 0.45  # of the digit's full contrast: darker is ink, lighter is paper
FAINTEST = 0.06  # contrast, as a part of the paper's brightness, below which a stroke is texture or noise
SKETCH = 450  # pixels of the longer side on which the paper is modelled and strokes are looked for
GRAIN = 2000  # shapes in one sketch
TOUCHING = np.ones((3, 3))  # diagonal neighbours belong to the same stroke


def digit(picture: np.ndarray, height: int, width: int) -> list[tuple[str, np.ndarray]]:
    """The stages from a picture (H, W, 3) uint8 to a digit (height, width) uint8, in order, each with its name.

    Raises ImageError where there is no ink, more than one shape, or nothing like a digit.
    """
    luminance = np.asarray(Image.fromarray(picture).convert("L"))
    if _is_finished(luminance, height, width):
        return [("centred", luminance)]
    grey = _telling_grey(picture)
    ink = _ink(grey)
    crop = _one_digit(ink)
    return [
        ("grey", _bytes(grey / 255)),
        ("ink", _bytes(ink)),
        ("cropped", _bytes(crop)),
        ("centred", _bytes(_centred(crop, height, width))),
    ]


def _bytes(fraction: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(fraction * 255), 0, 255).astype(np.uint8)


def _is_finished(grey: np.ndarray, height: int, width: int) -> bool:
    """Whether a picture is a digit of the data set already: its size, white ink, a black rim, its mass in the middle."""
    if grey.shape != (height, width) or grey.max() < 128:
        return False
    off_centre = np.subtract(ndimage.center_of_mass(grey.astype(float)), (height / 2, width / 2))
    return bool(_rim(grey).mean() < 16 and np.abs(off_centre).max() < 0.6)  # MNIST: below 8, and at most 0.5


def _telling_grey(picture: np.ndarray) -> np.ndarray:
    """Grey (H, W) float32 in 0..255: the mixture of red, green and blue in which details differ the most.

    Plain luminance loses a yellow pen on white paper, or a red one on blue. No colour is subtracted: a shadow dims a
    sum of colours by one factor, and so it can be divided out later.
    """
    coarse = picture[:: 1 + picture.shape[0] // 200, :: 1 + picture.shape[1] // 200].astype(np.float64)
    around = ndimage.uniform_filter(coarse, (3 + coarse.shape[0] // 8, 3 + coarse.shape[1] // 8, 0))
    detail = (coarse - around).reshape(-1, 3)
    detail *= np.linalg.norm(detail, axis=1, keepdims=True)  # strong details count, noise does not
    mixture = np.linalg.eigh(detail.T @ detail + 1.0)[1][:, -1]  # + 1: an even picture gets equal parts
    mixture = np.maximum(mixture * np.sign(mixture.sum()), 0)
    return picture.astype(np.float32) @ (mixture / mixture.sum()).astype(np.float32)


# --- where the ink is -------------------------------------------------------------------------------------------------


def _ink(grey: np.ndarray) -> np.ndarray:
    """How much ink lies on each pixel (H, W), from 0, paper, to 1, the full contrast of the strongest stroke."""
    blur = max(grey.shape) / 1500
    tone = ndimage.gaussian_filter(grey, blur) if blur > 0.3 else grey  # evens out lines thinner than a pixel
    # Ink that runs off the picture is no island, and dots are no strokes: both are tried when all else has failed.
    for framed, joined in ((False, 1), (True, 1), (False, round(0.06 * min(grey.shape)))):
        candidates = []
        for light in (False, True):
            ground = 255 - tone if light else tone
            paper = _paper(ground, framed)
            white = np.percentile(tone, 99.9) if light else paper
            contrast = ndimage.maximum_filter(_contrast(ground, paper, white), joined)
            candidates.append((_strongest_stroke(contrast), light, contrast))
        stroke, light, contrast = max(candidates, key=lambda candidate: candidate[0].score)
        if stroke.score:
            break
    else:
        raise ImageError("no_ink")
    islands = np.clip(contrast / (0.3 * stroke.contrast), 0, 1)
    if joined > 1:
        return np.clip(contrast / stroke.contrast, 0, 1)
    # Now that the thickness is known: the paper close by tells more about the light than that around the island.
    ground = 255 - tone if light else tone
    close = 2 * round(stroke.thickness) + 5
    paper = ndimage.grey_closing(ground, (close, close), mode="nearest")
    contrast = _contrast(ground, paper, _full_brightness(tone, 255 - paper) if light else paper)
    contrast = islands * contrast / np.percentile(contrast[islands == 1], 75)
    return _even(np.minimum(contrast, 1), reach=round(2 * stroke.thickness) + max(grey.shape) // 50)


def _even(ink: np.ndarray, reach: int) -> np.ndarray:
    """The ink (H, W) with pale stretches of a stroke made as strong as the rest, and all that is only pale taken away."""
    strongest_nearby = ndimage.maximum_filter(ink, 1 + reach)
    even = ink / np.clip(strongest_nearby, 0.4, 1)
    labels, count = ndimage.label(even > INK, TOUCHING)
    somewhere_strong = np.zeros(count + 1, bool)
    somewhere_strong[labels[ink >= INK]] = True
    return np.where(somewhere_strong[labels] | (labels == 0), even, 0)


def _contrast(tone: np.ndarray, paper: np.ndarray, white: np.ndarray | float) -> np.ndarray:
    """How much darker each pixel is than its paper, as a part of what is white there, in 0..1."""
    return np.minimum((paper - tone) / np.maximum(white, max(10, 0.25 * np.percentile(white, 95))), 1)


def _full_brightness(tone: np.ndarray, board: np.ndarray) -> np.ndarray:
    """How bright white chalk would be at each pixel, judged by how well lit the board is there.

    Shadows dim ink and paper by the same factor: dark ink is measured against its own paper, but a board can be black.
    """
    light = (board + 10) / (np.median(board) + 10)
    return np.percentile(tone, 99.9) * np.clip(light, 1 / 3, 1)


def _rim(picture: np.ndarray) -> np.ndarray:
    return np.concatenate([picture[0], picture[-1], picture[:, 0], picture[:, -1]])


def _paper(tone: np.ndarray, framed: bool) -> np.ndarray:
    """The picture (H, W) without its dark islands, and without dark things narrower than 0.4 of its shorter side.

    framed: a rim of paper is laid around the picture first, so that ink at its border is an island too.
    """
    if framed:
        return _paper(np.pad(tone, 1, constant_values=np.percentile(_rim(tone), 75)), False)[1:-1, 1:-1]
    scale = min(1, SKETCH / max(tone.shape))
    sketch = _resized(tone, max(1, round(tone.shape[0] * scale)), max(1, round(tone.shape[1] * scale)))
    narrow = max(3, round(0.4 * min(sketch.shape)))
    paper = np.minimum(_flooded(sketch), ndimage.grey_closing(sketch, narrow, mode="nearest"))
    if scale < 1:  # the lighter side of an edge must not spill over it when the sketch is enlarged
        paper = _resized(ndimage.minimum_filter(paper, 3), *tone.shape)
    return np.maximum(paper, tone)


def _resized(picture: np.ndarray, height: int, width: int) -> np.ndarray:
    shrinks = height < picture.shape[0]
    method = Image.Resampling.BOX if shrinks else Image.Resampling.BILINEAR
    return np.asarray(Image.fromarray(picture).resize((width, height), method))


def _flooded(land: np.ndarray, rounds: int = 25) -> np.ndarray:
    """The level at which water would stand on this land after endless rain, if it may run off at the border.

    Swept in four directions until nothing changes; long winding valleys would need more rounds than they are worth.
    """
    water = np.full_like(land, 255)
    water[[0, -1]], water[:, [0, -1]] = land[[0, -1]], land[:, [0, -1]]
    land_turned = np.ascontiguousarray(land.T)
    for _ in range(rounds):
        before = water
        water = _drained(_drained(water.copy(), land).T.copy(), land_turned).T.copy()
        if np.count_nonzero(before != water) < 1e-3 * water.size:
            break
    return water


def _drained(water: np.ndarray, land: np.ndarray) -> np.ndarray:
    """One sweep down and one up, in place: no row stands higher than its neighbour, unless its own land does."""
    for downhill, ground in ((water, land), (water[::-1], land[::-1])):
        for row in range(1, len(downhill)):
            np.minimum(downhill[row], downhill[row - 1], out=downhill[row])
            np.maximum(downhill[row], ground[row], out=downhill[row])
    return water


def _pooled(picture: np.ndarray) -> np.ndarray:
    """The picture at about the size of a sketch, each pixel the largest of those it stands for: thin lines survive."""
    pool = _pool(picture.shape)
    height, width = picture.shape[0] // pool, picture.shape[1] // pool
    return picture[: height * pool, : width * pool].reshape(height, pool, width, pool).max((1, 3))


def _pool(shape: tuple[int, ...]) -> int:
    return max(1, round(max(shape) / SKETCH))


@dataclass(frozen=True)
class _Stroke:
    """score: how surely this is a stroke. contrast: of its ink. thickness: pixels of the full picture."""

    score: float = 0
    contrast: float = 0
    thickness: float = 0


def _strongest_stroke(contrast: np.ndarray) -> _Stroke:
    """What looks most like a stroke of ink, at any threshold; its score is zero where nothing does.

    The score is length times contrast: a faint long crease loses against ink, and so does a black speck.
    """
    pool = _pool(contrast.shape)
    contrast = _pooled(contrast)
    least = max(5, 0.03 * min(contrast.shape))
    faintest = max(FAINTEST, 6 * float(np.median(contrast)))
    best = _Stroke()
    for threshold in np.geomspace(0.6, FAINTEST / 2, 8):
        for shape in _shapes(contrast > threshold, least)[:4]:
            peak = float(np.percentile(contrast[shape.box][shape.mask], 90))
            score = peak * shape.stature
            if score > best.score and peak > faintest and shape.thickness < 0.5 and _is_crisp(shape, contrast, threshold):
                best = _Stroke(score, peak, 2 * pool * float(shape.depth.max()))
    return best


def _is_crisp(shape: "_Shape", contrast: np.ndarray, threshold: float) -> bool:
    """Whether the ink ends within a few pixels, as no shadow and no glare does."""
    window = tuple(slice(max(0, side.start - 6), side.stop + 6) for side in shape.box)
    mask = np.zeros(contrast.shape, bool)
    mask[shape.box] = shape.mask
    away = ndimage.distance_transform_edt(~mask[window])
    around = contrast[window][(away > 2) & (away < 6)]
    return not around.size or float(np.median(around)) < threshold / 2


# --- which of it is the digit -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Shape:
    """A connected set of pixels. box: where it lies. mask: its pixels in the box."""

    box: tuple[slice, slice]
    mask: np.ndarray

    @property
    def size(self) -> int:
        return max(self.mask.shape)

    @property
    def stature(self) -> int:
        """The longer side, but little for a line that lies: digits stand; creases, table edges and ruled lines lie."""
        return min(self.size, 2 * self.mask.shape[0])

    @property
    def area(self) -> int:
        return int(np.count_nonzero(self.mask))

    @cached_property
    def depth(self) -> np.ndarray:
        """Distance of each of its pixels from the nearest pixel outside, not counting the pores of a mottled shape."""
        pore = self.size // 50
        whole = ndimage.binary_closing(np.pad(self.mask, 1 + pore), iterations=pore) if pore else np.pad(self.mask, 1)
        return ndimage.distance_transform_edt(whole)[1 + pore : -1 - pore, 1 + pore : -1 - pore]

    @property
    def thickness(self) -> float:
        """Of the thickest place, as a part of the longer side: 0.05 for a pen, 0.25 for bold print, 1 for a dot."""
        return 2 * float(self.depth.max()) / self.size

    @cached_property
    def outline(self) -> np.ndarray:
        return np.argwhere(self.mask & ~ndimage.binary_erosion(self.mask)) + (self.box[0].start, self.box[1].start)


def _shapes(mask: np.ndarray, least: float = 1) -> list[_Shape]:
    """The connected shapes whose longer side has at least so many pixels, the longest first; of mere grain, none."""
    labels, count = ndimage.label(mask, TOUCHING)
    if count > GRAIN:
        return []
    boxes = list(enumerate(ndimage.find_objects(labels), start=1))
    sizes = [max(box[0].stop - box[0].start, box[1].stop - box[1].start) for _, box in boxes]
    order = sorted((index for index, size in enumerate(sizes) if size >= least), key=lambda index: -sizes[index])
    return [_Shape(boxes[index][1], labels[boxes[index][1]] == boxes[index][0]) for index in order]


def _one_digit(ink: np.ndarray) -> np.ndarray:
    """The part of the picture that holds the digit, with all other ink wiped away. Raises ImageError for many shapes."""
    sketch = _pooled(ink) > INK
    shapes = _shapes(sketch)
    if not shapes:
        raise ImageError("too_much_ink")
    shapes = [shape for shape in shapes if not _at_the_rim(shape, sketch.shape)] or shapes
    strokes = [shape for shape in shapes[:20] if shape.thickness < 0.5] or shapes[:1]
    longest = max(strokes, key=lambda shape: shape.stature)
    # Coins, thumbs and ink blots are large and round; dust is small.
    pieces = [
        shape
        for shape in shapes
        if shape is longest
        or (shape.area > 0.02 * longest.area and (shape.size < 0.3 * longest.size or shape.thickness < 0.5))
    ]
    if len(pieces) > 60 or sketch.mean() > 0.4:
        raise ImageError("too_much_ink")
    groups = _grouped(pieces)
    count = sum(group.stature > 0.35 * groups[0].stature for group in groups)
    count += groups[0].side_by_side - 1
    if count > 1:
        raise ImageError("many_shapes", count=count)
    near = np.zeros(sketch.shape, bool)
    for piece in groups[0].pieces:
        near[piece.box] |= piece.mask
    pool = _pool(ink.shape)
    near = ndimage.binary_dilation(near.repeat(pool, 0).repeat(pool, 1), TOUCHING, iterations=2)
    near = np.pad(near, [(0, whole - part) for whole, part in zip(ink.shape, near.shape)])
    box = ndimage.find_objects(near.astype(np.int8))[0]
    return (ink * near)[box]


def _at_the_rim(shape: _Shape, frame: tuple[int, ...]) -> bool:
    """Whether it lies wholly in the outermost 6 % of the picture, where tables and page edges show."""
    rim = 0.06 * min(frame)
    return any(side.stop <= rim or side.start >= length - rim for side, length in zip(shape.box, frame))


@dataclass(frozen=True)
class _Group:
    """Pieces of ink that are taken for one thing."""

    pieces: tuple[_Shape, ...]

    @cached_property
    def box(self) -> tuple[int, int, int, int]:
        """top, bottom, left, right"""
        rows, columns = zip(*(piece.box for piece in self.pieces))
        return (
            min(row.start for row in rows),
            max(row.stop for row in rows),
            min(column.start for column in columns),
            max(column.stop for column in columns),
        )

    @property
    def height(self) -> int:
        return self.box[1] - self.box[0]

    @property
    def width(self) -> int:
        return self.box[3] - self.box[2]

    @property
    def size(self) -> int:
        return max(self.height, self.width)

    @property
    def stature(self) -> int:
        return min(self.size, 2 * self.height)

    @cached_property
    def outline(self) -> np.ndarray:
        return np.concatenate([piece.outline for piece in self.pieces])

    @property
    def side_by_side(self) -> int:
        """How many digits stand in a row here, so close that their gap does not tell: tall pieces, and wider than high."""
        tall = sum(piece.mask.shape[0] > 0.7 * self.height for piece in self.pieces)
        return tall if tall > 1 and self.width > 1.05 * self.height else 1


def _grouped(pieces: list[_Shape]) -> list[_Group]:
    """The pieces joined, the nearest first, into what looks like one thing each; the largest thing comes first."""
    groups = [_Group((piece,)) for piece in pieces]
    joined = True
    while joined:
        joined = False
        near = sorted(
            ((gap, one, other) for one, other in combinations(range(len(groups)), 2)
             if (gap := _gap(groups[one], groups[other])) <= _reach(groups[one], groups[other])),
        )
        if near:
            _, one, other = near[0]
            merged = _Group(groups[one].pieces + groups[other].pieces)
            groups = [group for index, group in enumerate(groups) if index not in (one, other)] + [merged]
            joined = True
    return sorted(groups, key=lambda group: -group.stature)


def _gap(one: _Group, other: _Group) -> float:
    """The shortest way from one to the other, in pixels; infinite where they are plainly too far apart to belong."""
    (top, bottom, left, right), (t, b, l, r) = one.box, other.box
    if max(t - bottom, top - b, l - right, left - r) > max(one.size, other.size) / 4:
        return np.inf
    return float(cKDTree(one.outline).query(other.outline)[0].min()) - 1


def _reach(one: _Group, other: _Group) -> float:
    """How far apart two pieces of one digit may lie, in pixels.

    A stroke torn by a dry pen leaves a small gap. The bar of a 5 lies farther off, but is much smaller than the rest,
    and the two halves of a broken 8 lie on top of each other: digits in a row do neither.
    """
    (_, _, left, right), (_, _, l, r) = one.box, other.box
    stacked = min(right, r) - max(left, l) > 0.5 * min(one.width, other.width)
    smaller, larger = sorted((one.size, other.size))
    if smaller < 0.12 * larger:
        return 0.05 * larger
    return (0.25 if stacked or smaller < 0.6 * larger else 0.1) * larger


# --- how it is drawn anew ---------------------------------------------------------------------------------------------


def _centred(ink: np.ndarray, height: int, width: int) -> np.ndarray:
    """The digit (height, width) in 0..1 as MNIST has it: fitted into its box, pen-thick, mass in the middle.

    It is drawn anew from the distance of each point to the edge of the ink, which gives pencil and marker alike a
    white core and a soft edge of one pixel.
    """
    inner = round(BOX * min(height, width))
    enlarged = max(1, 8 * inner / max(ink.shape))
    size = [max(1, round(side * enlarged)) for side in ink.shape[::-1]]
    solid = np.asarray(Image.fromarray(ink.astype(np.float32)).resize(size, Image.Resampling.BICUBIC)) > INK
    solid = np.pad(solid, 2 + round(max(solid.shape) / 5))
    inside, outside = ndimage.distance_transform_edt(solid), ndimage.distance_transform_edt(~solid)
    pixel = _longer_side(solid) / inner  # a pixel of the model, measured in this enlarged drawing
    thickness = (4 * inside[solid].mean() - 2) / pixel  # the mean distance to the edge is a quarter of a bar's thickness
    grown = (np.clip(thickness, *STROKES) - thickness) / 2 * pixel
    depth = inside - outside + grown
    pixel = _longer_side(depth > 0) / inner
    soft = np.clip(0.5 + depth / pixel, 0, 1)

    # A window of the model's shape around the centre of mass; half a pixel aside, as in MNIST, whose means are 14, 14.
    middle = np.array(ndimage.center_of_mass(soft)) + 0.5 - pixel / 2
    frame = np.array([height, width]) * pixel
    room = int(frame.max()) + 1
    top, left = middle - frame / 2 + room
    window = Image.fromarray(np.pad(soft, room).astype(np.float32))
    box = (left, top, left + frame[1], top + frame[0])
    return np.asarray(window.resize((width, height), Image.Resampling.BOX, box=box))


def _longer_side(mask: np.ndarray) -> int:
    return int(max(np.ptp(np.flatnonzero(mask.any(axis))) + 1 for axis in (0, 1)))
