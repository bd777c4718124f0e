"""What a person sees."""

import torch
from starlette.formparsers import MultiPartParser

import vae
from ui import process

# One picture is too small a job to share between cores: with one thread each, sessions run side by
# side, and a visitor who is alone waits no longer. Two threads of which one has to wait for a busy
# core hold each other up at every operation: with 200 students on two cores a move of beta takes 39
# ms of the processor in place of 26 (python -m benchmarks.classroom).
torch.set_num_threads(1)

# An upload stays in memory. Starlette, on which both front ends run, would keep what is larger than
# 1 MB in a nameless temporary file while it arrives.
MultiPartParser.spool_max_size = vae.images.MAX_BYTES + 1

process.set_up()
