"""Numbers of the lesson's steps and of what people get wrong: a module for each subject."""
