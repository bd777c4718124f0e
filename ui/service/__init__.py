"""What both front ends share: API, validation, cache, navigation, the process. No Streamlit."""
