"""A check that Plotly accepts a figure."""

import json

import plotly.graph_objects as go

from ui.view.figures import Drawing


def accepted(drawing: Drawing) -> None:
    """Plotly's own figure takes the whole description and returns it unchanged.

    It raises for a value that it does not know.
    """
    described = json.loads(drawing.to_json())
    assert described["data"]
    assert described["layout"]["template"]
    taken = json.loads(go.Figure(described).to_json())
    assert taken["data"] == described["data"]
    assert taken["layout"] == {
        name: value for name, value in described["layout"].items() if value != []
    }
