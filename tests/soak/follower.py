"""One more that watches a run: `python tests/soak/follower.py RUN`, as `cifar-tui attach` does it.

Says `caught up` once it has told all of the history, and after the run's end one line of JSON:
`state`, a digest of all that a screen would show; `answers`, how often each command was answered.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections import Counter
from dataclasses import asdict
from pathlib import Path

from engine.protocol.events import CommandAccepted, CommandRejected, Event
from engine.runs.listing import load_run
from engine.sessions.attached import AttachedSession
from engine.state.store import RunStore


class Watcher:
    """A sink that holds what a screen would show."""

    def __init__(self, store: RunStore) -> None:
        self.store = store
        self.answers: Counter[str] = Counter()
        self.events = 0

    def __call__(self, index: int, run_id: str, event: Event) -> None:
        """Take an event on the follower's thread."""
        self.store.apply(event)
        self.events += 1
        if isinstance(event, (CommandAccepted, CommandRejected)):
            self.answers[event.command.id] += 1


def main() -> None:
    """Follow to the end."""
    run = load_run(Path(sys.argv[1]))
    watcher, session = Watcher(RunStore(run.run_id, run.file.spec)), AttachedSession(run)
    session.add_sink(watcher)
    session.start()
    before = -1
    while before != watcher.events or not watcher.events:
        before = watcher.events
        session.join(timeout=0.4)
    print("caught up", flush=True)
    session.join()
    session.close()
    plain = asdict(watcher.store.snapshot())
    state = hashlib.sha256(json.dumps(plain, default=sorted, sort_keys=True).encode()).hexdigest()
    print(json.dumps({"state": state, "answers": watcher.answers}), flush=True)


if __name__ == "__main__":
    main()
