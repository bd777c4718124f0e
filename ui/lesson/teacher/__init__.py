"""For teachers: link, lesson plan, worksheet."""
