"""VAE Lab as Gradio Blocks: python gradio_app.py [--share]; in a notebook from gradio_app import demo; demo.launch()."""

import argparse
import importlib.util
import os
import sys

import gradio as gr

from ui.blocks import guard, sessions
from ui.blocks.api import add_endpoints
from ui.blocks.page import CSS, Page, translations
from ui.text import DEFAULT, Text

AT_ONCE = max(2, os.cpu_count() or 2)  # computations of pages; as many of the API, which therefore never holds up a page
QUEUE = 300  # that wait; a class of thirty in which everybody moves a slider has fewer
TRANSLATIONS = translations()
# What both launch() and mount_gradio_app() take. Runs would otherwise be kept in the visitor's browser.
OPTIONS = {
    "i18n": TRANSLATIONS, "css": CSS, "run_history": False, "show_error": False, "ssr_mode": False,
    "footer_links": ["api"], "app_kwargs": {"middleware": guard.middleware(lambda: demo)},
    "theme": gr.themes.Default(primary_hue="blue", font=["system-ui", "sans-serif"], font_mono=["ui-monospace", "monospace"]),
}


class Lab(gr.Blocks):
    """Blocks that also in a notebook are launched with their own strings and limits, and log nothing that they are given."""

    def validate_inputs(self, block_fn: object, inputs: list[object]) -> None:
        """Gradio's own check would print the values that came, also a picture, into the log."""
        if len(inputs) < len(block_fn.inputs):
            sentence = Text(DEFAULT)("api.few", name=block_fn.api_name, needed=len(block_fn.inputs), count=len(inputs))
            raise gr.Error(sentence, print_exception=False)

    def launch(self, *arguments: object, **options: object) -> object:
        limits = {"state_session_capacity": sessions.MOST_SESSIONS, "max_threads": 2 * AT_ONCE}
        return super().launch(*arguments, **(OPTIONS | limits | options))


def build() -> Lab:
    """The page and the API."""
    with Lab(title="VAE Lab", analytics_enabled=False, fill_width=True) as blocks:
        Page(blocks, TRANSLATIONS)
        add_endpoints(blocks)
    blocks.state_session_capacity = sessions.MOST_SESSIONS
    return blocks.queue(max_size=QUEUE, default_concurrency_limit=AT_ONCE, api_open=False)


demo = build()


def main(arguments: list[str] | None = None) -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description="The playground and its API in Gradio.")
    parser.add_argument("--share", action="store_true", help="a public link for the length of a lesson, at most a week")
    parser.add_argument("--mcp", action="store_true", help="the API as tools for language models (MCP)")
    parser.add_argument("--host", default="127.0.0.1", help="0.0.0.0 lets other machines in (default: %(default)s)")
    parser.add_argument("--port", type=int, help="default: the first free one from 7860")
    chosen = parser.parse_args(arguments)
    if chosen.mcp and importlib.util.find_spec("mcp") is None:
        sys.exit(f'--mcp needs one more package: python -m pip install "gradio[mcp]=={gr.__version__}"')
    demo.launch(share=chosen.share, mcp_server=chosen.mcp, server_name=chosen.host, server_port=chosen.port)


if __name__ == "__main__":
    main()
