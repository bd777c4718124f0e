"""Services of both front ends: API, validation, cache, selection, navigation.

Nothing here imports Streamlit or Gradio.
"""
