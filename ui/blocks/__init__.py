"""The experiments as Gradio Blocks: a page and an API. What it computes and says is ui.endpoints,
ui.figures, ui.sentences."""
