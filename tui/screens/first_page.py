"""The first page of an empty runs folder: what the program is for, and what to begin with."""

from __future__ import annotations

from pathlib import Path

from textual.app import ComposeResult
from textual.containers import Container, Vertical
from textual.widgets import Static

from engine.config.dataset_names import resolve
from tui.panels.path_suggester import PathSuggester
from tui.screens.first_choices import LEAVING_KEY, SEPARATE_LINES_FROM, FirstChoices
from tui.screens.keyed_screen import KeyedScreen
from tui.screens.prompt import Prompt
from tui.settings import keys

PURPOSE = (
    "Train neural networks to recognize what a picture shows; watch them learn, and steer them.",
    "Then compare them: which one is best, what it costs, and why.",
)
FOLDER_NOTE = "it holds a folder of images for each class, such as cats/ and dogs/; → completes"


class FirstPage(KeyedScreen):
    """Two sentences and four choices; posts what was chosen.

    Args:
        runs_dir: the folder of runs.
    """

    CSS_PATH = "first_page.tcss"
    SMALLEST = (40, 12)
    BINDINGS = keys.bindings(
        "first", [k.keys for k in keys.keys_of("first") if k.keys != LEAVING_KEY]
    )
    AUTO_FOCUS = "FirstChoices"
    VERTICAL_BREAKPOINTS = [(0, "-short"), (SEPARATE_LINES_FROM, "-tall")]  # noqa: RUF012

    def __init__(self, runs_dir: Path) -> None:
        super().__init__()
        self._runs_dir = runs_dir

    def compose(self) -> ComposeResult:
        with Container(id="first-room"), Vertical(id="first-page") as page:
            page.border_title = "cifar-tui"
            yield Static(" ".join(PURPOSE), id="first-purpose", markup=False)
            yield FirstChoices(self._runs_dir, measures=True)
        yield self.footer()


def folder_prompt() -> Prompt[str]:
    """Return a prompt for a folder of images; it returns the folder as the user wrote it."""

    def read(text: str) -> str:
        resolve(text, None)
        return text

    return Prompt(
        "The folder of your images",
        FOLDER_NOTE,
        lambda _: FOLDER_NOTE,
        read,
        suggester=PathSuggester(),
    )
