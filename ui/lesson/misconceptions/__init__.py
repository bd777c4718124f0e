"""What people get wrong: twelve questions."""
