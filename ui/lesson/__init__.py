"""The lesson: the frame of its pages, and what each of them draws and says."""
