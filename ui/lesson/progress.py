"""The student's progress: answers and revealed steps, in the link of every page.

A copied address keeps them.
"""

from ui.widgets import link


def answers() -> dict[str, str]:
    """The chosen letter of each question: ?answers=prior_draws-b,which_kl-c."""
    pairs = (word.rpartition("-") for word in link.words("answers"))
    return {name: letter for name, _, letter in pairs if name}


def answer(question: str, letter: str | None) -> None:
    """Note the answer to a question; None removes it."""
    if answers().get(question) == letter:
        return
    given = {name: chosen for name, chosen in answers().items() if name != question} | (
        {question: letter} if letter else {}
    )
    link.set_words("answers", [f"{name}-{chosen}" for name, chosen in given.items()])


def is_revealed(step: str) -> bool:
    """Whether this step's answer was revealed: ?seen=step1,step2."""
    return step in link.words("seen")


def set_revealed(step: str, revealed: bool) -> None:
    """Note whether this step's answer is revealed."""
    others = [name for name in link.words("seen") if name != step]
    if is_revealed(step) != revealed:
        link.set_words("seen", others + [step] * revealed)
