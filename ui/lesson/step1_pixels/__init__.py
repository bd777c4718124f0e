"""Step 1: p(x), pixel by pixel."""
