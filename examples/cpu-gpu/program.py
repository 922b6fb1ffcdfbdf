"""Say what torch computes on."""

import torch

print("a graphics card" if torch.cuda.is_available() else "the processor")
