"""Both front ends in one process: Streamlit at /, Gradio and its API at /gradio.

uvicorn asgi:app --port 7860
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import gradio as gr
import streamlit as st
from fastapi import FastAPI, Request
from fastapi.responses import RedirectResponse

from gradio_app import OPTIONS, QUOTAS, demo
from ui.gradio_page.guard import Headers
from ui.lesson import ahead
from ui.widgets import first_visit, uploads

uploads.install_limits(QUOTAS)
pages = st.App(Path(__file__).parent / "app.py")


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Start Streamlit, and draw its pages ahead of the first visitor."""
    async with pages.lifespan()(app):
        first_visit.start(ahead.views, ahead.films)
        yield


app = FastAPI(lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None)
app.add_middleware(Headers)


@app.get("/gradio")
def with_a_slash(request: Request) -> RedirectResponse:
    """Redirect to the path with a slash; Streamlit would take the other for one of its pages."""
    return RedirectResponse(request.url.replace(path="/gradio/"))


gr.mount_gradio_app(app, demo, "/gradio", **OPTIONS)
app.mount("/", pages)
