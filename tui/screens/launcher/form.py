"""The options of a session as a form: the same table as the command line, so the same values."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from textual import events, work
from textual.containers import Horizontal, VerticalScroll
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input, Label, Select, Static

from engine.config.dataset_names import known_names
from engine.config.kinds import YES_NO, Choice, DatasetName, FilePath, RecipeName, YesNo
from engine.config.option_table import SETTINGS, Setting, dataset_words, recipe_defaults
from engine.config.options import Options
from engine.config.recipe import DEFAULT_RECIPE
from engine.config.recipe_store import find_recipe, recipe_names
from engine.errors import InputError
from tui.panels.path_suggester import PathSuggester

FILL_AFTER_SECONDS = 0.05
FLAGS = {setting.flag: setting.field for setting in SETTINGS}


class RunForm(VerticalScroll):
    """A field for each option; an empty one leaves it to the recipe or the catalogue."""

    class Changed(Message):
        """Something was typed or chosen."""

    class StartAsked(Message):
        """Enter was pressed in a field."""

    def __init__(
        self,
        texts: Mapping[str, str] | None = None,
        *,
        id: str | None = None,  # noqa: A002
    ) -> None:
        """Start with `texts` in the fields, by field, and the others empty."""
        super().__init__(id=id, classes="panel", can_focus=False)
        self.border_title = "Options"
        self._first_texts = dict(texts or {})

    is_filled = False
    """Whether the fields are mounted; until then their initial texts count."""

    def on_mount(self) -> None:
        # The fields take as long as the rest of the screen, so the first frame comes before them.
        self.set_timer(FILL_AFTER_SECONDS, self._fill)

    async def _fill(self) -> None:
        rows = [
            Horizontal(
                Label(label(setting)),
                _field(setting),
                classes="form-row",
                id=f"row-{setting.field}",
            )
            for setting in SETTINGS
        ]
        await self.mount(*rows, Static(id="form-help"))
        self.is_filled = True
        self.fill(self._first_texts)
        self.post_message(self.Changed())

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """Show what the field under the cursor is for."""
        fields = {f"field-{setting.field}": setting for setting in SETTINGS}
        setting = fields.get(event.widget.id or "")
        self.query_one("#form-help", Static).update(setting.help if setting else "")
        if setting is not None and isinstance(setting.kind, DatasetName):
            self._list_datasets(event.widget)

    @work(exclusive=True)
    async def _list_datasets(self, field: Widget) -> None:
        """Offer the data sets of installed packages too, while the cursor is in the field."""
        names = await asyncio.to_thread(known_names)
        if field.has_focus:
            self.query_one("#form-help", Static).update(dataset_words(names))

    def on_descendant_blur(self) -> None:
        self.query_one("#form-help", Static).update("")

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self.post_message(self.Changed())

    def on_select_changed(self, event: Select.Changed) -> None:
        event.stop()
        if event.select.id == "field-recipe":
            self._show_defaults(str(event.value))
        self.post_message(self.Changed())

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.post_message(self.StartAsked())

    def read(self) -> tuple[Options, dict[str, str]]:
        """Return the options in the form, and error messages by field."""
        given: dict[str, Any] = {}
        errors: dict[str, str] = {}
        for setting in SETTINGS:
            text = self._text(setting)
            if not text:
                continue
            try:
                given[setting.field] = setting.read(text)
            except InputError as error:
                errors[setting.field] = str(error)
        return Options(**given), errors

    @property
    def texts(self) -> dict[str, str]:
        """What was typed or chosen, by field, without fields at their defaults."""
        if not self.is_filled:
            return dict(self._first_texts)
        found = {setting.field: self._text(setting) for setting in SETTINGS}
        return {name: text for name, text in found.items() if text and text != _value_of(name)}

    def fill(self, texts: Mapping[str, str]) -> None:
        """Put texts into the fields, by field, and reset the others to their defaults.

        A choice that is no longer offered stays at its default.
        """
        for setting in SETTINGS if self.is_filled else ():
            widget = self.query_one(f"#field-{setting.field}")
            text = texts.get(setting.field, "")
            if isinstance(widget, Select):
                if text in _words(setting):
                    widget.value = text
                elif usual := _value_of(setting.field):
                    widget.value = usual
                else:
                    widget.clear()
            elif isinstance(widget, Input):
                widget.value = text

    def offer_recipes(self) -> None:
        """Offer the recipes that exist now, keeping the chosen one."""
        widget = self.query_one("#field-recipe", Select)
        chosen = widget.value
        widget.set_options([(name, name) for name in recipe_names()])
        widget.value = chosen

    def show_errors(self, errors: Mapping[str, str]) -> None:
        """Mark the fields that have an error."""
        for setting in SETTINGS if self.is_filled else ():
            self.query_one(f"#row-{setting.field}").set_class(setting.field in errors, "-wrong")

    def focus_field(self, field: str) -> None:
        """Move the cursor into a field."""
        self.query_one(f"#field-{field}").focus()

    def _text(self, setting: Setting) -> str:
        if not self.is_filled:
            text = self._first_texts.get(setting.field, "")
            return "" if is_choice(setting) and text not in _words(setting) else text
        widget = self.query_one(f"#field-{setting.field}")
        if isinstance(widget, Select):
            return "" if widget.is_blank() else str(widget.value)
        return widget.value.strip() if isinstance(widget, Input) else ""

    def _show_defaults(self, recipe: str) -> None:
        try:
            found = find_recipe(recipe)
        except InputError:
            return  # planning says so
        for field, text in recipe_defaults(found).items():
            widget = self.query_one(f"#field-{field}")
            if isinstance(widget, Select):
                widget.prompt = text
            elif isinstance(widget, Input):
                widget.placeholder = text


def label(setting: Setting) -> str:
    """Return the label of an option: `learning rate` for `--learning-rate`."""
    return setting.flag.removeprefix("--").replace("-", " ")


def is_choice(setting: Setting) -> bool:
    """Return whether an option takes only listed values."""
    return isinstance(setting.kind, (Choice, YesNo, RecipeName))


def field_of(error: str) -> str:
    """Return the field that an error of `plan_runs` is about; empty if it names none."""
    return FLAGS.get(error.split(":", 1)[0], "")


def in_words(error: str) -> str:
    """Return the error with the field's label in place of the flag."""
    flag, colon, rest = error.partition(":")
    if flag in FLAGS:
        return f"{flag.removeprefix('--').replace('-', ' ')}{colon}{rest}"
    return error


def _value_of(field: str) -> str:
    """Return the default of a choice that may not be empty; empty for all other fields."""
    setting = next(setting for setting in SETTINGS if setting.field == field)
    if not is_choice(setting) or field in recipe_defaults(DEFAULT_RECIPE):
        return ""
    return setting.default


def _words(setting: Setting) -> tuple[str, ...]:
    match setting.kind:
        case Choice():
            return setting.kind.words
        case YesNo():
            return YES_NO
        case RecipeName():
            return recipe_names()
    return ()


def _suggester(setting: Setting) -> PathSuggester | None:
    match setting.kind:
        case DatasetName():
            return PathSuggester(known_names)
        case FilePath():
            return PathSuggester()
    return None


def _field(setting: Setting) -> Input | Select[str]:
    name, says = f"field-{setting.field}", setting.help
    empty = recipe_defaults(DEFAULT_RECIPE).get(setting.field)
    if not is_choice(setting):
        placeholder = setting.default if empty is None else empty
        return Input(
            placeholder=placeholder,
            compact=True,
            id=name,
            tooltip=says,
            suggester=_suggester(setting),
        )
    choices = [(choice, choice) for choice in _words(setting)]
    if empty is not None:
        return Select(choices, prompt=empty, compact=True, id=name, tooltip=says)
    return Select(
        choices,
        value=_value_of(setting.field),
        allow_blank=False,
        compact=True,
        id=name,
        tooltip=says,
    )
