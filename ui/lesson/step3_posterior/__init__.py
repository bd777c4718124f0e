"""Step 3: the true posterior p(z|x)."""
