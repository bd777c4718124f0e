"""Services of both front ends: API, validation, cache, selection, navigation, the server.

The server: requests, their bodies and connections (arrival, ledger, connections), log, memory,
settings of the process. Nothing here imports Streamlit or Gradio.
"""
