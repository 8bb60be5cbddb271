"""Text that is marked with the mouse, or in a text field."""

from __future__ import annotations

from typing import Any

from textual.app import App
from textual.widgets import Input

from tui.settings import keys


def copy_marked(app: App[Any]) -> bool:
    """Copy what is marked to the terminal's clipboard, and unmark it.

    Returns:
        Whether anything was marked.
    """
    field = app.focused if isinstance(app.focused, Input) else None
    marked = field.selected_text if field is not None else ""
    marked = marked or app.screen.get_selected_text() or ""
    if not marked.strip():
        return False
    app.copy_to_clipboard(marked)
    app.clear_selection()
    if field is not None:
        field.cursor_position = field.cursor_position  # which unmarks
    again = f"{keys.written_for('everywhere', 'copy_or_quit')} again quits"
    app.notify(f"Copied {len(marked)} characters, if the terminal allows it; {again}.")
    return True
