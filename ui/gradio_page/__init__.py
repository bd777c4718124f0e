"""The experiments as Gradio Blocks: a page and an API. What it computes and says is ui.service.api,
ui.view.figures, ui.view.sentences."""
