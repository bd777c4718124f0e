"""Pages are drawn ahead of their visitors, in the server's own process."""

import sys

from tests.processes import completed
from tests.servers import ROOT
from ui.service import navigation
from ui.text import LANGUAGES

SERVER = """
import os, threading, time
import streamlit as st
import uvicorn
from streamlit import runtime
from ui.lesson.step1_pixels import cache as step1
from ui.server import first_visit
from ui.service import cache
server = uvicorn.Server(uvicorn.Config(st.App("app.py"), port=0, log_level="error"))
threading.Thread(target=server.run, daemon=True).start()
while not server.started:
    time.sleep(0.05)
os.environ[first_visit.SETTING] = "0"
first_visit.start([("", "lang=en")])
assert not first_visit._started.is_set()  # switched off
os.environ[first_visit.SETTING] = "1"
first_visit.start([("", "lang=ko"), ("no_such_page", "lang=ko"), ("step1", "lang=ko")])
first_visit.start([("step2", "lang=ko")])  # only once
while not step1.sheet.cache:
    time.sleep(0.05)
assert cache.example_film.cache  # of the first page, before
while runtime.get_instance()._session_mgr.list_sessions():
    time.sleep(0.05)  # it leaves
names = [thread.name for thread in threading.enumerate()]
assert names.count("first visit") <= 1, names
print("visited")
"""


def test_whatever_a_page_keeps_for_everybody_is_there_before_its_first_visitor():
    ran = completed([sys.executable, "-c", SERVER], cwd=ROOT)
    assert ran.stdout == "visited\n", ran.stderr


def test_every_page_is_visited_and_the_first_in_each_language():
    views = navigation.default_views()
    names = {name for section in navigation.SECTIONS.values() for name in section}
    assert {name for name, _ in views} == names
    first = navigation.LAB[0]
    assert [query for name, query in views if name == first] == [
        f"lang={code}" for code in LANGUAGES
    ]
