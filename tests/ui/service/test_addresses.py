"""Addresses of the app's pages."""

import pytest

from ui.service.addresses import is_local, with_query


@pytest.mark.parametrize(
    ("address", "whole"),
    [
        ("https://a.example", "https://a.example/?lang=ko&hide=beta,seed"),
        ("https://a.example/lab/step1?old=1", "https://a.example/lab/step1?lang=ko&hide=beta,seed"),
        ("http://a.example:8501/#top", "http://a.example:8501/?lang=ko&hide=beta,seed#top"),
    ],
)
def test_a_query_takes_the_place_of_the_one_before(address, whole):
    assert with_query(address, {"lang": "ko", "hide": "beta,seed"}) == whole


@pytest.mark.parametrize(
    ("address", "local"),
    [
        ("http://localhost:8501/step1", True),
        ("http://lab.localhost/", True),
        ("http://127.0.0.1:8501/", True),
        ("http://[::1]:8501/", True),
        ("http://192.168.1.20:8501/", False),
        ("https://localhost.example/", False),
        ("https://a.example/?page=localhost", False),
        ("", False),
    ],
)
def test_an_address_that_only_the_machine_itself_can_open(address, local):
    assert is_local(address) is local
