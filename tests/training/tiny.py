"""Options of training.train for a network that takes a second, on a data set named bars."""

TINY = [
    "--preset",
    "mnist",
    "--dataset",
    "bars",
    "--network.width",
    "16",
    "--network.channels",
    "4",
    "--network.blocks",
    "1",
    "--network.latent-dim",
    "3",
    "--batch-size",
    "50",
    "--device",
    "cpu",
]
