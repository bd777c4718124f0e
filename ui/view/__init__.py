"""Figures, pictures and sentences as pure functions: no front end, no state."""
