"""How many training steps run between two looks at the commands."""

from __future__ import annotations

EXECUTION_SECONDS = 0.05
"""One execution is the batch boundary: commands wait no longer than this."""
STEP_SECONDS = 8e-4
"""Of a step that computes nothing, on any device."""
FLOPS_PER_SECOND = {"cpu": 5e10, "gpu": 5e12}
"""What a small machine of the kind does at least: an execution is rather short than long."""
BACKWARD = 3
"""A step costs a forward pass and about twice as much backwards."""
MOST = 64
"""More brings nothing: the steps themselves are what is left."""


def steps_per_execution(flops_per_image: int, batch_size: int, device: str) -> int:
    """Steps that run without a pause between them.

    Args:
        flops_per_image: 2 × multiply-adds of a forward pass over what is computed at each step.
        batch_size: images a step.
        device: as `backend.choose_device` gives it.
    """
    pace = FLOPS_PER_SECOND[device.partition(":")[0]]
    seconds = STEP_SECONDS + BACKWARD * flops_per_image * batch_size / pace
    return max(1, min(MOST, int(EXECUTION_SECONDS / seconds)))
