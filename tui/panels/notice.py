"""What waits, what failed and what is next: the strip at the bottom and the banner at the top."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget
from textual.widgets import Static

from engine.common.text import accuracy, cell_width, rate, readable
from engine.state.bottleneck import Bottleneck, find_bottleneck
from engine.state.snapshot import RunSnapshot
from tui.panels.line_fitting import Field, fit, longest
from tui.session.view import SessionView
from tui.settings import keys
from tui.settings.option_names import in_flags

_DISMISSES = f"{keys.written_for('training', 'dismiss_notice')} dismisses"
_STOPPING = {
    "now": "stopping after this batch…",
    "epoch": "stopping after this epoch…",
    "run": "stopping after this model…",
}
_LOCKING = {True: "BatchNormalization locks", False: "BatchNormalization is released"}


_SKIPPING = {
    "now": "next model after this batch…",
    "epoch": "next model after this epoch…",
    "stage": "next stage after this epoch…",
}


_ENDS = 2
"""The blanks at both ends of the line."""
_GAP = 3
_LEAST_LOG = 24
"""The least cells in which a log line is useful; a longer one is cut."""


class NoticeStrip(Widget):
    """One line, always shown: requests that wait, else what holds training back; then the log."""

    view: reactive[SessionView | None] = reactive(None, always_update=True)
    unread: reactive[int] = reactive(0)
    """Messages that were not seen, because the log is closed."""
    tells_changes: reactive[bool] = reactive(False)
    """Whether waiting layer changes are shown here: where the layer tree is not visible."""
    log_is_open: reactive[bool] = reactive(False)

    def render(self) -> Content:
        if self.view is None:
            return Content("")
        run = self.view.run
        badge = Content.styled(f"5 log ▸ {self.unread} new" if self.unread else "", "$primary")
        room = self.size.width - _ENDS - (badge.cell_length + _GAP if badge else 0)
        first = self._first(run, room)
        room -= first.cell_length + _GAP if first else 0
        log = "" if self.log_is_open else last_said(run)
        last = Content.styled(log, "$muted").truncate(max(room, 0), ellipsis=True)
        shown = [Field(first, 10)] if first else []
        if log and last.cell_length >= min(_LEAST_LOG, cell_width(log)):
            shown.append(Field(last, 8))
        return fit(shown, [Field(badge, 9)] if badge else [], self.size.width, _GAP)

    def _first(self, run: RunSnapshot, room: int) -> Content:
        """What waits, else what holds training back, in the longest form that fits."""
        waiting = requests(run, with_changes=self.tells_changes)
        if waiting:
            return Content.styled(longest(request_forms(waiting), room), "$warning")
        is_trained = run.is_over or run.test is not None or run.phase == "testing"
        held = None if is_trained else find_bottleneck(run)
        return Content("") if held is None else held_back(held, room)


def last_said(run: RunSnapshot) -> str:
    """The last line of the log that is not a library's output, as one line."""
    said = (line.text for line in reversed(run.log) if line.level != "debug")
    return in_flags(" ".join(readable(next(said, "")).split()))


def held_back(held: Bottleneck, room: int | None = None) -> Content:
    """`validation-heavy: validation takes 41 % of an epoch`: as much as fits into `room` cells."""
    forms = [in_flags(form) for form in held.forms]
    text = forms[0] if room is None else longest(forms, room)
    rest = text.removeprefix(held.word)
    return Content.assemble((held.word, "$foreground"), (rest, "$muted"))


def request_forms(waiting: Sequence[str]) -> list[str]:
    """List the forms of what waits: all of it, then ever less with the number left out."""
    forms = ["   ".join(waiting)]
    for count in range(len(waiting) - 1, 0, -1):
        forms.append("   ".join([*waiting[:count], f"+{len(waiting) - count} more"]))
    return forms


def requests(run: RunSnapshot, *, with_changes: bool = True) -> list[str]:
    """Describe each request that is not done yet, the most urgent first."""
    if run.is_over:
        return []
    parts = []
    if run.stop_requested and not (run.stop_requested == "epoch" and _is_past_epochs(run)):
        parts.append(_STOPPING.get(run.stop_requested, "stopping…"))
    elif run.skip_requested and not (run.skip_requested != "now" and _is_past_epochs(run)):
        parts.append(_SKIPPING[run.skip_requested])
    if run.phase == "paused" and run.phase_detail:
        parts.append(f"waits for room on the disk: {run.phase_detail}")
    elif run.phase == "paused":
        resumes = not run.pause_requested
        key = keys.written_for("training", "pause")
        parts.append("resuming…" if resumes else f"paused: {key} resumes")
    elif run.pause_requested:
        parts.append("pausing after this batch…")
    if run.pending and with_changes:
        parts.append(waiting_changes(len(run.pending), now=run.pending_now))
    if run.pending_lock is not None and with_changes:
        parts.append(f"{_LOCKING[run.pending_lock]} {_time(now=run.pending_now)}")
    if run.pending_learning_rate is not None:
        parts.append(f"rate {rate(run.pending_learning_rate)} {_time(now=True)}")
    return parts


def _is_past_epochs(run: RunSnapshot) -> bool:
    """Tell whether the last epoch has ended: what waited for that is done."""
    has_ended = bool(run.ended_epochs) and run.ended_epochs[-1].epoch == run.epoch
    return has_ended and run.phase in ("testing", "saving")


def waiting_changes(count: int, *, now: bool = False) -> str:
    """`1 change waits for the epoch's end`, or `1 change after this batch`."""
    if now:
        return f"{count} change{'' if count == 1 else 's'} {_time(now=True)}"
    return f"{count} change{' waits' if count == 1 else 's wait'} for the epoch's end"


def _time(*, now: bool) -> str:
    return "after this batch" if now else "at the epoch's end"


class Banner(Static):
    """Failures, until they are dismissed, and how the queue ended; hidden without either."""

    view: reactive[SessionView | None] = reactive(None, always_update=True, repaint=False)
    _dismissed: frozenset[int] = frozenset()

    def watch_view(self, view: SessionView | None) -> None:
        if view is not None:
            self._show(view)

    def dismiss(self) -> None:
        """Hide the failures shown so far."""
        if self.view is not None:
            self._dismissed |= {*_failures(self.view)}
            self._show(self.view)

    def _show(self, view: SessionView) -> None:
        failed = [i for i in _failures(view) if i not in self._dismissed]
        lines = [failure_text(view, i) for i in failed[-3:]]
        if view.is_over:
            lines.append(end_text(view))
        elif failed:
            lines.append(Content.styled(next_text(view), "$muted"))
        text = Content("\n").join(lines)
        self.display = bool(lines)
        self.set_class(bool(failed), "-failed")
        if text != self.content:
            self.update(text)


def _failures(view: SessionView) -> list[int]:
    return [index for index, run in enumerate(view.runs) if run.status == "failed"]


def failure_text(view: SessionView, index: int) -> Content:
    """Say which run failed and why."""
    run = view.runs[index]
    return Content.assemble(
        (f"✗ {run.spec.model} failed", "$error bold"),
        (f" (run {index + 1} of {len(view.runs)}): ", "$muted"),
        (in_flags(readable(run.error)) or "without a reason; see the log", "$foreground"),
    )


def next_text(view: SessionView) -> str:
    """Say what happens after a failure."""
    if view.run.status == "running":
        return f"The queue continues with {view.run.spec.model}.  {_DISMISSES}"
    if view.current + 1 < len(view.runs):
        return f"Next: {view.runs[view.current + 1].spec.model}.  {_DISMISSES}"
    return f"It was the last run of the queue.  {_DISMISSES}"


def end_text(view: SessionView) -> Content:
    """Say how the queue ended and which keys lead on."""
    counts = [
        f"{sum(run.status == status for run in view.runs)} {words}"
        for status, words in (
            ("completed", "completed"),
            ("stopped", "stopped"),
            ("failed", "failed"),
            ("interrupted", "interrupted"),
            ("queued", "not started"),
        )
        if any(run.status == status for run in view.runs)
    ]
    tested = [run for run in view.runs if run.test is not None]
    best = max(tested, key=lambda run: run.test.accuracy if run.test else 0.0, default=None)
    score = ""
    if best is not None and best.test is not None:
        score = f"   best: {best.spec.model}, {accuracy(best.test.accuracy)} on the test images"
    return Content.assemble(
        ("The queue has ended: ", "$foreground bold"),
        (", ".join(counts), "$foreground"),
        (score, "$success"),
        ("\nenter", "$primary bold"),
        (" or ", "$muted"),
        ("r", "$primary bold"),
        (" results   ", "$muted"),
        ("n", "$primary bold"),
        (" new session   ", "$muted"),
        ("q", "$primary bold"),
        (" quit", "$muted"),
    )
