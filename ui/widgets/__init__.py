"""Streamlit controls that several pages use, and what lies between a page and its address."""
