"""The measurements in a browser, small: what is printed was measured."""

import re

import pytest

import benchmarks.browser
from benchmarks import serving

pytestmark = [pytest.mark.browser, pytest.mark.weekly]


def test_the_browsers_part_is_printed(browser, capsys):
    with serving.running_app() as app, benchmarks.browser.plain_page() as plain:
        few = benchmarks.browser.Arguments(drags=1, seconds=2.0, reloads=1)
        benchmarks.browser.report(browser, app.address, plain, few)
    output = capsys.readouterr().out
    table = {
        name.strip(): float(value.replace(",", ""))
        for name, value in re.findall(r"^(\S.{41}) *([\d,.]+)(?: ms| kB| s|%)?$", output, re.M)
    }
    assert list(table) == [
        "frames a second",
        "of them with another stop",
        "messages during a drag",
        "from release to settled",
        "frames a second, 4 times slower",
        "of them with another stop, 4 times slower",
        "messages during a drag, 4 times slower",
        "from release to settled, 4 times slower",
        "opening: files",
        "opening: messages",
        "reload of a plain page to its chart",
        "reload of the playground to its picture",
        "ratio",
    ]
    for name in ("frames a second", "opening: files", "ratio"):
        assert table[name] > 0
    assert table["opening: messages"] > 100  # a film and a gallery
    reload = table["reload of the playground to its picture"]
    assert table["ratio"] == pytest.approx(
        reload / table["reload of a plain page to its chart"], rel=0.1
    )
