"""Pages of the lab: playground, map, dimensions, path."""
