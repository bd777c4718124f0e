"""Two front ends, Streamlit and Gradio, on one view and one service."""
