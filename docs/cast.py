"""Records `cifar-tui demo` until answers and ranking: `python docs/cast.py [FILE]`.

Runs the real program in a pseudo-terminal and writes an asciinema recording (version 2), by default
`docs/pictures/demo.cast`; `asciinema play docs/pictures/demo.cast` shows it. Times in which nothing
is drawn are cut short, since the import of TensorFlow is no sight.
"""

from __future__ import annotations

import codecs
import json
import os
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
DEFAULT_FILE = HERE / "pictures" / "demo.cast"
sys.path.insert(0, str(HERE.parent / "tests" / "benchmarks"))

from pseudo_terminal import COLUMNS, ROWS, Terminal  # noqa: E402

MOST_IDLE_SECONDS = 1.0
PAGE_DOWN, ESCAPE = "\x1b[6~", "\x1b"
TRAINING_SECONDS = 300.0
"""More than the demo takes on two cores."""


class RecordedTerminal(Terminal):
    """Keeps all that is drawn with its time."""

    def __init__(self, arguments: list[str], environment: dict[str, str]) -> None:
        self.chunks: list[tuple[float, bytes]] = []
        super().__init__(arguments, environment)

    def read(self, seconds: float, *, most: int = 65_536) -> bytes:
        chunk = super().read(seconds, most=most)
        if chunk:
            self.chunks.append((time.perf_counter() - self.started_at, chunk))
        return chunk

    def watch(self, seconds: float) -> None:
        """Let time pass, reading."""
        end = time.perf_counter() + seconds
        while (left := end - time.perf_counter()) > 0:
            self.read(min(left, 0.05))


def record(folder: str) -> RecordedTerminal:
    """Train until the answers appear, read on, go to the ranking, open the best run, leave."""
    os.chdir(folder)  # so that the screens say `runs`
    variables = {"CIFAR_TUI_CONFIG": f"{folder}/config", "PYTHONPATH": str(HERE.parent)}
    terminal = RecordedTerminal(["demo", "--runs-dir", "runs"], variables)
    terminal.wait_for("of this session", TRAINING_SECONDS)
    terminal.watch(5.0)
    for key in (PAGE_DOWN, ESCAPE, "\r", "3", "5"):
        terminal.press(key)
        terminal.watch(4.0)
    terminal.press("\x03")
    status = terminal.close()
    if status != 0:
        raise SystemExit(f"expected the demo to end with status 0, found {status}")
    return terminal


def cast_lines(chunks: list[tuple[float, bytes]]) -> list[str]:
    """The recording as lines of JSON: a header, then `[seconds, "o", text]`."""
    header = {"version": 2, "width": COLUMNS, "height": ROWS, "title": "cifar-tui demo"}
    lines = [json.dumps(header)]
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    at, before = 0.0, 0.0
    for seconds, chunk in chunks:
        at += min(seconds - before, MOST_IDLE_SECONDS)
        before = seconds
        lines.append(json.dumps([round(at, 3), "o", decoder.decode(chunk)], ensure_ascii=False))
    return lines


def main() -> None:
    """Record, and say how long and how large it became."""
    target = Path(sys.argv[1] if len(sys.argv) > 1 else DEFAULT_FILE).resolve()
    with tempfile.TemporaryDirectory() as folder:
        lines = cast_lines(record(folder).chunks)
    target.write_text("\n".join(lines) + "\n", encoding="utf-8")
    seconds = json.loads(lines[-1])[0]
    print(f"{target}: {seconds:.0f} s, {target.stat().st_size / 1000:.0f} KB")


if __name__ == "__main__":
    main()
