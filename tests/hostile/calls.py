"""Seeded bodies that a stranger may send to the API.

Values of every kind, files and addresses, broken JSON.
"""

import json
import random

ENDPOINTS = ("models", "encode", "decode", "reconstruct", "sample", "rate_distortion")
_NAMES = (
    "picture",
    "model",
    "beta",
    "seed",
    "draw",
    "use_mean",
    "latents",
    "count",
    "temperature",
    "draw_pixels",
    "nonsense",
    "oauth_token",
    "session_hash",
    "data",
    "path",
    "meta",
    "__class__",
    "",
)
_WORDS = (
    "mnist",
    "faces",
    "mnist-2d",
    "mnist-2d-autoencoder",
    "7",
    "",
    "/etc/passwd",
    "../../../../etc/passwd",
    "http://127.0.0.1/",
    "file:///etc/passwd",
    "data:image/png;base64,AAAA",
    "A" * 5_000,
    "\x00",
    "𝔘",
    "{}",
    "[]",
    "null",
    "NaN",
    "'; drop table",
    "\ud800",
)
_NUMBERS = (
    0,
    1,
    -1,
    7,
    64,
    65,
    0.01,
    50,
    1e308,
    -1e308,
    10**40,
    1e-320,
    float("nan"),
    float("inf"),
    2**63,
    True,
    False,
    None,
)


def file_data(path: str, dice: random.Random) -> dict[str, object]:
    """What Gradio takes for a file, spelt in one of several ways."""
    found: dict[str, object] = {"path": path, "meta": {"_type": "gradio.FileData"}}
    extra: dict[str, object] = dice.choice(
        [
            {},
            {"url": path},
            {"orig_name": "x.png"},
            {"is_stream": True},
            {"mime_type": "image/svg+xml"},
        ]
    )
    return dict(dice.sample(list((found | extra).items()), len(found | extra)))


def value(dice: random.Random, depth: int = 0) -> object:
    """Any JSON value, sometimes nested."""
    kind = dice.randrange(8 if depth < 3 else 4)
    if kind < 2:
        return dice.choice(_WORDS)
    if kind < 4:
        return dice.choice(_NUMBERS)
    if kind < 6:
        return [value(dice, depth + 1) for _ in range(dice.randrange(5))]
    if kind == 6:
        return file_data(dice.choice(_WORDS), dice)
    return {dice.choice(_NAMES): value(dice, depth + 1) for _ in range(dice.randrange(4))}


def escaped(text: str) -> str:
    """JSON with every letter of its words written as an escape.

    A search for a word in the bytes then finds nothing.
    """
    inside, found = False, []
    for before, letter in zip(" " + text, text, strict=False):
        if letter == '"' and before != "\\":
            inside = not inside
        found.append(
            f"\\u{ord(letter):04x}" if inside and letter.isalpha() and before != "\\" else letter
        )
    return "".join(found)


def call(dice: random.Random) -> tuple[str, bytes]:
    """A path below the address of the app, and a body."""
    name = dice.choice((*ENDPOINTS, "view", "take", "nothing", "..", "%2e%2e"))
    kind = dice.randrange(5)
    body: object
    if kind == 0:
        path, body = f"call/{name}", {"data": [value(dice) for _ in range(dice.randrange(8))]}
    elif kind <= 2:
        path, body = (
            f"call/v2/{name}",
            {dice.choice(_NAMES): value(dice) for _ in range(dice.randrange(5))},
        )
    elif kind == 3:
        path = "queue/join"
        body = {
            "data": [value(dice) for _ in range(dice.randrange(10))],
            "fn_index": dice.choice([*range(20), -1, 10**9, "x", None]),
            "session_hash": dice.choice(["hostile", None, 7, "x" * 300]),
            "event_data": value(dice),
            "trigger_id": value(dice),
        }
    else:
        path, body = dice.choice(["cancel", "reset", "queue/join", f"call/{name}"]), value(dice)
    text = json.dumps(body)
    if dice.random() < 0.2:
        text = escaped(text)
    if dice.random() < 0.1:  # broken off, or something in its middle
        at = dice.randrange(len(text) + 1)
        text = text[:at] + dice.choice(["", "}", "[" * 500, "\x00", ",,"]) + text[at + 1 :]
    return path, text.encode("utf-8", "surrogatepass")
