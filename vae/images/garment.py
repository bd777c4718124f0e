"""One garment, cut out from a photograph and made like those of Fashion-MNIST.

That is: light on black, as large as fits. Those pictures were product photographs on white, turned
negative. So the steps here are: which pixels are garment (GrabCut, Rother et al. 2004, from OpenCV,
started from what differs from the surface that reaches the border), how much darker or lighter than
that surface they are, and the garment's box fitted into the picture.
"""

import numpy as np
from PIL import Image
from scipy import ndimage

from vae.images.errors import ImageError
from vae.images.framing import Framing

WORKING_SIDE = 320  # pixels of the longer side; twelve times the model's
RIM_SHARE = 0.04  # of the shorter side, taken for surface
MIN_SHARE, MAX_SHARE = 0.01, 0.85  # of the picture, covered by the garment
MIN_PIECE = 0.1  # share of the largest piece; smaller ones are not part of the garment
BRIGHT_LEVEL = 230  # the brightest parts of most pictures of the data set lie there
MIN_CONTRAST = 8  # grey levels between garment and surface that are no noise
MIN_WHITE = 60  # grey level; the surface's white is never taken as darker
DARK_SURFACE = 110  # grey level; a surface below it shows garments as they are, light on dark
MAX_GAIN = 4.0  # beyond it, noise would be garment
# OpenCV's names for them are GC_BGD and so on
_SURFACE, _GARMENT, _PROBABLY_SURFACE, _PROBABLY_GARMENT = (0, 1, 2, 3)


def garment(
    picture: np.ndarray, height: int, width: int, framing: Framing
) -> list[tuple[str, np.ndarray]]:
    """The stages from a picture (H, W, 3) uint8 to a garment (height, width) uint8, with names.

    The garment is the last one. Raises ImageError where nothing stands out from the surface, or
    everything does.
    """
    if framing.mirrored:
        picture = np.ascontiguousarray(picture[:, ::-1])
    grey = np.asarray(Image.fromarray(picture).convert("L"))
    if _is_finished(grey, height, width):
        return [("centred", grey)]
    image = Image.fromarray(picture)
    image.thumbnail((WORKING_SIDE, WORKING_SIDE), Image.Resampling.BOX)
    small = np.asarray(image)
    mask, surface = _segment(small)
    light = _lightness(small, mask, surface)
    cutout = np.where(mask[..., None], small, 0).astype(np.uint8)
    return [
        ("cut_out", cutout),
        ("light", light),
        ("centred", _fit_centred(light, mask, height, width)),
    ]


def _is_finished(grey: np.ndarray, height: int, width: int) -> bool:
    """Whether a picture has the data set's form already: its size, light on black corners."""
    corners = grey[[0, 0, -1, -1], [0, -1, 0, -1]]
    return (
        grey.shape == (height, width)
        and grey.max() >= 64
        and bool((np.sort(corners)[:3] < 16).all())
    )


def _segment(picture: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The garment's mask (H, W) bool, and the surface without it (H, W, 3) float32."""
    import cv2  # here, so that the app starts without its delay

    rim = np.zeros(picture.shape[:2], bool)
    edge = max(2, round(RIM_SHARE * min(rim.shape)))
    rim[:edge] = rim[-edge:] = rim[:, :edge] = rim[:, -edge:] = True
    surface = _fit_surface(picture, rim)
    difference = _colour_difference(picture, surface)
    usual = np.percentile(difference[rim], 75)
    # what separates two groups best
    level, _ = cv2.threshold((difference / 2).astype(np.uint8), 0, 255, cv2.THRESH_OTSU)
    threshold = max(2 * level, 2.5 * usual, 12)
    marks = np.where(difference > threshold, _PROBABLY_GARMENT, _PROBABLY_SURFACE).astype(np.uint8)
    marks[difference < 1.2 * usual] = _SURFACE
    marks[rim & (difference < threshold)] = _SURFACE
    sure = ndimage.binary_erosion(difference > 1.5 * threshold, iterations=2)
    marks[sure & ~rim] = _GARMENT
    if np.count_nonzero(marks & 1) < MIN_SHARE * marks.size / 2:
        raise ImageError("no_garment")
    # GrabCut starts from random clusters: with a fixed seed the same picture always gives the same
    # garment.
    cv2.setRNGSeed(0)
    cv2.grabCut(
        np.ascontiguousarray(picture),
        marks,
        (0, 0, 0, 0),  # the rectangle, which the marks replace
        np.zeros((1, 65)),
        np.zeros((1, 65)),
        4,
        cv2.GC_INIT_WITH_MASK,
    )
    mask = _clean_mask((marks & 1).astype(bool))
    share = mask.mean()
    if share < MIN_SHARE:
        raise ImageError("no_garment")
    if share > MAX_SHARE or mask[rim].mean() > 0.5:
        raise ImageError("no_surface")
    return mask, surface


def _fit_surface(picture: np.ndarray, rim: np.ndarray) -> np.ndarray:
    """A plane fitted to the colours of the rim, robust against what lies on it.

    A plane, because light falls off across a table.
    """
    rows, columns = np.indices(rim.shape)
    position = np.stack(
        [np.ones(rim.shape), rows / rim.shape[0] - 0.5, columns / rim.shape[1] - 0.5], axis=-1
    )
    inside, colours = position[rim], picture[rim].astype(np.float64)
    is_inlier = np.ones(len(inside), bool)
    for _ in range(5):
        plane, *_ = np.linalg.lstsq(inside[is_inlier], colours[is_inlier], rcond=None)
        error = np.abs(inside @ plane - colours).max(1)
        is_inlier = error <= max(10, 1.5 * np.median(error))
    return np.clip(position @ plane, 0, 255).astype(np.float32)


def _colour_difference(picture: np.ndarray, surface: np.ndarray) -> np.ndarray:
    """How far each pixel is from the surface's colour, in grey levels, apart from soft shadows.

    A shadow dims all colours by one factor, and not by much: what such a factor explains is taken
    off.
    """
    colours = ndimage.gaussian_filter(picture.astype(np.float32), (1, 1, 0))
    distance = np.linalg.norm(colours - surface, axis=-1)
    factor = np.clip(
        (colours * surface).sum(-1) / np.maximum((surface * surface).sum(-1), 1), 0.65, 1
    )
    unexplained = np.linalg.norm(colours - factor[..., None] * surface, axis=-1)
    return np.minimum(distance, unexplained + 0.3 * (distance - unexplained).clip(min=0))


def _clean_mask(mask: np.ndarray) -> np.ndarray:
    """The garment's mask without crumbs: the largest pieces, their pinholes closed."""
    labels, count = ndimage.label(ndimage.binary_opening(mask, iterations=1))
    if not count:
        return np.zeros_like(mask)
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    is_garment = (sizes >= MIN_PIECE * sizes.max())[labels]
    holes, count = ndimage.label(~is_garment)
    small = np.bincount(holes.ravel()) < 0.002 * mask.size
    return is_garment | (small[holes] & ~is_garment)


def _lightness(picture: np.ndarray, mask: np.ndarray, surface: np.ndarray) -> np.ndarray:
    """(H, W) uint8: how much the garment differs in light from what it lies on; black around it.

    The data set's pictures are negatives of photographs on white, so what is dark comes out light.
    """
    weights = np.array([0.299, 0.587, 0.114], np.float32)
    tone, ground = picture.astype(np.float32) @ weights, surface @ weights
    if np.median(tone[mask]) < np.median(ground[mask]):
        # no darker than the garment's light parts
        white = max(MIN_WHITE, np.percentile(tone[mask], 97))
        contrast = np.maximum(ground, white) - tone
    elif ground[mask].mean() < DARK_SURFACE:
        contrast = tone - 0.5 * ground
    else:
        contrast = np.abs(tone - ground)  # by the data set's rule a white shirt would vanish
    contrast = np.where(mask, contrast.clip(min=0), 0)
    brightest = float(np.percentile(contrast[mask], 95))
    if brightest < MIN_CONTRAST:
        raise ImageError("no_garment")
    gain = min(BRIGHT_LEVEL / brightest, MAX_GAIN)
    return np.clip(np.rint(gain * contrast), 0, 255).astype(np.uint8)


def _fit_centred(light: np.ndarray, mask: np.ndarray, height: int, width: int) -> np.ndarray:
    """The garment's box, its longer side as long as the picture's, in the middle."""
    ((rows, columns),) = ndimage.find_objects(mask.astype(np.int8))
    box = Image.fromarray(light[rows, columns])
    scale = min(width / box.width, height / box.height)
    size = (max(1, round(scale * box.width)), max(1, round(scale * box.height)))
    result = Image.new("L", (width, height))
    result.paste(
        box.resize(size, Image.Resampling.LANCZOS if scale < 1 else Image.Resampling.BICUBIC),
        ((width - size[0]) // 2, (height - size[1]) // 2),
    )
    return np.asarray(result)
