"""The serving process of both front ends: requests, connections, memory, log, settings.

Nothing here imports Streamlit or Gradio.
"""
