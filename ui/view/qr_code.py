"""QR codes of links. Pure."""

import io

import segno

SCALE = 6  # pixels a module


def qr_code(address: str) -> segno.QRCode:
    """The link as a QR code, which can be read with a sixth of it covered."""
    return segno.make(address, error="m", micro=False)


def svg_file(code: segno.QRCode) -> bytes:
    """The QR code as an SVG file, on white: a picture in any program, also on a dark page."""
    file = io.BytesIO()
    code.save(file, kind="svg", scale=SCALE, light="white")
    return file.getvalue()
