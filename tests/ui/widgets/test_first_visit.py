"""Pages are drawn ahead of their visitors, in the server's own process."""

import sys

import pytest

from tests.processes import completed
from tests.servers import ROOT
from tests.ui.driver import open_page, shown_film
from ui.film import frames
from ui.lesson import ahead
from ui.lesson.step7_holes.cache import known
from ui.service import navigation
from ui.text import LANGUAGES
from vae.hub import sources
from vae.hub.sources import WithReference

SERVER = """
import os, threading, time
import streamlit as st
import uvicorn
from streamlit import runtime
from ui.lesson.step1_pixels.cache import sheet
from ui.lesson.step2_plane.cache import crowds
from ui.service import cache
from ui.widgets import first_visit
server = uvicorn.Server(uvicorn.Config(st.App("app.py"), port=0, log_level="error"))
threading.Thread(target=server.run, daemon=True).start()
while not server.started:
    time.sleep(0.05)
os.environ[first_visit.SETTING] = "0"
first_visit.start(lambda: [("", "lang=en")])
assert not first_visit._started.is_set()  # switched off
os.environ[first_visit.SETTING] = "1"
done = threading.Event()
views = [("", "lang=ko"), ("no_such_page", "lang=ko"), ("step1", "lang=ko")]
first_visit.start(lambda: views, lambda: [done.set])
first_visit.start(lambda: [("step2", "lang=ko")])  # only once
done.wait()
assert cache.example_film.cache and sheet.cache
while runtime.get_instance()._session_mgr.list_sessions():
    time.sleep(0.05)  # it leaves
assert not crowds.cache
print("visited")
"""


def test_whatever_a_page_keeps_for_everybody_is_there_before_its_first_visitor():
    ran = completed([sys.executable, "-c", SERVER], cwd=ROOT)
    assert ran.stdout == "visited\n", ran.stderr


def test_every_page_is_visited_and_the_first_in_each_language():
    views = ahead.views()
    names = {name for section in navigation.SECTIONS.values() for name in section}
    assert {name for name, _ in views} == names
    first = navigation.LAB[0]
    assert [query for name, query in views if name == first] == [
        f"lang={code}" for code in LANGUAGES
    ]


@pytest.mark.usefixtures("small_networks")
def test_what_the_first_browser_asks_for_is_there():
    """The gallery as the playground shows it by itself, and step 7 at every stop."""
    for compute in ahead.films():
        compute()
    app = open_page("playground", lang="ko")
    shown = shown_film(app)
    galleries = [one["gallery"] for one in shown.carried.values() if "gallery" in one]
    assert sum(sheet["count"] for sheet in galleries[-1]["frames"]) > 1  # not only the present one
    model = sources.resolve(ahead.PLANE)
    whole = WithReference(**vars(model))
    assert known(whole) == tuple(range(len(frames.stops(model))))
