"""One more that commands a run: `python tests/soak/commander.py RUN KIND COUNT PER_SECOND SEED`.

Appends commands to the run's file as `cifar-tui attach` does: `refused` ones, `light` ones, which
are carried out without a new trace (rates, pauses), or `all`, which change layers too.
"""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from engine.protocol.commands import (
    ApplyNow,
    Command,
    Pause,
    Resume,
    SetLearningRate,
    SetTrainable,
    SkipStage,
    When,
    Withdraw,
)
from engine.runs.directory import RunDirectory
from engine.sessions.attached import append_command

LAYERS = ("block1_conv1", "block1_conv2", "block2_conv1", "block2_conv2", "block3_conv1")
"""Of CustomCNN; its head always trains, so that no change is taken back."""
WHEN: tuple[When, ...] = ("now", "epoch", "epoch", "epoch")


def refused(random: random.Random, id: str) -> Command:  # noqa: A002
    """One that no run carries out."""
    kinds = (
        SetTrainable(id=id, layers=("no_such_layer",), value=False),
        SetLearningRate(id=id, value=11.0),
        SkipStage(id=id),
        Withdraw(id=id, commands=("never sent",)),
    )
    return random.choice(kinds)


def light(random: random.Random, id: str) -> Command:  # noqa: A002
    """One that the step at work is left for, and gone on with."""
    number = int(id.rpartition("-")[2])
    if number % 10 == 8:
        return Pause(id=id)
    if number % 10 == 9:
        return Resume(id=id)
    return SetLearningRate(id=id, value=random.uniform(1e-4, 1e-3))


def layers(random: random.Random, id: str) -> Command:  # noqa: A002
    """One about what trains."""
    if random.random() < 0.1:
        return ApplyNow(id=id)
    names = tuple(random.sample(LAYERS, random.randint(1, len(LAYERS))))
    value, when = random.random() < 0.5, random.choice(WHEN)
    return SetTrainable(id=id, layers=names, value=value, when=when)


KINDS: dict[str, Sequence[Callable[[random.Random, str], Command]]] = {
    "refused": (refused,),
    "light": (light,),
    "all": (refused, light, layers),
}


def main() -> None:
    """Send them at an even pace."""
    directory, kinds = RunDirectory(Path(sys.argv[1])), KINDS[sys.argv[2]]
    count, pause, seed = int(sys.argv[3]), 1 / float(sys.argv[4]), sys.argv[5]
    chance = random.Random(seed)
    for number in range(count):
        command = chance.choice(kinds)(chance, f"{seed}-{number}")
        append_command(directory.commands, command)
        time.sleep(pause)


if __name__ == "__main__":
    main()
