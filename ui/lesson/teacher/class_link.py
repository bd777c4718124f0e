"""A link that opens the app with a teacher's settings for a class."""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit, urlunsplit

from ui.service import addresses, navigation
from ui.service.validation import DEFAULT_SEED


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
        return addresses.with_query(
            urlunsplit((parts.scheme, parts.netloc, path, "", "")),
            {key: value for key, value in settings.items() if value not in (None, "")},
        )
