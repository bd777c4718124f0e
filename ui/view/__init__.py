"""Figures, pictures and sentences as pure functions: no front end, no state.

Endings of names: _figure is a Plotly figure, _alt an alternative text, _text a sentence or more,
_values the numbers of a string, _legend the entries of a map's legend.
"""
