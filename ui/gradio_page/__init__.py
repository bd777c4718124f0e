"""The Gradio front end: a page and an API.

What it computes and says is in ui.service.api, ui.view.figures and ui.view.sentences.
"""
