"""Pages of the app, in the order of the navigation, and the file of each."""

from pathlib import Path

LAB = ("playground", "map", "dimensions", "path")
_ROOMS = {
    "step1": "step1_pixels",
    "step2": "step2_plane",
    "step3": "step3_posterior",
    "step4": "step4_variational",
    "step5": "step5_evidence",
    "step6": "step6_reparameterisation",
    "step7": "step7_holes",
    "misconceptions": "misconceptions",
    "teacher": "teacher",
}
STEPS = ("step1", "step2", "step3", "step4", "step5", "step6", "step7")
LESSON = (*STEPS, "misconceptions")
SECTIONS = {"lab": LAB, "lesson": LESSON, "teacher": ("teacher",)}
_UI = Path(__file__).parents[1]


def sections(only: object) -> dict[str, tuple[str, ...]]:
    """Names of the pages in each section of the navigation.

    only: "lesson" for a link that shows the lesson alone.
    """
    return {"lesson": LESSON} if only == "lesson" else SECTIONS


def file(name: str) -> str:
    """Absolute path of a page's script: a host may start the app from a file in another folder."""
    room = _UI / "lab" / f"{name}.py" if name in LAB else _UI / "lesson" / _ROOMS[name] / "page.py"
    return str(room)
