"""The lesson: a folder for each page, and the frame that all of them share."""
