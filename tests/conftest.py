"""One thread for all tests: sums then add up alike, and two cores serve two jobs."""

from __future__ import annotations

import torch

torch.set_num_threads(1)
