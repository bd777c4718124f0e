"""What a person sees."""

import torch

# One picture is too small a job to share between cores: with one thread each, sessions run side by side. (One visitor's
# reconstruction takes 2.3 ms instead of 2.5; two threads on a core that is busy take a hundred times as long.)
torch.set_num_threads(1)
