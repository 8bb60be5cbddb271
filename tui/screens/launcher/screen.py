"""The launcher: which models to train and how; reports errors while they are typed."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Container, Horizontal
from textual.content import Content
from textual.message import Message
from textual.widgets import Button, Input, Static

from engine.backbones.catalogue import CATALOGUE, find_backbone
from engine.backbones.entry import Backbone
from engine.config.dataset_names import is_folder, title
from engine.config.planning import plan_runs
from engine.config.recipe import DEFAULT_RECIPE
from engine.config.recipe_store import recipe_names
from engine.config.settings import Options
from engine.config.spec import RunSpec
from engine.errors import InputError
from tui.panels.line_fitting import Field, fit
from tui.panels.network_card import NetworkCard, short_story
from tui.panels.tables.catalogue import CatalogueTable
from tui.panels.tables.virtual_table import VirtualTable
from tui.screens.keyed_screen import KeyedScreen
from tui.screens.launcher.form import RunForm, field_of
from tui.screens.launcher.inputs import (
    count_images,
    look_for_inputs,
    missing_files,
    read_own_runs,
    weights_states,
)
from tui.screens.launcher.texts import (
    download_question,
    expected_seconds,
    expected_text,
    plan_each,
    seconds_in_all,
    summary_text,
)
from tui.settings import keys
from tui.settings.option_names import as_label
from tui.settings.preferences import read_preferences, write_preferences

if TYPE_CHECKING:
    from engine.runs.listing import RunRecord
    from engine.tools.fetching import Needed
    from engine.tools.speed_probe import Speed

MARKED_AT_FIRST = ("EfficientNetLite0", "CustomCNN")
SECTION = "launcher"
"""The section of the preferences."""
ALL_HERE = "data and weights of the marked models are on this machine"
ADDING = "Add to the queue"
NOTHING_MARKED = f"no model is marked: {keys.written_for('catalogue', 'toggle_mark')} marks one"


class LauncherScreen(KeyedScreen):
    """The catalogue beside the options; posts `Started` with the runs to train."""

    CSS_PATH = "launcher.tcss"
    BINDINGS = [*keys.bindings("launcher"), *keys.bindings("options")]  # noqa: RUF012
    AUTO_FOCUS = "CatalogueTable"
    HORIZONTAL_BREAKPOINTS = [  # noqa: RUF012
        (0, "-slim"),
        (80, "-narrow"),
        (116, "-wide"),
        (170, "-vast"),
    ]
    VERTICAL_BREAKPOINTS = [(0, "-short"), (20, "-tall"), (56, "-high")]  # noqa: RUF012

    class Started(Message):
        """These runs are to be trained, in this order; they have been checked."""

        def __init__(self, specs: list[RunSpec]) -> None:
            super().__init__()
            self.specs = specs

    class Resumed(Message):
        """This unfinished run is to be resumed."""

        def __init__(self, run: RunRecord) -> None:
            super().__init__()
            self.run = run

    def __init__(
        self,
        runs_dir: Path,
        *,
        joins: RunSpec | None = None,
        asked: Mapping[str, str] | None = None,
    ) -> None:
        """Show the catalogue and the options.

        Args:
            runs_dir: the folder of runs, for an unfinished one.
            joins: a run of the current queue, to which the chosen runs will be added; its data
                and recipe are the initial choice. None for a new session.
            asked: texts of options, by field, in place of those that were started last.
        """
        super().__init__()
        self._asked = dict(asked or {})
        self._runs_dir = runs_dir
        self._joins = joins
        self._adds = joins is not None
        self._errors: dict[str, InputError] = {}
        self._specs: list[RunSpec] = []
        self._each: dict[str, RunSpec] = {}
        """A run of each model with the current options, by name."""
        self._looked_for: dict[str, int] | None = None
        """The input sizes for which weights were looked for."""
        self._data_state = ""
        self._images: tuple[int, int] | None = None
        self._counted: tuple[str, str | None] | None = None
        self._speed: Speed | None = None
        self._is_measuring = False
        self._are_runs_read = False

    def compose(self) -> ComposeResult:
        yield Static(id="launcher-head")
        with Container(id="launcher-body"):
            marked, texts = last_choices() if self._joins is None else choices_like(self._joins)
            yield CatalogueTable(CATALOGUE, marked, id="catalogue")
            with Container(id="launcher-side"):
                yield NetworkCard(id="network-card")
                yield RunForm(texts | self._asked, id="run-form")
        yield Input(placeholder="part of a model's name", compact=True, id="filter")
        with Horizontal(id="launcher-foot"):
            yield Static(id="launcher-summary")
            yield Button(
                "add" if self._adds else "start", variant="primary", compact=True, id="start"
            )
        yield self.footer()

    def on_mount(self) -> None:
        self.query_one("#filter").display = False
        self._plan()
        # Looking for data and weights needs imports that would delay the first frame.
        self.call_after_refresh(self._check)
        self.call_after_refresh(self._look_for_speed)
        if self._joins is not None and self._joins.recipe not in recipe_names():
            # It was a file, or was removed: its name alone does not say how to train.
            self.notify(
                f"The recipe {self._joins.recipe} of the current run is not a saved one: "
                f"{DEFAULT_RECIPE.name} is chosen instead.",
                severity="warning",
                markup=False,
            )

    def on_resize(self) -> None:
        self._show()
        self.call_after_refresh(self._look_for_runs)

    def on_screen_resume(self) -> None:
        self._are_runs_read = False
        self.call_after_refresh(self._look_for_runs)

    # Planning.

    @on(CatalogueTable.Marked)
    @on(RunForm.Changed)
    def _check(self) -> None:
        """Plan the runs again, and look for data and weights in threads."""
        options = self._plan()
        self._show()
        self._look_for_data(options)
        if self._looked_for != self._sizes:
            self._look_for_weights()

    def _plan(self) -> Options:
        options, errors = self.query_one(RunForm).read()
        self._specs = []
        if not errors:
            try:
                options = self._with_weights(options)
                self._specs = plan_runs(self._marked, options)
            except InputError as error:
                errors[field_of(error)] = error
            self._each = plan_each(options)
        self._errors = errors
        return options

    def _with_weights(self, options: Options) -> Options:
        """Return the options with the file of the run that the weights name by its full id."""
        if options.weights in ("imagenet", "none"):
            return options
        from engine.runs.weights import resolve_weights

        weights, _ = resolve_weights(options.weights, self._runs_dir, whole_id=True)
        return replace(options, weights=weights)

    @property
    def _marked(self) -> list[Backbone]:
        return self.query_one(CatalogueTable).marked

    @work(exclusive=True, group="data")
    async def _look_for_data(self, options: Options) -> None:
        problem, state = await asyncio.to_thread(look_for_inputs, self._marked, options)
        data = (options.dataset, options.data_path)
        if state and data != self._counted:  # it reads a folder again: not at every key
            self._images = await asyncio.to_thread(count_images, options)
        elif not state:
            self._images = None
        self._counted = data if state else None
        self._data_state = state
        if problem:
            self._errors.setdefault(*problem)
        self._show()

    @work(exclusive=True, group="weights")
    async def _look_for_weights(self) -> None:
        sizes = self._sizes
        states = await asyncio.to_thread(weights_states, sizes)
        self._looked_for = sizes
        if self._is_there:
            self.query_one(CatalogueTable).show_weights(states)
            self._show_card()

    def _look_for_runs(self) -> None:
        """Read the runs, once the card that tells of them is seen."""
        if self._is_there and self.query_one(NetworkCard).display and not self._are_runs_read:
            self._are_runs_read = True
            self._read_runs()

    @work(exclusive=True, group="runs")
    async def _read_runs(self) -> None:
        runs = await asyncio.to_thread(read_own_runs, self._runs_dir)
        if self._is_there:
            self.query_one(NetworkCard).show_runs(runs)

    @property
    def _sizes(self) -> dict[str, int]:
        return {name: spec.image_size for name, spec in self._each.items()}

    @work(exclusive=True, group="speed")
    async def _look_for_speed(self) -> None:
        from tui.settings import machine_speed

        self._speed = await asyncio.to_thread(machine_speed.remembered_speed)
        if self._speed is None and not self._adds:  # a training would disturb it, and it that
            self.set_timer(machine_speed.MEASURE_AFTER_SECONDS, self._measure_speed)
        self._show()

    @work(exclusive=True, group="speed")
    async def _measure_speed(self) -> None:
        from tui.settings import machine_speed

        self._is_measuring = True
        self._show()
        self._speed = await machine_speed.measure_speed()
        self._is_measuring = False
        self._show()

    @property
    def _is_there(self) -> bool:
        # A screen that closes loses its widgets before its workers are cancelled.
        return self.display

    # Drawing.

    def _show(self) -> None:
        if not self._is_there:
            return
        self.query_one(RunForm).show_errors(self._errors)
        self.query_one("#launcher-head", Static).update(self._head())
        summary = self.query_one("#launcher-summary", Static)
        problem = self._problem()
        summary.update(Content.styled(problem, "$error") if problem else self._summary())
        self._show_plans()
        self.query_one("#start", Button).disabled = bool(problem)

    def _summary(self) -> Content:
        expected = ["measuring this machine…"] if self._is_measuring else []
        if self._images is not None:
            expected.append(expected_text(self._specs, self._speed, self._images))
        return summary_text(self._specs, ", ".join(expected))

    def _show_plans(self) -> None:
        """Show what each model would cost with the options in the form."""
        seconds: dict[str, float] = {}
        if self._speed is not None and self._images is not None:
            seconds = expected_seconds(self._each, self._speed, self._images)
        self.query_one(CatalogueTable).show_plans(self._sizes, seconds)
        self._show_card()

    @on(VirtualTable.Highlighted)
    def _show_card(self) -> None:
        """Tell of the model under the cursor."""
        row = self.query_one(CatalogueTable).current_row
        entry = None if row is None else find_backbone(row["name"])
        card = self.query_one(NetworkCard)
        card.show(entry, row or {})
        text = Content("") if entry is None or card.display else short_story(entry)
        self.query_one(RunForm).show_meanwhile(text)

    def _problem(self) -> str:
        if self._errors:
            # That of the field under the cursor, whose line of help may be out of sight.
            field = (getattr(self.focused, "id", None) or "").removeprefix("field-")
            error = self._errors.get(field) or next(iter(self._errors.values()))
            return error.line(as_label)
        return "" if self._specs else NOTHING_MARKED

    def _head(self) -> Content:
        left = [Field(Content.styled(ADDING if self._adds else "New session", "$primary bold"), 9)]
        right = []
        if self._specs and self._data_state:
            name = title(self._specs[0].dataset)
            text = Content.styled(name, "$foreground bold")
            right.append(Field(text + Content.styled(f"  {self._data_state}", "$muted"), 8))
        return fit(left, right, max(self.size.width, 20)).stylize("on $panel")

    # Actions.

    @on(CatalogueTable.StartAsked)
    @on(Button.Pressed, "#start")
    @work(exclusive=True, group="start")
    async def action_start(self) -> None:
        """Start or add to the queue, if everything is valid; else go to the first error."""
        # The message of the last keystroke may not have arrived yet.
        options = self._plan()
        if not self._problem():
            problem, _ = await asyncio.to_thread(look_for_inputs, self._marked, options)
            if problem:
                self._errors = dict([problem])
        if not self._problem():
            specs = list(self._specs)
            if await self._may_download(specs):
                remember_choices(self._marked, self.query_one(RunForm).texts)
                self.post_message(self.Started(specs))
            return
        self._show()
        self.app.bell()
        field = next(iter(self._errors), "")
        if field:
            self.query_one(RunForm).focus_field(field)
        else:
            self.query_one(CatalogueTable).focus()

    action_add_runs = action_start

    async def _may_download(self, specs: Sequence[RunSpec]) -> bool:
        """Return whether these runs may start, asking first if they have to download something."""
        missing = await asyncio.to_thread(missing_files, specs)
        if not missing:
            return True
        from tui.screens.choice import ChoiceScreen

        seconds = None
        if self._images is not None:
            seconds = seconds_in_all(specs, self._speed, self._images)
        question = download_question(missing, seconds, adds=self._adds)
        answer = await self.app.push_screen_wait(ChoiceScreen(question))
        if answer == "fetch":
            await self._download(missing)
        return answer == "start"

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Allow starting, adding and resuming where possible; a slash may be part of a path."""
        if action == "filter":
            return not isinstance(self.focused, Input)
        if action == "add_runs":
            return self._adds
        if action == "next_option":
            return self.query_one(RunForm).has_focus_within
        return not (self._adds and action in ("start", "resume"))

    def footer_name(self, action: str, name: str) -> str:
        """Say where escape leads, if it leads anywhere."""
        if action != "catalogue":
            return super().footer_name(action, name)
        is_there = isinstance(self.focused, CatalogueTable)
        if not is_there:
            return name
        if self.query_one("#filter", Input).value:
            return "clear"
        return "back" if self._adds else ""

    @work(exclusive=True, group="recipe")
    async def action_save_recipe(self) -> None:
        """Save the form as a recipe, under a name."""
        from tui.screens.launcher.recipe_prompt import recipe_prompt

        options, errors = self.query_one(RunForm).read()
        if errors:
            self._warn(next(iter(errors.values())))
            return
        path = await self.app.push_screen_wait(recipe_prompt(options, self._marked))
        if path is not None:
            self.query_one(RunForm).offer_recipes()
            self.notify(f"Saved: {path}", markup=False)

    def action_usual_options(self) -> None:
        """Reset every option to its default."""
        self.query_one(RunForm).fill({})

    def action_resume(self) -> None:
        """Resume the newest unfinished run."""
        from engine.runs.resume import find_unfinished

        try:
            self.post_message(self.Resumed(find_unfinished(self._runs_dir, None)))
        except InputError as error:
            self._warn(error)

    def _warn(self, error: InputError) -> None:
        self.notify(error.line(as_label), severity="warning", markup=False)

    @work(exclusive=True, group="fetch")
    async def action_fetch(self) -> None:
        """Download what this machine lacks of the marked models and the data set."""
        try:
            missing = await asyncio.to_thread(missing_files, list(self._specs))
        except InputError as error:
            self._warn(error)
            return
        if not missing:
            self.notify(ALL_HERE if self._specs else NOTHING_MARKED, markup=False)
            return
        await self._download(missing)

    async def _download(self, missing: Sequence[Needed]) -> None:
        # Its downloads need modules that the first frame does not need.
        from tui.screens.fetch import FetchScreen

        await self.app.push_screen_wait(FetchScreen(missing))
        self._looked_for = None
        self._check()

    def action_next_option(self) -> None:
        """Do nothing: the field under the cursor takes this key itself."""

    def action_filter(self) -> None:
        """Filter the models by a part of their names."""
        box = self.query_one("#filter", Input)
        box.display = True
        self.set_focus(box)

    def action_catalogue(self) -> None:
        """Clear the filter and go to the models; from there return to the training."""
        box = self.query_one("#filter", Input)
        if self._adds and not box.value and isinstance(self.focused, CatalogueTable):
            self.dismiss(None)
            return
        box.value = ""
        self._to_catalogue()

    @on(Input.Changed, "#filter")
    def _filter(self, event: Input.Changed) -> None:
        self.query_one(CatalogueTable).filter(event.value)

    @on(Input.Submitted, "#filter")
    def _to_catalogue(self) -> None:
        box = self.query_one("#filter", Input)
        box.display = bool(box.value)
        self.query_one(CatalogueTable).focus()


def last_choices() -> tuple[list[str], dict[str, str]]:
    """Return the models and the options, as texts by field, that were started last."""
    kept = read_preferences(SECTION)
    names = {entry.name for entry in CATALOGUE}
    models, texts = kept.get("models"), kept.get("options")
    listed = models if isinstance(models, list) else []
    marked = [name for name in listed if isinstance(name, str) and name in names]
    if not isinstance(texts, dict) or not all(isinstance(text, str) for text in texts.values()):
        texts = {}
    return marked or list(MARKED_AT_FIRST), texts


def choices_like(spec: RunSpec) -> tuple[list[str], dict[str, str]]:
    """Return no models, and the data and the recipe of a run."""
    texts = {"dataset": spec.dataset, "data_path": spec.data_path or "", "recipe": spec.recipe}
    if is_folder(spec.dataset):
        texts |= {"dataset": spec.data_path or "", "data_path": ""}
    return [], texts


def remember_choices(backbones: Sequence[Backbone], texts: Mapping[str, str]) -> None:
    """Save what was started, for the next time."""
    models = [backbone.name for backbone in backbones]
    write_preferences(SECTION, {"models": models, "options": dict(texts)})
