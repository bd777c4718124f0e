"""Connected components of ink, and which of them together are one digit."""

from dataclasses import dataclass
from functools import cached_property
from itertools import combinations

import numpy as np
from scipy import ndimage

from vae.images.errors import ImageError

INK_THRESHOLD = 0.45  # of the digit's full contrast: darker is ink, lighter is paper
SKETCH_SIDE = 450  # pixels of the longer side at which shapes are looked for
MAX_COMPONENTS = 2000  # components in one sketch, beyond which it is noise
MAX_PIECES = 60  # shapes of some size, beyond which it is no page of digits but a pattern
NEIGHBOURS = np.ones((3, 3))  # diagonal neighbours belong to the same stroke


@dataclass(frozen=True)
class Shape:
    """A connected component.

    box: rows and columns where it lies. mask: its pixels (bool) in the box.
    """

    box: tuple[slice, slice]
    mask: np.ndarray

    @property
    def size(self) -> int:
        """Longer side of its box, pixels."""
        return max(self.mask.shape)

    @property
    def stature(self) -> int:
        """Stature of its box: the longer side, but at most twice the height."""
        return _stature(*self.mask.shape)

    @cached_property
    def area(self) -> int:
        """Number of its pixels."""
        return int(np.count_nonzero(self.mask))

    @cached_property
    def depth(self) -> np.ndarray:
        """Distance of each of its pixels from the nearest pixel outside.

        The pores of a mottled shape are closed first, so that they do not count as outside.
        """
        pore = self.size // 50
        whole = np.pad(self.mask, 1 + pore)
        if pore:  # a morphological closing by so many steps
            whole = (
                distance_transform(distance_transform(~whole, steps=True) <= pore, steps=True)
                > pore
            )
        return distance_transform(whole)[1 + pore : -1 - pore, 1 + pore : -1 - pore]

    @property
    def thickness(self) -> float:
        """Thickness of its thickest place, as a part of the longer side.

        0.05 for a pen, 0.25 for bold print, 1 for a dot.
        """
        return 2 * float(self.depth.max()) / self.size

    @property
    def is_stroke(self) -> bool:
        return self.thickness < 0.5

    @cached_property
    def outline(self) -> np.ndarray:
        """Rows and columns (N, 2) of its outermost pixels."""
        corner = np.array([self.box[0].start, self.box[1].start])
        return np.argwhere(self.mask & ~ndimage.binary_erosion(self.mask)) + corner


def _stature(height: int, width: int) -> int:
    """The longer side, but at most twice the height.

    Digits stand; creases, table edges and ruled lines lie.
    """
    return min(max(height, width), 2 * height)


def distance_transform(mask: np.ndarray, steps: bool = False) -> np.ndarray:
    """Distance transform: from each pixel (H, W) of the mask to the nearest one outside, float32.

    0 outside. Euclidean, or with `steps` in steps to one of the four neighbours. What lies beyond
    the picture is not outside.
    """
    # imported here, so that the app starts without its delay; ten times as fast as SciPy's
    import cv2

    way = (cv2.DIST_L1, 3) if steps else (cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return cv2.distanceTransform(mask.astype(np.uint8), *way)


def pool_size(shape: tuple[int, ...]) -> int:
    """How many pixels of a picture's side make one of its sketch."""
    return max(1, round(max(shape) / SKETCH_SIDE))


def max_pool(picture: np.ndarray) -> np.ndarray:
    """The picture (H, W) reduced to a sketch by max pooling, so that thin lines survive."""
    pool = pool_size(picture.shape)
    height, width = picture.shape[0] // pool, picture.shape[1] // pool
    return picture[: height * pool, : width * pool].reshape(height, pool, width, pool).max((1, 3))


def connected_components(mask: np.ndarray, min_size: float = 1) -> list[Shape]:
    """The connected components whose longer side has at least so many pixels, the longest first.

    Empty where there are so many that they are mere grain.
    """
    labels, count = ndimage.label(mask, NEIGHBOURS)
    if count > MAX_COMPONENTS:
        return []
    shapes = []
    for label, box in enumerate(ndimage.find_objects(labels), start=1):
        if max(side.stop - side.start for side in box) >= min_size:
            shapes.append(Shape(box, labels[box] == label))
    return sorted(shapes, key=lambda shape: -shape.size)


def segment_digit(ink: np.ndarray) -> np.ndarray:
    """The part of the ink (H, W) in 0..1 that is the digit, cropped, without all other ink.

    Raises ImageError where several digits stand, or nothing like one.
    """
    sketch = max_pool(ink) > INK_THRESHOLD
    shapes = connected_components(sketch)
    if not shapes:
        raise ImageError("too_much_ink" if sketch.any() else "no_ink")
    shapes = [shape for shape in shapes if not is_surroundings(shape, sketch.shape)] or shapes
    strokes = [shape for shape in shapes[:20] if shape.is_stroke] or shapes[:1]
    main = max(strokes, key=lambda shape: shape.stature)
    pieces = [shape for shape in shapes if shape is main or _may_be_ink(shape, main)]
    if len(pieces) > MAX_PIECES or sketch.mean() > 0.4:
        raise ImageError("too_much_ink")
    largest, *others = _cluster(pieces)
    count = largest.digits_in_a_row + sum(group.is_digit_beside(largest) for group in others)
    if count > 1:
        raise ImageError("many_shapes", count=count)
    return _mask_pieces(ink, largest.pieces, sketch.shape)


def is_surroundings(shape: Shape, frame: tuple[int, ...]) -> bool:
    """Whether a shape belongs to the surroundings of the paper.

    Tables and dark corners lie along the border, ruled lines run across.
    """
    if shape.thickness < 0.02 and any(
        side == slice(0, length) for side, length in zip(shape.box, frame, strict=True)
    ):
        return True
    rim = 0.06 * min(frame)
    if any(
        side.stop <= rim or side.start >= length - rim
        for side, length in zip(shape.box, frame, strict=True)
    ):
        return True
    (rows, columns), (height, width), mask = shape.box, frame, shape.mask
    ends = [(mask[0], rows.start == 0), (mask[-1], rows.stop == height)]
    ends += [(mask[:, 0], columns.start == 0), (mask[:, -1], columns.stop == width)]
    return any(touches and np.count_nonzero(end) > 0.8 * shape.size for end, touches in ends)


def _may_be_ink(shape: Shape, main: Shape) -> bool:
    """Whether a shape is neither dust (small) nor a coin or a thumb (large and round)."""
    return shape.area > 0.02 * main.area and (shape.size < 0.5 * main.size or shape.is_stroke)


def _mask_pieces(ink: np.ndarray, pieces: tuple[Shape, ...], sketch: tuple[int, ...]) -> np.ndarray:
    """The ink on and beside these pieces of its sketch."""
    near = np.zeros(sketch, bool)
    for piece in pieces:
        near[piece.box] |= piece.mask
    pool = pool_size(ink.shape)
    near = near.repeat(pool, 0).repeat(pool, 1)
    near = np.pad(
        near, [(0, whole - part) for whole, part in zip(ink.shape, near.shape, strict=True)]
    )
    near = ndimage.binary_dilation(near, NEIGHBOURS, iterations=2)  # the soft edge of the ink
    box = ndimage.find_objects(near.astype(np.int8))[0]
    return (ink * near)[box]


@dataclass(frozen=True)
class _Group:
    """Shapes that are taken for one thing."""

    pieces: tuple[Shape, ...]

    @cached_property
    def box(self) -> tuple[int, int, int, int]:
        """The bounding box: top, bottom, left, right."""
        rows, columns = zip(*(piece.box for piece in self.pieces), strict=True)
        top, left = (min(side.start for side in sides) for sides in (rows, columns))
        bottom, right = (max(side.stop for side in sides) for sides in (rows, columns))
        return top, bottom, left, right

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
        return _stature(self.height, self.width)

    def is_digit_beside(self, largest: "_Group") -> bool:
        return self.stature > 0.35 * largest.stature and any(
            piece.is_stroke for piece in self.pieces
        )

    @property
    def digits_in_a_row(self) -> int:
        """How many digits stand here so close together that their gaps do not tell.

        These are tall pieces that together are wider than high.
        """
        tall = sum(piece.mask.shape[0] > 0.7 * self.height for piece in self.pieces)
        return tall if tall > 1 and self.width > 1.05 * self.height else 1


def _cluster(pieces: list[Shape]) -> list[_Group]:
    """The pieces clustered by distance, the nearest first, into one group for each thing.

    The largest group comes first.
    """
    groups, gaps = [_Group((piece,)) for piece in pieces], _pairwise_gaps(pieces)
    while True:
        near = [
            (one, other)
            for one, other in combinations(range(len(groups)), 2)
            if gaps[one, other] <= _joining_distance(groups[one], groups[other])
        ]
        if not near:
            return sorted(groups, key=lambda group: -group.stature)
        one, other = min(near, key=lambda pair: gaps[pair])
        joined = np.minimum(gaps[one], gaps[other])
        others = [index for index in range(len(groups)) if index not in (one, other)]
        gaps = np.block(
            [
                [gaps[np.ix_(others, others)], joined[others, None]],
                [joined[None, others], np.zeros((1, 1))],
            ]
        )
        groups = [groups[index] for index in others] + [
            _Group(groups[one].pieces + groups[other].pieces)
        ]


def _pairwise_gaps(pieces: list[Shape]) -> np.ndarray:
    """(N, N): the shortest distance between any two pieces, in pixels; 0 where outlines touch."""
    if len(pieces) < 2:
        return np.zeros((len(pieces), len(pieces)))
    outlines = [piece.outline for piece in pieces]
    starts = np.cumsum([0] + [len(outline) for outline in outlines[:-1]])
    rows, columns = np.concatenate(outlines).T
    gaps = []
    for piece in pieces:
        elsewhere = np.ones((rows.max() + 1, columns.max() + 1), bool)
        elsewhere[piece.box] = ~piece.mask
        gaps.append(np.minimum.reduceat(distance_transform(elsewhere)[rows, columns], starts) - 1)
    return np.array(gaps)


def _joining_distance(one: _Group, other: _Group) -> float:
    """The largest gap, pixels, at which two groups may be pieces of one digit.

    A stroke torn by a dry pen leaves a small gap. The bar of a 5 lies farther off, but is much
    smaller than the rest, and the two halves of a broken 8 lie on top of each other: digits in a
    row do neither. The smallest specks must lie nearest.
    """
    beside = _interval_distance(one.box[2:], other.box[2:])
    smaller, larger = sorted((one.size, other.size))
    stacked = -beside > 0.5 * min(one.width, other.width)
    share = 0.05 if smaller < 0.12 * larger else 0.25 if stacked or smaller < 0.6 * larger else 0.1
    return share * larger


def _interval_distance(one: tuple[int, ...], other: tuple[int, ...]) -> int:
    """Distance between two intervals (start, stop) of a line; negative where they overlap."""
    return max(one[0], other[0]) - min(one[1], other[1])
