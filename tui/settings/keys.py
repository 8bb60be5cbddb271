"""Every key of the program in one place: bindings, help screen and reference come from here."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from textual.binding import Binding, BindingType

from tui.settings.run_pages import KEYED, RUN_PAGES

if TYPE_CHECKING:
    from textual.app import App
    from textual.dom import DOMNode
    from textual.screen import Screen

Place = Literal[
    "everywhere",
    "training",
    "layers",
    "launcher",
    "catalogue",
    "results",
    "detail",
    "compare",
    "answers",
    "predict",
    "fetch",
    "waiting",
]


@dataclass(frozen=True, slots=True)
class Key:
    """A key, what it does where, and its names in the footer, the help and the palette."""

    keys: str
    """Textual's names; several, separated by commas, do the same."""
    action: str
    label: str
    """One or two words for the footer."""
    description: str
    """One line for the help screen, the palette and the reference."""
    place: Place
    shown: bool = True
    """Whether the footer shows it."""
    priority: bool = False
    """Whether it takes effect before the focused widget; keys typed right after it come later."""
    display: str = ""
    """How the key is written, where its names do not tell."""


_WRITTEN = {
    **{"up": "↑", "down": "↓", "left": "←", "right": "→"},
    **{"slash": "/", "plus": "+", "minus": "-", "asterisk": "*", "question_mark": "?"},
    "greater_than_sign": ">",
}
_UNTOLD = ("equals_sign", "f1")
"""Keys for who looks for them: the plus without shift, and the usual key of help."""
KEYS: tuple[Key, ...] = (
    Key("space", "toggle_trainable", "toggle", "Freeze or unfreeze the layer or group", "layers"),
    Key("enter", "toggle_open", "open", "Open or close the group", "layers", False),
    Key("down,j", "cursor_down", "down", "Next row", "layers", False),
    Key("up,k", "cursor_up", "up", "Row before it", "layers", False),
    Key("right,l", "open", "open", "Open the group", "layers", False),
    Key("left,h", "close", "close", "Close the group, or go to it", "layers", False),
    Key("f", "freeze_to_input", "freeze", "Freeze from here to the input", "layers", False),
    Key("u", "unfreeze_to_output", "unfreeze", "Unfreeze from here to the output", "layers", False),
    Key("slash", "find", "find", "Find a layer by its name", "layers", False),
    Key("p", "presets", "presets", "What trains: head, last block, last N layers, all", "training"),
    Key("b", "lock_batchnorm", "BN", "Lock or release BatchNormalization", "training", False),
    Key("a", "apply_now", "apply now", "Apply what waits after this batch", "training", False),
    Key("backspace", "withdraw", "undo", "Undo the changes that wait", "training", False),
    Key("plus,equals_sign", "rate_up", "up", "Raise the rate by 10^¼", "training", False),
    Key("minus", "rate_down", "down", "Lower the rate by 10^¼", "training", False),
    Key("L", "rate", "rate", "Type a learning rate", "training", False),
    Key(
        "greater_than_sign",
        "skip",
        "skip",
        "Skip to the next stage or the next model",
        "training",
        False,
    ),
    Key("c", "checkpoint", "save", "Save a checkpoint now", "training", False),
    Key("w", "toggle_window", "window", "Charts: all or their recent part", "training", False),
    Key("x", "change_x_axis", "axis", "Charts over epochs, steps or seconds", "training", False),
    Key("m", "change_smoothing", "smooth", "Charts: smooth the train line", "training", False),
    Key("y", "toggle_log_loss", "log", "Chart of the loss: logarithmic", "training", False),
    Key("z", "pause", "pause", "Pause after this batch, or resume", "training"),
    Key("s", "stop", "stop", "Stop: now, after this epoch or after this model", "training"),
    Key("e", "waiting_runs", "queue", "Move, remove or add runs that wait", "training", False),
    Key("r", "results", "results", "Go to the results", "training"),
    Key("1", "panel('layers')", "layers", "Only the layers, or all panels", "training", False),
    Key("2", "panel('charts')", "charts", "Only the charts, or all panels", "training", False),
    Key("3", "panel('machine')", "machine", "Only the machine, or all panels", "training", False),
    Key("4", "panel('queue')", "queue", "Only the queue, or all panels", "training", False),
    Key("5", "panel('log')", "log", "Open or close the log", "training", False),
    Key("enter", "go_on", "results", "When all runs have ended: the results", "training", False),
    Key("escape", "dismiss_notice", "dismiss", "Dismiss the error message", "training", False),
    Key("n", "new_session", "new", "New session, or more runs for the queue", "everywhere", False),
    Key("ctrl+s", "start", "start", "Start training the marked models", "launcher"),
    Key(
        "plus,equals_sign",
        "add_runs",
        "add",
        "Add the marked models to the current queue",
        "launcher",
    ),
    Key("r", "app.results", "results", "Go to the results", "launcher"),
    Key("u", "resume", "resume", "Resume the newest unfinished run", "launcher"),
    Key("slash", "filter", "filter", "Type a part of a model's name", "launcher", priority=True),
    Key("f", "fetch", "fetch", "Fetch the data and weights that are not here", "launcher"),
    Key(
        "ctrl+e,ctrl+o", "save_recipe", "recipe", "Save the options as a recipe", "launcher", False
    ),
    Key("ctrl+r", "usual_options", "defaults", "All options at their defaults", "launcher", False),
    Key("escape", "catalogue", "models", "Clear the filter, back to the models", "launcher", False),
    Key("space", "toggle_mark", "mark", "Mark the model to train it", "catalogue"),
    Key("enter", "start", "start", "Start training the marked models", "catalogue", False),
    Key("down,j", "move(1)", "down", "Next model", "catalogue", False),
    Key("up,k", "move(-1)", "up", "Model before it", "catalogue", False),
    Key("right,l", "columns(1)", "right", "Columns to the right", "catalogue", False),
    Key("left,h", "columns(-1)", "left", "Columns to the left", "catalogue", False),
    Key("s", "sort", "sort", "Sort by the next column", "catalogue", False),
    Key("o", "turn_order", "order", "Sort the other way round", "catalogue", False),
    Key("enter", "toggle_detail", "open", "Show or hide the run in full", "results"),
    Key("space", "mark", "mark", "Mark the run to compare it", "results"),
    Key("c", "compare", "compare", "Compare the marked runs", "results"),
    Key("w", "answers", "why", "The three questions, answered from the runs", "results"),
    Key("p", "predict", "predict", "Let the run's model classify an image", "results", False),
    Key(
        "slash",
        "filter",
        "filter",
        "Filter the runs: model:lite acc>0.85",
        "results",
        priority=True,
    ),
    Key("s", "sort", "sort", "Sort by the next column", "results"),
    Key("o", "reverse", "reverse", "Sort the other way round", "results", False),
    Key("g", "group", "group", "One line a model, or the runs again", "results", False),
    Key("x", "cost", "axis", "Chart: time, parameters or FLOPs", "results"),
    Key("asterisk", "pin", "pin", "Keep the run on top, or no longer", "results", False),
    Key("e", "notes", "note", "Tags and a note for the run", "results", False),
    Key("delete", "delete", "delete", "Move the run to the trash; asks first", "results", False),
    Key("r", "reload", "refresh", "Read the runs again", "results", False),
    Key("n", "app.new_session", "new", "Choose models for a new session", "results", False),
    Key("escape", "leave", "back", "Close what was opened last, or go back", "results", False),
    Key("right,l", "next_tab", "tabs", "Next tab of the run", "detail", display="→"),
    Key("left,h", "previous_tab", "tabs", "Tab before it", "detail", False, display="←"),
    *(
        Key(str(number), f"tab('{page.name}')", page.name, page.help, "detail", False)
        for number, page in enumerate(RUN_PAGES[:KEYED], 1)
    ),
    Key("down,j", "further_down", "down", "Scroll, or the next mistakes", "detail", False),
    Key("up,k", "back_up", "up", "Scroll back, or the mistakes before", "detail", False),
    Key("shift+right", "sideways(1)", "right", "Scroll a wide page", "detail", False),
    Key("shift+left", "sideways(-1)", "left", "Scroll a wide page back", "detail", False),
    Key("u", "unfold", "unfold", "Open or close the group of layers", "detail", False),
    Key("x", "change_curve_axis", "axis", "Curves over epochs or over time", "compare"),
    Key("escape", "app.back", "back", "Back to the results", "compare"),
    Key("m", "write_report", "report", "Write the report as Markdown", "answers"),
    Key("escape", "app.back", "back", "Back to the results", "answers"),
    Key("enter", "predict_image", "predict", "Predict the image at the path", "predict"),
    Key("escape", "app.back", "back", "Back to the results", "predict"),
    Key("escape", "leave", "cancel", "Cancel, keeping what came; or go back", "fetch"),
    Key(
        "shift+up,K",
        "move(-1)",
        "earlier",
        "Train the run earlier",
        "waiting",
        display="shift+↑ or K",
    ),
    Key(
        "shift+down,J", "move(1)", "later", "Train the run later", "waiting", display="shift+↓ or J"
    ),
    Key("down,j", "go(1)", "down", "Next run that waits", "waiting", False),
    Key("up,k", "go(-1)", "up", "Run before it", "waiting", False),
    Key("delete,x", "remove", "remove", "Remove the run from the queue", "waiting"),
    Key("n", "app.new_session", "add", "Choose models to add", "waiting"),
    Key("escape", "close", "close", "Back to the training", "waiting"),
    Key("t", "toggle_theme", "theme", "Light or dark", "everywhere", False),
    Key(
        "N",
        "change_notification",
        "bell",
        "At the end: nothing, a bell, a message",
        "everywhere",
        False,
    ),
    Key("ctrl+l", "redraw", "redraw", "Draw the whole screen again", "everywhere", False),
    Key("question_mark,f1", "show_help", "help", "Show the keys", "everywhere"),
    Key("q", "quit", "quit", "Leave; asks first while a model trains", "everywhere"),
    Key("d", "detach", "detach", "Leave; the training continues", "everywhere", False),
    Key(
        "ctrl+q,ctrl+c",
        "quit",
        "quit",
        "Leave, from anywhere; pressed twice, a training continues",
        "everywhere",
        False,
        True,
    ),
)
PALETTE_KEY, SECOND_PALETTE_KEY = "ctrl+p", "colon"
"""The terminals of some editors keep the first for themselves, like ctrl+e; in a text field the
second is a character."""
PALETTE_WRITTEN = "ctrl+p or :"
PLACES: dict[Place, str] = {
    "launcher": "New session",
    "catalogue": "List of models",
    "layers": "Layers",
    "training": "Training",
    "results": "Results",
    "detail": "Run in full",
    "compare": "Comparison",
    "answers": "Answers",
    "predict": "Prediction",
    "fetch": "Fetching",
    "waiting": "Waiting runs",
    "everywhere": "Everywhere",
}


def keys_of(place: Place) -> tuple[Key, ...]:
    """List the keys of one place, in the order of the help screen."""
    return tuple(key for key in KEYS if key.place == place)


def bindings(place: Place, leave_out: Iterable[str] = ()) -> list[BindingType]:
    """Make the `BINDINGS` of a widget, screen or app from the keys of one place."""
    return [
        Binding(
            key.keys,
            key.action,
            key.label,
            tooltip=key.description,
            show=key.shown,
            priority=key.priority,
            key_display=key.display or None,
            id=_binding_id(key),
        )
        for key in keys_of(place)
        if key.keys not in leave_out
    ]


def palette_bindings() -> list[BindingType]:
    """Make the bindings of the command palette."""
    says: dict[str, Any] = {"show": False, "tooltip": "Open the command palette"}
    return [
        Binding(PALETTE_KEY, "command_palette", "palette", priority=True, **says),
        Binding(SECOND_PALETTE_KEY, "command_palette", "palette", **says),
    ]


def owner_of(key: Key, app: App[Any], screen: Screen[Any]) -> DOMNode | None:
    """Find what carries a key out at present; None where the key does nothing.

    That is the app, the screen or a widget of its focus chain, by the bindings of its class.
    """
    name, _, given = key.action.removesuffix(")").partition("(")
    for node in (app, screen, *screen.focus_chain):
        if _binding_id(key) in _binding_ids(node):
            target = app if name.startswith("app.") else node
            parameters = (given.strip("'"),) if given else ()
            allowed = target.check_action(name.removeprefix("app."), parameters)
            return node if allowed else None
    return None


def places_from(app: App[Any], screen: Screen[Any]) -> tuple[Place, ...]:
    """List all places: first those whose keys do something on `screen`, then everywhere's."""

    def distance(place: Place) -> int:
        if place == "everywhere":
            return 1
        return 0 if any(owner_of(key, app, screen) for key in keys_of(place)) else 2

    return tuple(sorted(PLACES, key=distance))


def _binding_id(key: Key) -> str:
    """Make an id that differs for the same key of another place."""
    return f"{key.place}.{key.keys}"


def _binding_ids(node: DOMNode) -> set[str | None]:
    classes = (vars(cls).get("BINDINGS", ()) for cls in type(node).__mro__)
    return {binding.id for found in classes for binding in found if isinstance(binding, Binding)}


def written(key: Key) -> str:
    """Write a key for people: `ctrl+q or ctrl+c`, `?`, `→ or l`."""
    names = [name for name in key.keys.split(",") if name not in _UNTOLD]
    return key.display or " or ".join(_WRITTEN.get(name, name) for name in names)
