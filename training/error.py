"""The error that stops a training run."""


class TrainingError(Exception):
    """Training cannot go on. One sentence that says why and what to do."""
