"""Whether a figure is what Plotly accepts."""

import json

import plotly.graph_objects as go

from ui.view.figures import Drawing


def accepted(drawing: Drawing) -> None:
    """Plotly's own figure takes the whole description and gives it back unchanged; it raises for a
    value it does not know."""
    described = json.loads(drawing.to_json())
    assert described["data"]
    assert described["layout"]["template"]
    taken = json.loads(go.Figure(described).to_json())
    assert taken["data"] == described["data"]
    assert taken["layout"] == {
        name: value for name, value in described["layout"].items() if value != []
    }
