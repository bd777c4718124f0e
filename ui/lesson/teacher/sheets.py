"""Lesson plan, worksheet and answer key. Pure.

Words around the numbers of vae.experiments.lesson.worksheet.
"""

import html
import re

from markdown_it import MarkdownIt

from ui.service import navigation
from ui.text import Text
from ui.view.qr_code import qr_code
from vae.experiments.lesson import worksheet
from vae.experiments.lesson.worksheet import Solutions

# 45 minutes in all.
MINUTES = {
    "step1": 5,
    "step2": 5,
    "step3": 8,
    "step4": 8,
    "step5": 6,
    "step6": 5,
    "step7": 4,
    "misconceptions": 4,
}
RAISED = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
TASKS = (*navigation.STEPS, "playground", "misconceptions")
STYLE = (
    """
@page { size: A4; margin: 18mm; }
body { font: 11pt/1.45 "Helvetica Neue", Arial, """
    """"Noto Sans KR", "Apple SD Gothic Neo", "Malgun Gothic", sans-serif;
  max-width: 175mm; margin: 1.5rem auto; padding: 0 1rem; color: #1d2129; background: #fff; }
h1 { font-size: 17pt; margin: 0 0 0.4rem; }
header { display: flex; gap: 1.2rem; align-items: flex-start; justify-content: space-between; }
header img { width: 28mm; flex: none; }
.who { display: flex; gap: 2rem; margin: 0.8rem 0; }
.who span { flex: 2; border-bottom: 1px solid #888; }
.who span + span { flex: 1; }
a { color: inherit; overflow-wrap: anywhere; font-size: 8.5pt; }
section { break-inside: avoid; margin-top: 0.9rem; }
h2 { font-size: 11.5pt; margin: 0; }
section p { margin: 0.2rem 0; }
.room { height: 22mm; border-bottom: 1px solid #bbb; }
.answer { border-left: 3px solid #2474B5; padding-left: 0.7rem; }
@media print { body { margin: 0; padding: 0; max-width: none; } }
"""
)


def plan(text: Text, solved: Solutions) -> list[tuple[int, str, str]]:
    """Minutes, page and activity of each part, in order."""
    return [
        (minutes, name, _raised(text(f"plan.{name}", **_values(text, solved))))
        for name, minutes in MINUTES.items()
    ]


def tasks(text: Text, solved: Solutions, *, lab: bool = True) -> list[tuple[str, str, str]]:
    """Page, question and answer of each task, in Markdown.

    lab: whether the class has the lab's pages.
    """
    values = _values(text, solved)
    return [
        (name, _raised(text(f"task.{name}", **values)), _raised(text(f"solution.{name}", **values)))
        for name in TASKS
        if lab or name not in navigation.LAB
    ]


def page(
    text: Text,
    solved: Solutions,
    *,
    example: str,
    seed: int,
    address: str,
    answers: bool,
    lab: bool = True,
) -> str:
    """The worksheet or the answer key, as a self-contained HTML page for A4."""
    markdown = MarkdownIt("js-default")  # which escapes all HTML
    title = text("sheet.key_title") if answers else text("sheet.title")
    sections = "".join(
        f"<section><h2>{number}. "
        f"{html.escape(text('sheet.where', page=text(f'pages.{name}')))}</h2>"
        f"{markdown.render(task)}"
        + (
            f'<div class="answer">{markdown.render(solution)}</div>'
            if answers
            else '<div class="room"></div>'
        )
        + "</section>"
        for number, (name, task, solution) in enumerate(tasks(text, solved, lab=lab), 1)
    )
    who = (
        f'<div class="who"><span>{text("sheet.name")}</span><span>{text("sheet.date")}</span></div>'
    )
    link = html.escape(address)
    about = html.escape(text("sheet.about", example=example, seed=seed))
    return (
        f'<!doctype html><html lang="{text.language}"><head><meta charset="utf-8">'
        f"<title>{title}</title>"
        f'<meta name="viewport" content="width=device-width"><style>{STYLE}</style></head><body>'
        f'<header><div><h1>{title}</h1><p>{about}</p><a href="{link}">{link}</a></div>'
        f'<img src="{qr_code(address).svg_data_uri(border=2)}"'
        f' alt="{html.escape(text("share.qr"))}"></header>'
        f"{'' if answers else who}{sections}</body></html>"
    )


def _raised(sentence: str) -> str:
    """A sentence with its powers of ten as superscripts."""
    return re.sub(r"\^(\d+)", lambda power: power[1].translate(RAISED), sentence)


def _values(text: Text, solved: Solutions) -> dict[str, object]:
    """All numbers of the sentences."""
    averages = ", ".join(
        text(
            "solution.average",
            beta=now.beta,
            rate=now.rate,
            distortion=now.distortion,
            negative_elbo=now.negative_elbo,
        )
        for now in solved.averages
    )
    return {
        "pixels": solved.pixels,
        "digits": f"{solved.digits:.0f}",
        "uniform": solved.uniform,
        "x": solved.place[0],
        "y": solved.place[1],
        "fit": solved.fit,
        "evidence": solved.log_evidence,
        "elbo": -solved.negative_elbo,
        "negative_evidence": -solved.log_evidence,
        "distortion": solved.distortion,
        "rate": solved.rate,
        "negative_elbo": solved.negative_elbo,
        "gap": solved.gap,
        "mean": solved.mean,
        "log_variance": solved.log_variance,
        "deviation": solved.deviation,
        "variance": solved.variance,
        "eps": solved.eps,
        "z": solved.z,
        "wrong_z": solved.wrong_z,
        "divergences": "; ".join(f"{nats:.3f}" for nats in solved.divergences),
        "betas": ", ".join(f"{beta:g}" for beta in worksheet.SETTINGS),
        "averages": averages,
        "best": solved.best_average.beta,
        "foster": solved.foster,
        "foster_pixels": worksheet.FOSTER_PIXELS,
    }
