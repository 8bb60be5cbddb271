"""The options of a session as a form: the same table as the command line, so the same values."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from textual import events, work
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input, Label, Select, Static

from engine.config.dataset_names import known_names
from engine.config.kinds import YES_NO, Choice, DatasetName, FilePath, RecipeName, YesNo
from engine.config.recipe import DEFAULT_RECIPE, default_text, recipe_defaults
from engine.config.recipe_store import find_recipe, recipe_names
from engine.config.settings import SETTINGS, Options, Setting, dataset_words
from engine.errors import InputError
from tui.panels.path_suggester import PathSuggester
from tui.settings.option_names import as_label

FILL_AFTER_SECONDS = 0.05
ROWS = {setting.field: setting for setting in SETTINGS}


class RunForm(VerticalScroll):
    """A field for each option; an empty one leaves it to the recipe or the catalogue.

    What the user typed or chose is bright, a default is dim.
    """

    class Changed(Message):
        """Something was typed or chosen."""

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
        self._errors: Mapping[str, InputError] = {}
        self._meanwhile = Content("")

    is_filled = False
    """Whether the fields are mounted; until then their initial texts count."""

    def on_mount(self) -> None:
        # The fields take as long as the rest of the screen, so the first frame comes before them.
        self.set_timer(FILL_AFTER_SECONDS, self._fill)

    async def _fill(self) -> None:
        rows = [
            Horizontal(
                Label(as_label(setting.field)),
                _field(setting),
                classes="form-row",
                id=f"row-{setting.field}",
            )
            for setting in SETTINGS
        ]
        await self.mount(*rows, Static(id="form-help"))
        self.is_filled = True
        self.fill(self._first_texts)
        self._show_help(self.screen.focused)
        self.post_message(self.Changed())

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """Show what the field under the cursor is for."""
        self._show_help(event.widget)
        if event.widget.id == "field-dataset":
            self._list_datasets(event.widget)

    @work(exclusive=True)
    async def _list_datasets(self, field: Widget) -> None:
        """Offer the data sets of installed packages too, while the cursor is in the field."""
        words = dataset_words(await asyncio.to_thread(known_names))
        if field.has_focus and "dataset" not in self._errors:
            self.query_one("#form-help", Static).update(words)

    def _show_help(self, widget: Widget | None) -> None:
        """Show what is wrong in a field, or else what it is for."""
        field = ((widget and widget.id) or "").removeprefix("field-")
        error = self._errors.get(field)
        line = self.query_one("#form-help", Static)
        line.set_class(error is not None, "-wrong")
        if field in ROWS:
            line.update(Content(error.line(as_label) if error else ROWS[field].help))
        else:
            line.update(self._meanwhile)

    def show_meanwhile(self, text: Content) -> None:
        """Show a text below the fields while the cursor is in none."""
        self._meanwhile = text
        if self.is_filled and not self.has_focus_within:
            self._show_help(None)

    def on_descendant_blur(self) -> None:
        self._show_help(None)

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self.post_message(self.Changed())

    def on_select_changed(self, event: Select.Changed) -> None:
        event.stop()
        field = (event.select.id or "").removeprefix("field-")
        self.query_one(f"#row-{field}").set_class(field in self.texts, "-set")
        if field == "recipe":
            self._show_defaults(str(event.value))
        self.post_message(self.Changed())

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Go on to the next field: nobody expects a training to start from one."""
        event.stop()
        self.screen.focus_next()

    def read(self) -> tuple[Options, dict[str, InputError]]:
        """Return the options in the form, and what is wrong, by field."""
        given: dict[str, Any] = {}
        errors: dict[str, InputError] = {}
        for setting in SETTINGS:
            if text := self._text(setting):
                try:
                    given[setting.field] = setting.read(text)
                except InputError as error:
                    errors[setting.field] = error
        return Options(**given), errors

    @property
    def texts(self) -> dict[str, str]:
        """What was typed or chosen, by field, without fields at their defaults."""
        if not self.is_filled:
            return dict(self._first_texts)
        found = {setting.field: self._text(setting) for setting in SETTINGS}
        return {name: text for name, text in found.items() if text and text != _usual(ROWS[name])}

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
                elif usual := _usual(setting):
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

    def show_errors(self, errors: Mapping[str, InputError]) -> None:
        """Mark the fields that have an error, and say that of the one under the cursor."""
        self._errors = errors
        if not self.is_filled:
            return
        for field in ROWS:
            self.query_one(f"#row-{field}").set_class(field in errors, "-wrong")
        focused = self.screen.focused
        if focused is not None and self in focused.ancestors:
            self._show_help(focused)

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


def field_of(error: InputError, otherwise: str = "") -> str:
    """Return the field of the form that an error is about; `otherwise` where it names none."""
    return error.field if error.field in ROWS else otherwise


def is_choice(setting: Setting) -> bool:
    """Return whether an option takes only listed values."""
    return isinstance(setting.kind, (Choice, YesNo, RecipeName))


def _usual(setting: Setting) -> str:
    """Return the default of a choice that may not be empty; empty for all other fields."""
    is_open = setting.of_recipe is not None or not is_choice(setting)
    return "" if is_open else default_text(setting)


def _words(setting: Setting) -> tuple[str, ...]:
    match setting.kind:
        case Choice():
            return setting.kind.words
        case YesNo():
            return YES_NO
        case RecipeName():
            return recipe_names()
    return ()


def _field(setting: Setting) -> Input | Select[str]:
    name, says = f"field-{setting.field}", setting.help
    empty = recipe_defaults(DEFAULT_RECIPE).get(setting.field) or default_text(setting)
    if not is_choice(setting):
        empty = empty.replace("the ", "")  # a field is narrow
        words = known_names if isinstance(setting.kind, DatasetName) else tuple
        suggester = PathSuggester(words) if isinstance(setting.kind, FilePath) else None
        return Input(
            placeholder=empty,
            compact=True,
            id=name,
            tooltip=says,
            suggester=suggester,
        )
    return Select(
        [(choice, choice) for choice in _words(setting)],
        prompt=empty,
        value=_usual(setting) or Select.NULL,
        allow_blank=not _usual(setting),
        compact=True,
        id=name,
        tooltip=says,
    )
