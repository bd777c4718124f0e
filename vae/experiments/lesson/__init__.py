"""Numbers of the lesson's steps and of the common misconceptions: one module for each subject."""
