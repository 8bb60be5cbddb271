"""A prompt over the launcher for a name, under which it saves the form as a recipe."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from engine.backbones.entry import Backbone
from engine.config.planning import recipe_from
from engine.config.recipe_store import check_name, recipe_names, save_recipe
from engine.config.settings import Options
from engine.errors import InputError
from tui.settings.option_names import as_label

MAX_LENGTH = 60
HELD = "epochs, rates, unfreezing, sizes, batches, flips and the like; not data, seeds or device"


class RecipePrompt(ModalScreen[Path | None]):
    """A prompt for a name that saves the recipe; returns the file, None for escape.

    Args:
        options: the options in the form.
        models: the models for which a chosen image size is saved.
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "cancel", "cancel")]

    def __init__(self, options: Options, models: Sequence[Backbone]) -> None:
        super().__init__()
        self._options, self._models = options, models

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Static("Save these options as a recipe named", classes="dialog-title")
            yield Input(compact=True, max_length=MAX_LENGTH)
            yield Static(HELD, classes="dialog-note", markup=False)
            yield Static("enter saves it · esc cancels", classes="dialog-hint")

    def on_input_changed(self, event: Input.Changed) -> None:
        name = event.value.strip()
        try:
            if name:
                check_name(name)
        except InputError as error:
            self._say(error.line(as_label), wrong=True)
            return
        is_saved = name in recipe_names()
        self._say(f"replaces the saved recipe {name}" if is_saved else HELD)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        try:
            name = event.value.strip()
            self.dismiss(save_recipe(recipe_from(name, self._options, self._models)))
        except InputError as error:
            self._say(error.line(as_label), wrong=True)

    def action_cancel(self) -> None:
        self.dismiss(None)

    def _say(self, words: str, *, wrong: bool = False) -> None:
        note = self.query_one(".dialog-note", Static)
        note.set_class(wrong, "-wrong")
        note.update(words)
