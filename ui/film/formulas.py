"""Formulas of a network's parts, as MathML. Pure."""

from vae.config import VAEConfig

_BAR = '<mo lspace="0" rspace="0">|</mo>'
_NORMAL = '<mi mathvariant="normal">N</mi>'


def of_part(part: str, config: VAEConfig, *, is_mean: bool = False) -> str:
    """The formula of a part of this network, as MathML. is_mean: whether z is the mean of q."""
    if part in _POINT and (config.autoencoder or (is_mean and part == "sampling")):
        return _math(_POINT[part])
    if part == "decoder":
        return _math(_BERNOULLI if config.binarised else _LOGISTIC)
    return _math(_FORMULAS[part])


def _math(content: str) -> str:
    return f'<math display="block">{content}</math>'


def _of(function: str, argument: str) -> str:
    return f"{function}<mo>(</mo>{argument}<mo>)</mo>"


def _subscript(base: str, index: str) -> str:
    return f"<msub>{base}{index}</msub>"


_X, _Z, _P, _Q = (f"<mi>{letter}</mi>" for letter in "xzpq")
_MEAN, _DEVIATION, _EPS = "<mi>μ</mi>", "<mi>σ</mi>", "<mi>ε</mi>"
_Q_OF_Z = _of(_Q, f"{_Z}{_BAR}{_X}")
_P_OF_X = _of(_P, f"{_X}{_BAR}{_Z}")
_SQUARED_DEVIATION = f"<msup>{_DEVIATION}<mn>2</mn></msup>"
_PRIOR = _of(_NORMAL, "<mn>0</mn><mo>,</mo><mi>I</mi>")
_PIXEL, _DIMENSION = "<mi>i</mi>", "<mi>d</mi>"
_EXPECTED = _subscript(f"<mover>{_X}<mo>^</mo></mover>", _PIXEL)

_FORMULAS = {
    "encoder": f"{_Q_OF_Z}<mo>=</mo>"
    + _of(
        _NORMAL,
        f"{_of(_MEAN, _X)}<mo>,</mo><mi>diag</mi>{_of(_SQUARED_DEVIATION, _X)}",
    ),
    "code": (
        f"{_subscript('<mi>KL</mi>', _DIMENSION)}<mo>=</mo>"
        "<mfrac><mn>1</mn><mn>2</mn></mfrac><mo>(</mo>"
        f"<msubsup>{_MEAN}{_DIMENSION}<mn>2</mn></msubsup><mo>+</mo>"
        f"<msubsup>{_DEVIATION}{_DIMENSION}<mn>2</mn></msubsup><mo>−</mo><mn>1</mn><mo>−</mo>"
        f"<mi>ln</mi><msubsup>{_DEVIATION}{_DIMENSION}<mn>2</mn></msubsup><mo>)</mo>"
    ),
    "sampling": (
        f"{_Z}<mo>=</mo>{_MEAN}<mo>+</mo>{_DEVIATION}<mo>·</mo>{_EPS}<mo>,</mo>"
        f"<mspace width='1em'/>{_EPS}<mo>~</mo>{_PRIOR}"
    ),
    "distortion": (
        f"<mo>−</mo>{_subscript('<mi>E</mi>', _Q_OF_Z)}<mo>[</mo><mi>log</mi>"
        f"<mspace width='0.15em'/>{_P_OF_X}<mo>]</mo>"
    ),
    "rate": (
        f"{_of('<mi>KL</mi>', f'{_Q_OF_Z}<mo>‖</mo>{_of(_P, _Z)}')}<mo>=</mo>"
        f"<munder><mo>∑</mo>{_DIMENSION}</munder>{_subscript('<mi>KL</mi>', _DIMENSION)}"
    ),
}
_BERNOULLI = (
    f"{_P_OF_X}<mo>=</mo><munder><mo>∏</mo>{_PIXEL}</munder>"
    f"<msubsup><mover>{_X}<mo>^</mo></mover>{_PIXEL}{_subscript(_X, _PIXEL)}</msubsup>"
    f"<msup><mrow><mo>(</mo><mn>1</mn><mo>−</mo>{_EXPECTED}<mo>)</mo></mrow>"
    f"<mrow><mn>1</mn><mo>−</mo>{_subscript(_X, _PIXEL)}</mrow></msup>"
)
_LOGISTIC = (
    f"{_P_OF_X}<mo>=</mo><munder><mo>∏</mo>{_PIXEL}</munder><mi>P</mi><mo>(</mo>"
    f"{_subscript(_X, _PIXEL)}<mo>−</mo><mi>½</mi><mo>&lt;</mo>{_subscript('<mi>L</mi>', _PIXEL)}"
    f"<mo>≤</mo>{_subscript(_X, _PIXEL)}<mo>+</mo><mi>½</mi><mo>)</mo><mo>,</mo>"
    f"<mspace width='1em'/>{_subscript('<mi>L</mi>', _PIXEL)}<mo>~</mo><mi>logistic</mi><mo>(</mo>"
    f"{_subscript('<mi>m</mi>', _PIXEL)}<mo>,</mo>{_subscript('<mi>s</mi>', _PIXEL)}<mo>)</mo>"
)
_POINT = {
    "encoder": f"{_Z}<mo>=</mo>{_of(_MEAN, _X)}",
    "sampling": f"{_Z}<mo>=</mo>{_MEAN}",
    "distortion": f"<mo>−</mo><mi>log</mi><mspace width='0.15em'/>{_P_OF_X}",
}
