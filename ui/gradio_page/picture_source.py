"""Gradio component for upload, drawing and camera, without a file on the server.

Gradio's own picture components send a file to an upload address, which writes it to a folder, and
open it with Pillow. Here the browser sends the bytes with the event itself: they are only ever in
memory, and vae.images is the first to look at them.
"""

import gradio as gr

import vae
from ui.gradio_page.scripts import script
from ui.text import LANGUAGES, Text

KINDS = ("upload", "draw", "camera")


def picture_source(kind: str) -> gr.HTML:
    """A component that sends a picture with its `input` event.

    Event data: picture, a data URI; or problem, "no_camera" or "too_large". kind: one of KINDS.
    """
    megabytes = vae.images.MAX_BYTES >> 20
    strings = {language: _strings(Text(language), megabytes) for language in LANGUAGES}
    settings = {"kind": kind, "most_bytes": vae.images.MAX_BYTES, "text": strings}
    return gr.HTML(
        html_template='<div class="picture-source"></div>',
        js_on_load=script("picture_source", settings),
        apply_default_css=False,
        elem_id=f"source-{kind}",
    )


def _strings(text: Text, megabytes: int) -> dict[str, str]:
    return {
        "choose": text("source.choose"),
        "choose_help": text("picture.upload_help", megabytes=megabytes),
        "draw": text("source.draw"),
        "clear": text("source.clear"),
        "start": text("source.start"),
        "take": text("source.take"),
    }
