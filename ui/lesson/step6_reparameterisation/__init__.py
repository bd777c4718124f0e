"""Step 6: the reparameterisation trick."""
