"""What can be wrong with an uploaded picture: one code and one English sentence for each."""

ERROR_SENTENCES: dict[str, str] = {
    "empty": "The file is empty; choose a picture again.",
    "too_many_bytes": (
        "The file has {megabytes} MB, the limit is {limit_megabytes} MB; save the picture smaller."
    ),
    "too_many_pixels": (
        "The picture has more than {limit_megapixels} million pixels; 1000 × 1000 are plenty."
    ),
    "too_small": (
        "The picture has {width} × {height} pixels, too few to read; each side needs at least "
        "{least}."
    ),
    "not_a_picture": (
        "The file is not a picture that can be read here; save it as PNG or JPEG and try again."
    ),
    "damaged": (
        "The picture file is damaged or breaks off early; save it anew as PNG or JPEG and try "
        "again."
    ),
    "too_slow": "The picture takes too long to unpack; save it anew as PNG or JPEG and try again.",
    "no_garment": (
        "No garment found, nothing stands out; lay one garment on a plain surface of another "
        "colour."
    ),
    "no_surface": (
        "No surface found around the garment; leave a margin on all sides and a plain surface "
        "beneath it."
    ),
    "no_ink": (
        "No ink found, the picture looks like one even surface; write one digit with a darker or "
        "thicker pen."
    ),
    "too_much_ink": (
        "No clear digit found, the picture is too busy; write one digit large on plain paper."
    ),
    "many_shapes": "I see {count} separate shapes; crop the picture so that it shows one digit.",
}


class ImageError(ValueError):
    """A file that cannot become a model's picture.

    str(error) is one English sentence: what is wrong, and what would work. code: stable key, one of
    ERROR_SENTENCES, by which the app finds its own words. details: what its placeholders need.
    """

    def __init__(self, code: str, **details: int | float | str) -> None:
        super().__init__(ERROR_SENTENCES[code].format(**details))
        self.code = code
        self.details = details
