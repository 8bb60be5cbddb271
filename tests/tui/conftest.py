"""What the tests of the screens share: a session that plays scripted events, and an app over it."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from textual.app import App
from textual.geometry import Region
from textual.pilot import Pilot
from textual.screen import Screen
from textual.widgets import Static

import tui.app
import tui.screens.launcher.screen
from engine.config.recipe import NOTEBOOK
from engine.config.spec import RunSpec
from engine.protocol.commands import Command
from engine.protocol.events import (
    BatchEnded,
    EpochEnded,
    EpochStarted,
    Event,
    FreezeApplied,
    PhaseChanged,
    RunStarted,
    StageStarted,
)
from engine.protocol.facts import DataFacts, LayerNode, ModelFacts
from engine.sessions.local import Sink
from engine.state.snapshot import RunSnapshot
from tui.app import CifarApp
from tui.panels.charts.panel import ChartsPanel
from tui.panels.layers import LayersPanel, LayerTree
from tui.session.source import trained_here
from tui.settings.themes import DARK, LIGHT

Until = Callable[[Pilot[Any], Callable[[], object]], Awaitable[None]]
MakeApp = Callable[..., CifarApp]
Running = Callable[..., AbstractAsyncContextManager[Pilot[Any]]]
OnScreen = Callable[..., AbstractAsyncContextManager[Pilot[Any]]]
STEPS = 10


class FakeSession:
    """A session whose trainer says what the test plays and notes what it is told."""

    def __init__(self, specs: tuple[RunSpec, ...]) -> None:
        self._specs = specs
        self._sinks: list[Sink] = []
        self.alive = False
        self.sent: list[Command] = []

    @property
    def specs(self) -> tuple[RunSpec, ...]:
        return self._specs

    @property
    def is_alive(self) -> bool:
        return self.alive

    def add_sink(self, sink: Sink) -> None:
        self._sinks.append(sink)

    def start(self) -> None:
        self.alive = True

    def send(self, command: Command) -> None:
        self.sent.append(command)

    def join(self, timeout: float | None = None) -> bool:
        return not self.alive

    def play(self, *events: Event, index: int = 0) -> None:
        """Say these events for the run at `index`."""
        for event in events:
            for sink in self._sinks:
                sink(index, f"run-{index}", event)

    def begin(self, layers: LayerNode, index: int = 0) -> None:
        """Play a run up to the first batches of its first stage, whose head alone trains."""
        self.play(
            PhaseChanged(phase="loading", detail="TensorFlow"),
            RunStarted(
                spec=self._specs[index],
                model=ModelFacts(layers.parameters, 4, 10**6, 96, 9),
                data=DataFacts(640, 64, 100, ("cat", "dog")),
                layers=layers,
                steps_per_epoch=STEPS,
                epochs=8,
            ),
            StageStarted(stage=1, name="head", epochs=5, learning_rate=1e-3, trains="head"),
            frozen_but("predictions"),
            EpochStarted(epoch=1, stage=1, steps=STEPS),
            PhaseChanged(phase="training"),
            batch(1, 4),
            index=index,
        )


def frozen_but(*names: str, ids: tuple[str, ...] = ()) -> FreezeApplied:
    return FreezeApplied(
        epoch=1,
        trainable=names,
        trainable_parameters=1_280 * len(names),
        frozen_parameters=5_000,
        command_ids=ids,
    )


def batch(epoch: int, step: int, accuracy: float = 0.5, loss: float = 1.5) -> BatchEnded:
    return BatchEnded(
        epoch=epoch, step=step, loss=loss, accuracy=accuracy, batches=2, images_per_second=640.0
    )


def epoch_end(epoch: int, val_accuracy: float, stage: int = 1) -> EpochEnded:
    return EpochEnded(
        epoch=epoch,
        stage=stage,
        loss=1.0,
        accuracy=0.6,
        val_loss=0.9,
        val_accuracy=val_accuracy,
        learning_rate=1e-3,
        train_seconds=3.0,
        validation_seconds=1.0,
        images_per_second=640.0,
    )


def _leaf(name: str, kind: str = "Conv2D", parameters: int = 100) -> LayerNode:
    return LayerNode(
        name, kind, (4, 4, 8), parameters, name == "predictions", trainable_parameters=parameters
    )


def _group(name: str, kind: str, *children: LayerNode) -> LayerNode:
    parameters = sum(child.parameters for child in children)
    trainable = any(child.trainable for child in children)
    return LayerNode(name, kind, (4, 4, 8), parameters, trainable, children)


@pytest.fixture
def layers() -> LayerNode:
    """A model of two stages with a block each, and a head."""
    return _group(
        "model",
        "model",
        _group(
            "backbone",
            "backbone",
            _group("stem", "stage", _leaf("stem_conv"), _leaf("stem_relu", "ReLU", 0)),
            _group(
                "stage1",
                "stage",
                _group(
                    "block1",
                    "block",
                    _leaf("block1_conv"),
                    _leaf("block1_bn", "BatchNormalization"),
                ),
            ),
        ),
        _group("head", "head", _leaf("pool", "Pool", 0), _leaf("predictions", "Dense", 1_280)),
    )


def spec_of(model: str = "EfficientNetLite0", seed: int = 0) -> RunSpec:
    return RunSpec(model=model, dataset="cifar10", stages=NOTEBOOK.stages, image_size=96, seed=seed)


@pytest.fixture
def make_spec() -> Callable[..., RunSpec]:
    """Makes a spec of the notebook's recipe from a model's name and a seed."""
    return spec_of


@pytest.fixture
def session() -> FakeSession:
    """A session of two runs."""
    return FakeSession((spec_of(), spec_of("CustomCNN")))


@pytest.fixture
def make_session() -> type[FakeSession]:
    """Makes a session of other specs."""
    return FakeSession


@pytest.fixture
def events() -> dict[str, Callable[..., Event]]:
    """Makers of events by name: `batch`, `epoch_end`, `frozen_but`."""
    return {"batch": batch, "epoch_end": epoch_end, "frozen_but": frozen_but}


@pytest.fixture(autouse=True)
def no_probe(monkeypatch: pytest.MonkeyPatch) -> None:
    """The launcher does not measure the machine, which would keep it busy for seconds."""
    monkeypatch.setattr(tui.screens.launcher.screen, "PROBE_AFTER_SECONDS", 1e6)


@pytest.fixture
def make_app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MakeApp:
    """Makes an app that draws without delay, over a session or without one."""
    monkeypatch.setattr(tui.app, "REDRAW_SECONDS", 0.01)
    monkeypatch.setattr(ChartsPanel, "seconds_between_draws", 0.01)

    def make(
        session: FakeSession | None,
        start_session: Callable[[list[RunSpec]], FakeSession] | None = None,
        **options: Any,
    ) -> CifarApp:
        source = trained_here(
            session,
            start_session or (lambda specs: FakeSession(tuple(specs))),
            resume=lambda run: FakeSession((run.file.spec,)),
            **options,
        )
        return CifarApp(source, runs_dir=tmp_path)

    return make


class TreeReader:
    """Reads a layer tree as it stands on the screen, goes to its rows, feeds its panel."""

    def __init__(self, until: Until) -> None:
        self._until = until

    async def begun(
        self, pilot: Pilot[Any], session: FakeSession, layers: LayerNode
    ) -> tuple[LayerTree, LayersPanel]:
        """Begin a run; gives its tree and panel once they show all of `FakeSession.begin`."""
        session.begin(layers)
        panel = pilot.app.screen.query_one(LayersPanel)
        await self._until(pilot, lambda: panel.snapshot is not None and panel.snapshot.step == 4)
        await pilot.pause()
        return panel.query_one(LayerTree), panel

    async def show(self, pilot: Pilot[Any], panel: LayersPanel, **changes: Any) -> None:
        """Draw the panel's last snapshot with other values."""
        assert panel.snapshot is not None
        panel.snapshot = replace(panel.snapshot, **changes)
        await pilot.pause()

    def open_all(self, tree: LayerTree) -> None:
        for node in tree.root.children:
            node.expand_all()

    def lines(self, tree: LayerTree) -> list[str]:
        strips = tree.render_lines(Region(0, 0, tree.size.width, tree.size.height))
        return [strip.text.rstrip() for strip in strips]

    def line_of(self, tree: LayerTree, title: str) -> str:
        return next((line for line in self.lines(tree) if title in line), "")

    def go_to(self, tree: LayerTree, name: str) -> None:
        for number in range(tree.last_line + 1):
            node = tree.get_node_at_line(number)
            if node is not None and node.data is not None and node.data.node.name == name:
                tree.move_cursor(node)
                return
        raise AssertionError(f"{name} is not in sight")

    def text(self, panel: LayersPanel, place: str) -> str:
        """What a line of the panel says: `waiting` or `detail`; empty where it is hidden."""
        line = panel.query_one(f"#layer-{place}", Static)
        return str(line.render()) if line.display else ""


@pytest.fixture
def reader(until: Until) -> TreeReader:
    """Reads the layer tree and the lines below it."""
    return TreeReader(until)


@pytest.fixture
def until() -> Until:
    """Waits until a condition holds; fails after ten seconds."""

    async def wait(pilot: Pilot[Any], condition: Callable[[], object]) -> None:
        deadline = time.monotonic() + 10
        while not condition():
            assert time.monotonic() < deadline, "the condition did not come true in 10 s"
            await pilot.pause(0.01)

    return wait


@pytest.fixture
def running(make_app: MakeApp, until: Until) -> Running:
    """Opens an app over a session, as a context, and waits until its trainer works."""

    @asynccontextmanager
    async def open_app(
        session: FakeSession, size: tuple[int, int] = (120, 40), **options: Any
    ) -> AsyncIterator[Pilot[Any]]:
        async with make_app(session, **options).run_test(size=size) as pilot:
            await until(pilot, lambda: session.alive)
            yield pilot

    return open_app


class ThemedApp(App[None]):
    """Nothing but the program's themes, so that it is there at once."""

    def __init__(self) -> None:
        super().__init__()
        for theme in (DARK, LIGHT):
            self.register_theme(theme)
        self.theme = DARK.name


@pytest.fixture
def on_screen() -> OnScreen:
    """Opens one screen, without the app around it, as a context."""

    @asynccontextmanager
    async def open_screen(
        screen: Screen[Any], size: tuple[int, int] = (80, 24)
    ) -> AsyncIterator[Pilot[Any]]:
        async with ThemedApp().run_test(size=size) as pilot:
            await pilot.app.push_screen(screen)
            yield pilot

    return open_screen


@pytest.fixture
def run(make_spec: Callable[..., RunSpec]) -> RunSnapshot:
    """A run of which nothing has been heard yet."""
    return RunSnapshot("run-0", make_spec())


@pytest.fixture
def started() -> list[list[RunSpec]]:
    """What the launcher of `launcher_app` started."""
    return []


@pytest.fixture
def launcher_app(
    make_app: Callable[..., CifarApp],
    make_session: Callable[..., object],
    started: list[list[RunSpec]],
) -> CifarApp:
    """The app without a session: it opens the launcher, and notes what that starts."""

    def start(specs: list[RunSpec]) -> object:
        started.append(specs)
        return make_session(tuple(specs))

    return make_app(None, start)
