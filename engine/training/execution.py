"""How many training steps run between two readings of the commands."""

from __future__ import annotations

EXECUTION_SECONDS = 0.05
"""One execution is a batch boundary: commands wait no longer than this."""
STEP_SECONDS = 8e-4
"""Of an empty step, on any device."""
FLOPS_PER_SECOND = {"cpu": 5e10, "gpu": 5e12}
"""The least that a small machine of each kind does, so that an execution is rather too short."""
BACKWARD = 3
"""A step costs a forward pass, and a backward pass of about twice that."""
MOST = 64
"""More gains nothing: then only the steps themselves cost time."""


def steps_per_execution(flops_per_image: int, batch_size: int, device: str) -> int:
    """Choose how many steps run without a look at the commands between them.

    Args:
        flops_per_image: 2 × multiply-adds of a forward pass over what is computed at each step.
        batch_size: images a step.
        device: as `backend.choose_device` returns it.
    """
    pace = FLOPS_PER_SECOND[device.partition(":")[0]]
    seconds = STEP_SECONDS + BACKWARD * flops_per_image * batch_size / pace
    return max(1, min(MOST, int(EXECUTION_SECONDS / seconds)))
