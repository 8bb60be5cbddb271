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
    "first",
    "training",
    "layers",
    "launcher",
    "catalogue",
    "options",
    "results",
    "detail",
    "compare",
    "answers",
    "predict",
    "fetch",
    "combine",
    "waiting",
]


@dataclass(frozen=True, slots=True)
class Key:
    """A key, what it does where, and its names in the footer, the help and the palette."""

    keys: str
    """Textual's names; several, separated by commas, do the same."""
    action: str
    description: str
    """One line for the help screen, the palette and the reference."""
    place: Place
    footer: str = ""
    """One or two words for the footer; empty where it never shows it."""
    while_typing: bool = False
    """Whether the footer shows it only while a text is typed."""
    priority: bool = False
    """Whether it takes effect before the focused widget; keys typed right after it come later."""
    display: str = ""
    """How the key is written, where its names do not tell."""
    footer_display: str = ""
    """How the footer writes it, where it shows this key for several."""


_WRITTEN = {
    **{"up": "↑", "down": "↓", "left": "←", "right": "→"},
    **{"slash": "/", "plus": "+", "minus": "-", "asterisk": "*", "question_mark": "?"},
    **{"greater_than_sign": ">", "escape": "esc"},
}
_UNTOLD = ("equals_sign", "f1")
"""Keys for who looks for them: the plus without shift, and the usual key of help."""
KEYS: tuple[Key, ...] = (
    Key("space", "toggle_trainable", "Freeze or unfreeze the layer or group", "layers", "toggle"),
    Key("enter", "toggle_node", "Open or close the group", "layers"),
    Key("down,j", "cursor_down", "Next row", "layers"),
    Key("up,k", "cursor_up", "Previous row", "layers"),
    Key("right,l", "open", "Open the group", "layers"),
    Key("left,h", "close", "Close the group, or go to its parent", "layers"),
    Key("f", "set_part(False)", "Freeze from here to the input", "layers"),
    Key("u", "set_part(True)", "Unfreeze from here to the output", "layers"),
    Key("slash", "find", "Find a layer by its name", "layers"),
    Key("p", "presets", "What trains: head, last block, last N layers, all", "training", "presets"),
    Key("b", "lock_batchnorm", "Lock or release BatchNormalization", "training"),
    Key("a", "apply_now", "Apply the pending changes after this batch", "training"),
    Key("backspace", "withdraw", "Undo the pending changes", "training"),
    Key(
        "plus,equals_sign",
        "step_rate(1)",
        "Raise the learning rate by 78 %",
        "training",
    ),
    Key(
        "minus",
        "step_rate(-1)",
        "Lower the learning rate by 44 %",
        "training",
    ),
    Key("L", "rate", "Type a learning rate", "training"),
    Key("greater_than_sign", "skip", "Skip to the next stage or the next model", "training"),
    Key("c", "checkpoint", "Save a checkpoint now", "training"),
    Key("w", "change_charts('recent')", "Charts: all epochs, or only the recent ones", "training"),
    Key("x", "change_charts('x_unit')", "Charts: by epoch, step or time", "training"),
    Key("m", "change_charts('smoothing')", "Charts: smooth the training curve", "training"),
    Key("y", "change_charts('log_loss')", "Charts: logarithmic loss axis", "training"),
    Key("z", "pause", "Pause after this batch, or resume", "training", "pause"),
    Key("s", "stop", "Stop: now, after this epoch or after this model", "training", "stop"),
    Key("e", "waiting_runs", "Reorder, remove or add waiting runs", "training"),
    Key(
        "1",
        "panel('layers')",
        "Show only the layers, or all panels",
        "training",
        "panels",
        footer_display="1-5",
    ),
    Key("2", "panel('charts')", "Show only the charts, or all panels", "training"),
    Key("3", "panel('machine')", "Show only the machine, or all panels", "training"),
    Key("4", "panel('queue')", "Show only the queue, or all panels", "training"),
    Key("5", "panel('log')", "Open or close the log", "training"),
    Key("v", "debug_lines", "Log: show or hide library messages", "training"),
    Key("r", "app.results", "Open the results", "training", "results"),
    Key("enter", "go_on", "Open the results once all runs have ended", "training", "results"),
    Key("escape", "dismiss_notice", "Dismiss the error message", "training", "dismiss"),
    Key("n", "new_session", "Start a new session, or add runs to the queue", "everywhere", "new"),
    Key("d", "choose('demo')", "Start the demo", "first"),
    Key("c", "choose('cifar10')", "Choose models for CIFAR-10", "first"),
    Key("o", "choose('folder')", "Name the folder of your images", "first"),
    Key("r", "choose('results')", "Open the results", "first"),
    Key("enter", "select", "Take the highlighted choice", "first", "choose"),
    Key("down,j", "cursor_down", "Next choice", "first"),
    Key("up,k", "cursor_up", "Previous choice", "first"),
    Key("escape", "app.launcher", "Choose models and options", "first", "models"),
    Key("ctrl+s", "start", "Start training the marked models", "launcher", "start"),
    Key(
        "plus,equals_sign",
        "add_runs",
        "Add the marked models to the current queue",
        "launcher",
        "add",
    ),
    Key("r", "app.results", "Open the results", "launcher", "results"),
    Key("u", "resume", "Resume the newest unfinished run", "launcher", "resume"),
    Key("slash", "filter", "Type a part of a model's name", "launcher", "find", priority=True),
    Key("f", "fetch", "Download missing data and weights", "launcher", "fetch"),
    Key("ctrl+e,ctrl+o", "save_recipe", "Save the options as a recipe", "launcher"),
    Key("ctrl+r", "usual_options", "Reset all options to their defaults", "launcher"),
    Key("escape", "catalogue", "Clear the filter, or go back to the models", "launcher", "models"),
    Key("space", "toggle_mark", "Mark or unmark the model for training", "catalogue", "mark"),
    Key("enter", "start", "Start training the marked models", "catalogue"),
    Key("down,j", "move(1)", "Next model", "catalogue"),
    Key("up,k", "move(-1)", "Previous model", "catalogue"),
    Key("right,l", "columns(1)", "Scroll to the columns on the right", "catalogue"),
    Key("left,h", "columns(-1)", "Scroll to the columns on the left", "catalogue"),
    Key("s", "sort", "Sort by the next column", "catalogue"),
    Key("o", "turn_order", "Reverse the sort order", "catalogue"),
    Key("tab", "app.focus_next", "Go to the options, then to the next one", "options"),
    Key("enter", "next_option", "Confirm it and go to the next, or open its list", "options"),
    Key("enter", "toggle_detail", "Show or hide the run in full", "results", "open"),
    Key("space", "mark", "Mark or unmark the run, to compare or combine it", "results", "mark"),
    Key("c", "compare", "Compare the marked runs", "results", "compare"),
    Key(
        "plus,equals_sign",
        "combine",
        "Combine the marked runs into an ensemble",
        "results",
        "combine",
    ),
    Key("w", "answers", "Answer the three questions from the runs", "results", "why"),
    Key(
        "slash",
        "filter",
        "Filter the runs: model:lite acc>0.85",
        "results",
        "filter",
        priority=True,
    ),
    Key("s", "sort", "Sort by the next column", "results", "sort"),
    Key("o", "reverse", "Reverse the sort order", "results"),
    Key("p", "act('predict')", "Predict an image with the run's model", "results", "predict"),
    Key("g", "group", "Group by model, or list every run", "results"),
    Key("x", "cost", "Chart: plot against time, parameters or FLOPs", "results", "axis"),
    Key("asterisk", "act('pin')", "Pin the run to the top, or unpin it", "results"),
    Key("e", "act('notes')", "Edit the tags and the note of the run", "results"),
    Key("delete", "act('delete')", "Move the run to the trash; asks first", "results"),
    Key("r", "reload", "Reload the runs", "results"),
    Key("n", "app.new_session", "Choose models for a new session", "results", "new"),
    Key("escape", "leave", "Close the last thing opened, or go back", "results", "back"),
    Key("right,l", "turn(1)", "Next tab of the run", "detail", "tabs", display="→"),
    Key("left,h", "turn(-1)", "Previous tab", "detail", display="←"),
    *(
        Key(str(number), f"tab('{page.name}')", page.help, "detail")
        for number, page in enumerate(RUN_PAGES[:KEYED], 1)
    ),
    Key("down,j", "go(1, 0)", "Scroll down, or show the next mistakes", "detail"),
    Key("up,k", "go(-1, 0)", "Scroll up, or show the previous mistakes", "detail"),
    Key("shift+right", "go(0, 1)", "Scroll right on a wide page", "detail"),
    Key("shift+left", "go(0, -1)", "Scroll left on a wide page", "detail"),
    Key("u", "unfold", "Open or close the group of layers", "detail"),
    Key("x", "change_curve_axis", "Plot curves over epochs or over time", "compare", "axis"),
    Key("escape", "app.back", "Back to the results", "compare", "back"),
    Key("down,j", "scroll_by(1)", "Scroll down", "answers", "scroll", footer_display="↑↓"),
    Key("up,k", "scroll_by(-1)", "Scroll up", "answers"),
    Key("pagedown", "turn(1)", "Next page", "answers"),
    Key("pageup", "turn(-1)", "Previous page", "answers"),
    Key("m", "write_report", "Write the report as Markdown", "answers", "report"),
    Key("escape", "app.back", "Back to the results", "answers", "back"),
    Key(
        "enter",
        "predict_image",
        "Predict the image at the path",
        "predict",
        "predict",
        priority=True,
    ),
    Key("ctrl+r", "predict_random", "Predict a random test image", "predict", "random"),
    Key("up", "recall(1)", "Previous image path used", "predict", "last used", priority=True),
    Key("down", "recall(-1)", "Next image path used", "predict", priority=True),
    Key("escape", "app.back", "Back to the results", "predict", "back"),
    Key("escape", "leave", "Cancel and keep partial downloads, or go back", "fetch", "cancel"),
    Key("escape", "leave", "Cancel and leave nothing behind, or go back", "combine", "cancel"),
    Key(
        "shift+up,K",
        "move(-1)",
        "Move the run up the queue",
        "waiting",
        "earlier",
        display="shift+↑ or K",
    ),
    Key(
        "shift+down,J",
        "move(1)",
        "Move the run down the queue",
        "waiting",
        "later",
        display="shift+↓ or J",
    ),
    Key("down,j", "go(1)", "Next waiting run", "waiting"),
    Key("up,k", "go(-1)", "Previous waiting run", "waiting"),
    Key("delete,x", "remove", "Remove the run from the queue", "waiting", "remove"),
    Key("n", "app.new_session", "Choose models to add", "waiting", "add"),
    Key("escape", "dismiss", "Back to the training", "waiting", "close"),
    Key("t", "toggle_theme", "Switch between light and dark", "everywhere"),
    Key(
        "N",
        "change_notification",
        "Signal the queue's end: off, bell, or bell and message",
        "everywhere",
    ),
    Key(
        "ctrl+z",
        "suspend",
        "Suspend until fg; not while a model trains",
        "everywhere",
        priority=True,
    ),
    Key("ctrl+l", "redraw", "Redraw the screen", "everywhere"),
    Key("question_mark,f1", "show_help", "Show all keys", "everywhere", "help"),
    Key("q", "quit", "Quit; asks first while a model trains", "everywhere", "quit"),
    Key("d", "detach", "Detach; training continues in the background", "everywhere"),
    Key(
        "ctrl+c",
        "copy_or_quit",
        "Copy the text marked with the mouse; without any, quit",
        "everywhere",
        priority=True,
    ),
    Key(
        "ctrl+q",
        "quit",
        "Quit from anywhere; press twice to leave training running",
        "everywhere",
        "quit",
        while_typing=True,
        priority=True,
    ),
)
PALETTE_KEY, SECOND_PALETTE_KEY = "ctrl+p", "colon"
"""The terminals of some editors keep the first for themselves, like ctrl+e; in a text field the
second is a character."""
PALETTE_WRITTEN = "ctrl+p or :"
PLACES: dict[Place, str] = {
    "first": "First page",
    "launcher": "New session",
    "catalogue": "List of models",
    "options": "Options",
    "layers": "Layers",
    "training": "Training",
    "results": "Results",
    "detail": "Run in full",
    "compare": "Comparison",
    "answers": "Answers",
    "predict": "Prediction",
    "fetch": "Fetching",
    "combine": "Combining",
    "waiting": "Waiting runs",
    "everywhere": "Everywhere",
}


def keys_of(place: Place) -> tuple[Key, ...]:
    """List the keys of one place, in the order of the help screen."""
    return tuple(key for key in KEYS if key.place == place)


def written_for(place: Place, action: str) -> str:
    """Write the first key of an action, for a line that names it: `c compares`."""
    key = next(key for key in keys_of(place) if key.action == action)
    return written(key).partition(" or ")[0]


def bindings(place: Place, leave_out: Iterable[str] = ()) -> list[BindingType]:
    """Make the `BINDINGS` of a widget, screen or app from the keys of one place."""
    return [
        Binding(
            key.keys,
            key.action,
            key.footer,
            tooltip=key.description,
            show=bool(key.footer) and not key.while_typing,
            priority=key.priority,
            key_display=key.footer_display or key.display or None,
            id=_binding_id(key),
        )
        for key in keys_of(place)
        if key.keys not in leave_out
    ]


def palette_bindings() -> list[BindingType]:
    """Make the bindings of the command palette."""
    action, tooltip = "command_palette", "Open the command palette"
    return [
        Binding(PALETTE_KEY, action, "palette", tooltip=tooltip, priority=True),
        Binding(SECOND_PALETTE_KEY, action, show=False, tooltip=tooltip),
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
    return key.display or " or ".join(map(name_written, names))


def name_written(name: str) -> str:
    """Write one of Textual's names of a key for people."""
    return "+".join(_WRITTEN.get(part, part) for part in name.split("+"))
