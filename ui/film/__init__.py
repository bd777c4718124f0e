"""Film of beta: what depends on beta alone, one frame for each stop of the slider.

The data of the frames, and the JavaScript that shows the one under the hand. Streamlit mounts it in
ui.widgets.film; nothing here imports Streamlit or Gradio.
"""
