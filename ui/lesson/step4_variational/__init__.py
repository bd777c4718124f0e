"""Step 4: variational inference."""
