"""What a person sees."""

import torch

# One picture is too small a job to share between cores: with one thread each, sessions run side by side, and a visitor who
# is alone waits no longer. Two threads of which one has to wait for a busy core hold each other up at every operation.
torch.set_num_threads(1)
