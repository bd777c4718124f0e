"""Which pages there are, in the order of the navigation. Pure."""

from pathlib import Path

LAB = ("playground", "map", "dimensions", "path")
STEPS = ("step1", "step2", "step3", "step4", "step5", "step6", "step7")
LESSON = (*STEPS, "misconceptions")
SECTIONS = {"lab": LAB, "lesson": LESSON, "teacher": ("teacher",)}


def sections(only: object) -> dict[str, tuple[str, ...]]:
    """The sections of the navigation; of a link made for the lesson only, that one."""
    return {"lesson": LESSON} if only == "lesson" else SECTIONS


def file(name: str) -> str:
    """Where a page lies. The whole path: a host may start the app from a file in another folder."""
    return str(Path(__file__).parent / "pages" / f"{name}.py")
