"""Services of both front ends: API, validation, cache, selection, navigation, process.

Nothing here imports Streamlit or Gradio.
"""
