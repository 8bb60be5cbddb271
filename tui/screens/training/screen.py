"""The training screen: whether it runs and learns, how long it still takes, what trains."""

from __future__ import annotations

from collections.abc import Callable

from textual import events
from textual.app import ComposeResult
from textual.containers import Container, Horizontal
from textual.geometry import Size
from textual.widget import Widget

from engine.protocol.events import now
from tui.panels.charts.panel import ChartsPanel
from tui.panels.charts.settings import write_settings
from tui.panels.epochs import LEAST_LINES, EpochsPanel
from tui.panels.layers.panel import LayersPanel
from tui.panels.log import LogPanel
from tui.panels.machine.panel import HardwarePanel
from tui.panels.notice import Banner, NoticeStrip
from tui.panels.progress import HeadPanel
from tui.panels.queue import QueuePanel
from tui.screens.training.controls import ControlsScreen
from tui.session.view import SessionView
from tui.settings import keys

_NORMAL_SIZE = (100, 30)
_WIDE_SIZE = (160, 40)
_TALL = 36
_CHANGES = ("toggle_trainable", "presets", "pause", "stop")
"""What the footer offers only while it can be done."""


def layout_classes(size: Size, single: str, log_choice: bool | None) -> frozenset[str]:
    """Return the classes that training.tcss lays out by.

    Args:
        size: the screen's size.
        single: the panel to show alone; empty for all, for which a narrow screen has no room.
        log_choice: whether the user opened or closed the log; None if they did neither.
    """
    layout = "-narrow"
    if size.width >= _NORMAL_SIZE[0] and size.height >= _NORMAL_SIZE[1]:
        is_wide = size.width >= _WIDE_SIZE[0] and size.height >= _WIDE_SIZE[1]
        layout = "-wide" if is_wide else "-normal"
    elif not single:
        single = "charts"
    classes = {layout}
    if layout != "-narrow" and size.height >= _TALL:
        classes.add("-tall")
    if single:
        classes |= {"-single", f"-only-{single}"}
    is_log_open = layout == "-wide" if log_choice is None else log_choice
    if single == "log" or (is_log_open and not single):
        classes.add("-log")
    return frozenset(classes)


class TrainingScreen(ControlsScreen):
    """The panels of a SessionView, laid out for the size of the terminal."""

    CSS_PATH = "training.tcss"
    AUTO_FOCUS = ""
    """The layers take the focus once they are visible: hidden, their keys would change them."""
    BINDINGS = keys.bindings("training")

    def __init__(
        self, view: SessionView, clock: Callable[[], float] = now, *, unchangeable: str = ""
    ) -> None:
        """Show a queue of runs.

        Args:
            view: the queue at its current state.
            clock: returns the Unix time by the clock of the runs' events.
            unchangeable: why the runs take no commands; empty if they do.
        """
        super().__init__(view, unchangeable)
        self._clock = clock
        self._single = ""
        self._log_choice: bool | None = None
        self._layout_now: frozenset[str] = frozenset()
        self._log_seen = 0
        self._was_over = False

    def compose(self) -> ComposeResult:
        yield HeadPanel(clock=self._clock, id="head")
        yield Banner(id="banner")
        with Horizontal(id="panels"):
            yield LayersPanel(id="layers")
            with Container(id="right"):
                yield ChartsPanel(id="charts")
                with Container(id="side"):
                    yield HardwarePanel(id="machine")
                    yield QueuePanel(clock=self._clock, id="queue")
                    yield EpochsPanel(id="epochs")
        yield LogPanel(id="log")
        yield NoticeStrip(id="notice")
        yield self.footer()

    def on_mount(self) -> None:
        self._arrange()
        self.query_one(HeadPanel).view = self.view
        self.call_after_refresh(self.watch_view)

    def watch_view(self) -> None:
        if not self.is_mounted:
            return
        view, run = self.view, self.view.run
        self.query_one(HeadPanel).view = view
        self.query_one(Banner).view = view
        self.query_one(QueuePanel).view = view
        self.query_one(NoticeStrip).view = view
        self.query_one(LayersPanel).snapshot = run
        self.query_one(ChartsPanel).snapshot = run
        self.query_one(EpochsPanel).snapshot = run
        self._make_room_for_epochs()
        self.query_one(HardwarePanel).snapshot = run
        self.query_one(LogPanel).snapshot = run
        self._count_unread()
        if view.is_over and not self._was_over:
            self.set_focus(None)
        self._was_over = view.is_over
        self.refresh_bindings()

    def footer_name(self, action: str, name: str) -> str:
        """Leave out what would change nothing, and call a pause by what it would do."""
        if action in ("go_on", "new_session"):
            return name if self.view.is_over else ""
        if action == "dismiss_notice":
            return name if self.query_one(Banner).has_class("-failed") else ""
        leaves_out = {"app.results": self.view.is_over}
        leaves_out |= dict.fromkeys(_CHANGES, not self.takes_changes)
        if leaves_out.get(action):
            return ""
        return "resume" if action == "pause" and self.view.run.is_pausing else name

    def on_resize(self, event: events.Resize) -> None:
        self._arrange()

    def _arrange(self) -> None:
        """Set the classes by which training.tcss lays the panels out, all together."""
        layout = layout_classes(self.size, self._single, self._log_choice)
        if layout != self._layout_now:
            self.set_classes((self.classes - self._layout_now) | layout)
            self._layout_now = layout
        charts_in_sight = "-single" not in layout or "-only-charts" in layout
        self.query_one(HeadPanel).tells_scores = not charts_in_sight
        notice = self.query_one(NoticeStrip)
        notice.tells_changes = "-single" in layout and "-only-layers" not in layout
        notice.log_is_open = "-log" in layout
        self._count_unread()
        self.call_after_refresh(self._make_room_for_epochs)

    def _make_room_for_epochs(self) -> None:
        """Show the epochs below the queue where it and the machine leave enough lines."""
        machine, queue = self.query_one("#machine"), self.query_one(QueuePanel)
        side = self.query_one("#side")
        stacks = self.has_class("-wide") or self.has_class("-only-queue")
        taken = machine.outer_size.height if machine.display else 0
        room = side.size.height - taken - queue.lines_wanted
        is_shown = stacks and queue.display and room >= LEAST_LINES
        self.set_class(is_shown, "-epochs")
        queue.styles.height = queue.lines_wanted if is_shown else None

    def _count_unread(self) -> None:
        told = self.query_one(LogPanel).told
        if self.has_class("-log"):
            self._log_seen = told
        self.query_one(NoticeStrip).unread = max(told - self._log_seen, 0)

    def action_panel(self, name: str) -> None:
        """Show one panel alone, or all again; on a large terminal, open the log below the rest."""
        if name == "log" and not self.has_class("-narrow"):
            self._single, self._log_choice = "", not self.has_class("-log")
        else:
            self._single = "" if self._single == name else name
        self._arrange()
        panel: Widget = self.query_one("#layer-tree" if name == "layers" else f"#{name}")
        if panel.focusable:
            panel.focus()

    def action_debug_lines(self) -> None:
        """Show in the log what libraries print, or hide it; where the log is closed, open it."""
        log = self.query_one(LogPanel)
        is_open = self.has_class("-log")
        log.shows_debug = not (is_open and log.shows_debug)
        if not is_open:
            self.action_panel("log")

    def action_change_charts(self, name: str) -> None:
        """Draw the charts with the next value of one of their settings, and remember it."""
        charts = self.query_one(ChartsPanel)
        charts.settings = charts.settings.changed(name)
        write_settings(charts.settings)

    async def action_go_on(self) -> None:
        """Go to the results once the queue has ended."""
        if self.view.is_over:
            await self.run_action("app.results")

    def action_dismiss_notice(self) -> None:
        """Hide the failures in the banner."""
        self.query_one(Banner).dismiss()
        self.refresh_bindings()
