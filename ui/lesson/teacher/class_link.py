"""A link that opens the app with a teacher's settings for a class."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit, urlunsplit

import segno

from ui.service import navigation
from ui.service.validation import DEFAULT_SEED

QR_SCALE = 6  # pixels a module


@dataclass(frozen=True)
class ClassLink:
    """A teacher's settings for a class.

    page: opens first. hide: controls that are not drawn. lesson_only: without the pages of the lab.
    model: of the lab's pages, None for the default. beta: where it can be moved.
    """

    page: str
    beta: float
    seed: int
    language: str
    example: str
    model: str | None = None
    hide: Sequence[str] = ()
    lesson_only: bool = False

    def address(self, here: str) -> str:
        """The link. here: address of the teacher's page.

        The app's default beta and seed are left out.
        """
        only = "lesson" if self.lesson_only else None
        first = next(iter(navigation.sections(only).values()))[0]
        settings = {
            "model": self.model,
            "beta": f"{self.beta:g}" if self.beta != 1 else None,
            "seed": self.seed if self.seed != DEFAULT_SEED else None,
            "example": self.example,
            "lang": self.language,
            "hide": ",".join(self.hide),
            "only": only,
        }
        parts = urlsplit(here)
        path = parts.path.rpartition("/")[0] + ("/" if self.page == first else f"/{self.page}")
        query = urlencode(
            {key: value for key, value in settings.items() if value not in (None, "")}, safe=","
        )
        return urlunsplit((parts.scheme, parts.netloc, path, query, ""))


def qr_code(address: str) -> segno.QRCode:
    """The link as a QR code, which can be read with a sixth of it covered."""
    return segno.make(address, error="m", micro=False)


def svg_file(code: segno.QRCode) -> bytes:
    """The QR code as an SVG file, on white: a picture in any program, also on a dark page."""
    file = io.BytesIO()
    code.save(file, kind="svg", scale=QR_SCALE, light="white")
    return file.getvalue()
