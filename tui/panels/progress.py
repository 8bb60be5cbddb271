"""The head of the training screen: what trains, what it does now, its progress and time left."""

from __future__ import annotations

from collections.abc import Callable

from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget

from engine.common.text import MISSING, accuracy, byte_size, duration, rate, whole
from engine.config.dataset_names import title
from engine.protocol.events import now
from engine.state.snapshot import RunSnapshot
from tui.panels.line_fitting import Field, fit
from tui.panels.queue import GLYPHS
from tui.session.view import SessionView

SPINNER = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
_FIRST_LABEL_WIDTH = 11
_TICK_SECONDS = 0.25


class HeadPanel(Widget):
    """Three lines that are always shown: title, status, bars."""

    view: reactive[SessionView | None] = reactive(None, always_update=True)
    tells_scores: reactive[bool] = reactive(False)
    """Whether accuracy and loss are told here: where the charts are not visible."""

    def __init__(self, *, clock: Callable[[], float] = now, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._clock = clock

    def on_mount(self) -> None:
        self.set_interval(_TICK_SECONDS, self._tick)

    def _tick(self) -> None:
        if self.view is not None and not self.view.run.is_over:
            self.refresh()

    def render(self) -> Content:
        view, width = self.view, self.size.width
        if view is None or width < 20:
            return Content("")
        lines = (
            title_line(view, width),
            status_line(view.run, self._clock(), width, with_scores=self.tells_scores),
            bars_line(view.run, width),
        )
        gap = "\n\n" if self.size.height > len(lines) else "\n"
        return lines[0] + Content(gap) + lines[1] + Content("\n") + lines[2]


def title_line(view: SessionView, width: int) -> Content:
    """Program, model, data, size, recipe; and the position in the queue."""
    spec = view.run.spec
    facts = f"{title(spec.dataset)} · {spec.image_size} px · {spec.recipe}"
    if spec.weights != "imagenet":
        facts += " · from scratch" if spec.weights == "none" else " · own weights"
    if len({run.spec.seed for run in view.runs}) > 1:
        facts += f" · seed {spec.seed}"
    left = [
        Field(Content.styled("cifar-tui", "$primary bold"), 2),
        Field(Content.styled(spec.model, "$foreground bold"), 9),
        Field(Content.styled(facts, "$muted"), 5),
    ]
    place = Content.styled(f"run {view.current + 1} of {len(view.runs)}", "$foreground")
    return fit(left, [Field(place, 8)], width).stylize("on $panel")


def status_line(run: RunSnapshot, at: float, width: int, *, with_scores: bool = False) -> Content:
    """The phase by name, position, scores, rate; time left, time spent, speed."""
    left = [Field(_phase(run, at), 12)]
    if run.stage:
        stages = run.spec.stages
        name = stages[min(run.stage, len(stages)) - 1].name
        left.append(Field(Content.styled(f"stage {run.stage}/{len(stages)}", "$foreground"), 8))
        left.append(Field(Content.styled(name, "$muted"), 4, continues=True))
    extracts = run.phase == "extracting" and not run.is_over
    if run.epoch and not extracts:
        epoch, epochs = stage_epoch(run)
        step = f"{run.step:>{len(str(run.steps))}}/{run.steps}"
        left.append(Field(_pair("epoch", f"{epoch}/{epochs}"), 9))
        left.append(Field(_pair("batch", step), 7))
    if with_scores and (told := scores(run)):
        left.append(Field(told, 10))
    if run.stage and run.spec.patience is not None:
        left.append(_patience(run.epochs_without_gain, run.spec.patience))
    if run.learning_rate is not None and not extracts:
        left.append(_rate(run.learning_rate, None if run.is_over else run.pending_learning_rate))
    speed = MISSING if run.images_per_second is None else f"{run.images_per_second:,.0f}"
    right = [
        Field(_pair("ETA", f"{duration(run.eta_seconds):>5}", "$primary bold"), 11),
        Field(_pair("elapsed", f"{duration(run.wall_seconds(at)):>5}"), 5),
    ]
    if not extracts:  # the speed of training would be beside that of the extraction
        pace = Content.styled(f"{speed:>6}", "$foreground") + Content.styled(" img/s", "$muted")
        right.append(Field(pace, 6))
    return fit(left, [] if run.status == "queued" else right, width)


def scores(run: RunSnapshot) -> Content | None:
    """The newest accuracy and loss: of the test, of the last validation, or of the training."""
    if run.test is not None:
        name, share, loss = "test", run.test.accuracy, run.test.loss
    elif run.ended_epochs:
        last = run.ended_epochs[-1]
        name, share, loss = "val", last.val_accuracy, last.val_loss
    elif run.accuracy.full:
        name, share, loss = "train", run.accuracy.full[-1][1], run.loss.full[-1][1]
    else:
        return None
    between = Content.styled(" · ", "$muted")
    return _pair(name, accuracy(share, 3)) + between + _pair("loss", accuracy(loss, 2))


def _pair(name: str, value: str, style: str = "$foreground") -> Content:
    return Content.assemble((f"{name} ", "$muted"), (value, style))


def _patience(epochs_without_gain: int, patience: int) -> Field:
    """Epochs without a gain, of the number that ends the stage; a warning if one more would."""
    is_last = 0 < epochs_without_gain >= patience - 1
    text = f"{epochs_without_gain}/{patience}"
    return Field(_pair("patience", text, "$warning" if is_last else "$foreground"), 4)


def _rate(now: float, asked: float | None) -> Field:
    """The learning rate, with a requested one until it is confirmed."""
    pair = _pair("rate", rate(now))
    if asked is None:
        return Field(pair, 3)
    return Field(pair + Content.styled(f" → {rate(asked)}", "$warning"), 7)


def _phase(run: RunSnapshot, at: float) -> Content:
    if run.is_over:
        glyph, style = GLYPHS[run.status]
        return Content.styled(f"{glyph} {run.status}", f"{style} bold")
    words = phase_words(run)
    if run.phase == "training":
        return Content.assemble(("● ", "$success"), (f"{words:<8}", "$foreground bold"))
    if run.phase == "paused":
        return Content.styled(f"‖ {words}", "$warning bold")
    spinner = SPINNER[int(at / _TICK_SECONDS) % len(SPINNER)]
    return Content.assemble(
        (f"{spinner} ", "$primary bold"),
        (words, "$foreground bold"),
        (_phase_pace(run, at), "$muted"),
    )


def _phase_pace(run: RunSnapshot, at: float) -> str:
    """The speed and time left of an extraction; of any other phase the time it has taken."""
    pace, left = run.phase_units_per_second, run.phase_seconds_left
    if run.phase == "extracting" and pace is not None and left is not None:
        return f"  {whole(pace)} img/s  {duration(left)} left"
    since = run.phase_since if run.phase_since is not None else at
    return f"  {duration(max(at - since, 0))}"


def phase_words(run: RunSnapshot) -> str:
    """The phase and its object: `loading TensorFlow`, `validating 3,200/5,000`."""
    if run.phase == "queued":
        return "starting"
    words: list[str] = [run.phase]
    if run.phase_detail and run.phase not in ("training", "paused"):
        words.append(run.phase_detail)
    if run.phase_progress is not None:
        done, total = run.phase_progress.done, run.phase_progress.total
        if run.phase_progress.unit != "bytes":
            words.append(whole(done) if total is None else f"{done:,}/{total:,}")
        elif total is None:
            words.append(byte_size(done))
        else:
            words.append(f"{done / 2**20:.0f}/{total / 2**20:.0f} MB")
    if run.phase_progress is not None and run.phase == "extracting":
        words.append("images")
    return " ".join(words)


def stage_epoch(run: RunSnapshot) -> tuple[int, int]:
    """The epoch counted within its stage, and the stage's epochs."""
    stages = run.spec.stages
    index = min(max(run.stage, 1), len(stages)) - 1
    before = sum(stage.epochs for stage in stages[:index])
    return max(run.epoch - before, 0), stages[index].epochs


def shares_done(run: RunSnapshot) -> tuple[float, float, float]:
    """The done share, from 0 to 1, of the epoch, of its stage and of the run's epochs."""
    if run.status == "completed":
        return 1.0, 1.0, 1.0
    if not run.epoch:
        return 0.0, 0.0, 0.0
    in_epoch = min(run.step / max(run.steps, 1), 1.0)
    epoch, epochs = stage_epoch(run)
    in_stage = min((epoch - 1 + in_epoch) / max(epochs, 1), 1.0)
    return in_epoch, in_stage, min((run.epoch - 1 + in_epoch) / max(run.epochs, 1), 1.0)


def bars_line(run: RunSnapshot, width: int) -> Content:
    """Bars of the epoch (or of the current phase), of the stage and of the run."""
    share, in_stage, in_run = shares_done(run)
    first = "epoch"
    progress = run.phase_progress
    if progress is not None and progress.total and not run.is_over:
        first, share = run.phase, min(progress.done / progress.total, 1.0)
    bars = [(f"{first:<{_FIRST_LABEL_WIDTH}}", share), ("run", in_run)]
    if width >= 100 and len(run.spec.stages) > 1:
        bars.insert(1, ("stage", in_stage))
    labels = sum(len(label) + len("  100 %") for label, _ in bars)
    length = max((width - 2 - labels - 4 * (len(bars) - 1)) // len(bars) - 1, 3)
    parts = [
        Content.assemble((f"{label} ", "$muted"))
        + bar(done, length)
        + Content.styled(f"  {int(done * 100):>3} %", "$foreground")
        for label, done in bars
    ]
    return Content(" ") + Content("    ").join(parts)


def bar(share: float, length: int, style: str = "$primary") -> Content:
    """A bar of `length` cells, full to the half cell."""
    halves = round(min(max(share, 0.0), 1.0) * length * 2)
    full, half = divmod(halves, 2)
    done = "━" * full + "╸" * half
    return Content.assemble((done, style), ("━" * (length - len(done)), "$line"))
