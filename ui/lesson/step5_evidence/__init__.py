"""Step 5: both sides of log p(x) = ELBO + KL."""
