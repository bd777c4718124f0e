"""Streamlit's controls on several pages, the link (the URL), concurrency and components."""
