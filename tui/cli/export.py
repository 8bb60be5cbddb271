"""`cifar-tui export`: write a run's model or figures for other programs."""

from __future__ import annotations

import argparse
import sys
from contextlib import suppress

from engine.common.text import byte_size
from engine.machine.output_capture import OutputCapture
from engine.runs.selecting import choose_run


def run(arguments: argparse.Namespace) -> int:
    """Write the export; print its size and how closely it agrees with the run.

    Raises:
        InputError: the run, the output path or the format cannot be used.
    """
    from engine.tools.export import export_run

    record = choose_run(arguments.runs_dir, arguments.run)
    # TensorFlow writes its greeting to descriptor 2 itself, past `sys.stderr`.
    with OutputCapture(lambda line: None):
        done = export_run(record, arguments.format, arguments.output, force=arguments.force)
    print(f"{arguments.format}: {done.path.resolve()}, {byte_size(done.bytes)}")
    print(
        f"check: the largest difference of a probability is {done.largest_difference:.1e}, "
        f"against {done.against}"
    )
    with suppress(BrokenPipeError):
        sys.stdout.flush()
    return 0
