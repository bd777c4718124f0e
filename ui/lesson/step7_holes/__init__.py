"""Step 7: holes of the latent space."""
