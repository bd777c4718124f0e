"""Step 2: p(x) through z, the plane of the code beside a plane of pixel space."""
