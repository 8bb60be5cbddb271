"""Writes the pages of the reference that can be read from the program itself.

    python docs/reference/generate.py [--check]

With `--check` nothing is written: a page that is not as the program has it is named, and the exit
status is 1. The other pages beside this file are written by hand.
"""

from __future__ import annotations

import argparse
import ast
import dataclasses
import inspect
import json
import re
import sys
import textwrap
import types
import typing
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

# The source tree that this file belongs to is what is described, installed or not.
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from engine.config.kinds import Choice, Kind, Listed, Text, YesNo
from engine.config.recipe import DEFAULT_RECIPE, RECIPES, Recipe, default_text, recipe_defaults
from engine.config.recipe_store import RECIPE_KEYS, STAGE_KEYS, UNFREEZE_KEYS, recipe_text
from engine.config.recipe_words import recipe_words
from engine.config.settings import SETTINGS, Setting
from engine.config.stage import Stage, Unfreeze
from engine.protocol import commands, events
from tui.cli.examples import EXAMPLES
from tui.cli.parser import build_parser
from tui.cli.usage import OneLineParser
from tui.settings.keys import PALETTE_WRITTEN, PLACES, keys_of, written

HERE = Path(__file__).resolve().parent
COMMAND = "python docs/reference/generate.py"
NOTICE = f"<!-- Written by `{COMMAND}` from the program; not by hand. -->\n"
DEFAULT = re.compile(r"(.*?) \(default: (.*)\)", re.DOTALL)
"""Of a help text: what it says, and the default that it ends on."""
NONE = "–"
COUNTS = {"?": " (optional)", "*": " (any number)", "+": " (one or more)"}
"""How often an argument may stand, by argparse's `nargs`."""


def main(argv: Sequence[str] | None = None) -> int:
    """Write the pages, or check them; returns the exit status."""
    parser = argparse.ArgumentParser(description="Write the generated pages of the reference.")
    parser.add_argument("--check", action="store_true", help="write nothing, name what differs")
    is_check = parser.parse_args(argv).check
    found = {HERE / name: NOTICE + text for name, text in pages().items()}
    texts = {path: path.read_text("utf-8") if path.exists() else "" for path in found}
    differ = [path for path in found if found[path] != texts[path]]
    for path in differ:
        if is_check:
            print(f"{path.name}: not as the program has it; run `{COMMAND}`")
        else:
            path.write_text(found[path], "utf-8")
    return 1 if is_check and differ else 0


def pages() -> dict[str, str]:
    """Return what each page holds, by its name."""
    return {
        "commands.md": commands_page(),
        "options.md": options_page(),
        "keys.md": keys_page(),
        "recipe-file.md": recipe_page(),
        "events-and-commands.md": protocol_page(),
    }


# The command line.


def commands_page() -> str:
    """Return every command with what it takes."""
    parser = build_parser()
    commands = parser.commands.items()
    parts = [
        "# Commands",
        "`cifar-tui` without a command opens the launcher. `--help` after a command prints what "
        "is listed here; `--version` prints the version.",
        table(
            ("Command", "What it does"),
            ((f"[`{name}`](#cifar-tui-{name})", cell(summary(each))) for name, each in commands),
        ),
        "## Before the command",
        "These may stand before any command, and without one are the launcher's.",
        options_table(a for a in parser.arguments if a.option_strings and a.dest != "version"),
    ]
    for name, command in commands:
        parts += command_section(name, command)
    return page(parts)


def summary(command: argparse.ArgumentParser) -> str:
    """Return what a command does, as a part of a sentence."""
    says = str(command.description).removesuffix(".")
    return f"{says[0].lower()}{says[1:]}"


def command_section(name: str, parser: OneLineParser) -> Iterator[str]:
    """Return what one command is for and what it takes."""
    yield f"## cifar-tui {name}"
    yield str(parser.description)
    yield "```\n" + "\n".join(EXAMPLES[name]) + "\n```"
    arguments = [a for a in parser.arguments if not a.option_strings]
    if arguments:
        yield table(("Argument", "What it is"), map(argument_row, arguments))
    of_runs = {setting.field for setting in SETTINGS} if name == "train" else set()
    options = [a for a in parser.arguments if a.option_strings and a.dest not in of_runs]
    if any(a.dest != "help" for a in options):
        yield options_table(options)
    if of_runs:
        yield "Besides these it takes the [options of a run](options.md)."
    if parser.exclusive:
        flags = ", ".join(f"`{a.option_strings[0]}`" for a in parser.exclusive)
        yield f"Only one of {flags} at a time."


def argument_row(action: argparse.Action) -> tuple[str, str]:
    """Return a row about what stands without a flag."""
    name = str(action.metavar or action.dest.upper())
    words = " or ".join(f"`{word}`" for word in action.choices or ())
    says = "; ".join(filter(None, (words, cell(plain(action)))))
    usual = f" (default: {action.default})" if isinstance(action.default, str) else ""
    says_count = "(default: " in says + usual or " or more" in says
    count = "" if says_count else COUNTS.get(str(action.nargs), "")
    return code(name), says + usual + count


def options_table(actions: Iterable[argparse.Action]) -> str:
    """Return a table of options, without the help's own."""
    return table(
        ("Option", "Default", "What it does"),
        (option_row(action) for action in actions if action.dest != "help"),
    )


def option_row(action: argparse.Action) -> tuple[str, str, str]:
    """Return a row about an option of a command."""
    flag = "/".join(action.option_strings)
    usage = f"{flag} {action.metavar}" if action.nargs != 0 else flag
    found = DEFAULT.fullmatch(plain(action))
    says, default = found.groups() if found else (plain(action), "")
    default = "required" if action.required else default
    return code(usage), cell(default) or NONE, cell(says)


def plain(action: argparse.Action) -> str:
    """Return the help of an argument as argparse prints it."""
    return (action.help or "").replace("%%", "%")


def options_page() -> str:
    """Return the options of a run, with their limits and what the recipes make of them."""
    by_recipe = {name: recipe_defaults(recipe) for name, recipe in RECIPES.items()}
    decided = [setting for setting in SETTINGS if setting.of_recipe is not None]
    return page(
        [
            "# Options of a run",
            "`cifar-tui train` takes these options, and the launcher has a field for each. What is "
            "left out is the recipe's or the model's to say.",
            table(
                ("Option", "Values", "Default", "What it sets"),
                (
                    (
                        code(usage(s)),
                        cell(values_of(s)) or NONE,
                        cell(default_text(s)),
                        cell(s.help),
                    )
                    for s in SETTINGS
                ),
            ),
            "A single number for `--epochs` means the first stage only for a pretrained model (the "
            "head's, but in `quick`), and the whole training for one that trains from scratch. "
            "Without it, what trains from scratch does so for the epochs that the recipe names.",
            "## What the recipes set",
            *(
                f"- **{name}**{' (default)' if recipe is DEFAULT_RECIPE else ''}: "
                f"{cell(recipe_words(recipe))}"
                for name, recipe in RECIPES.items()
            ),
            table(
                ("Option", *by_recipe),
                (
                    (code(s.flag), *(cell(values[s.field]) for values in by_recipe.values()))
                    for s in decided
                ),
            ),
            "A recipe of your own is a file: see [Recipe files](recipe-file.md).",
        ]
    )


def usage(setting: Setting) -> str:
    """Return the flag with its value as it is written; both flags for yes or no."""
    if isinstance(setting.kind, YesNo):
        return f"{setting.flag}/--no-{setting.flag.removeprefix('--')}"
    return f"{setting.flag} {setting.metavar}"


def values_of(setting: Setting) -> str:
    """Return what the option takes, where its usage does not say it; fit for a cell."""
    kind = setting.kind
    if isinstance(kind, Listed):
        return cell(f"{kind.form}, {kind.limits}")
    if kind.limits:
        return cell(kind.limits)
    says_it = isinstance(kind, (Choice, YesNo)) or kind.form == Text.form
    return "" if says_it else cell(kind.form)


# Keys.


def keys_page() -> str:
    """Return every key, by the part of the screen where it works."""
    parts = [
        "# Keys",
        "`?` shows those that work at the moment. A key that the footer lacks works all the same.",
    ]
    for place, title in PLACES.items():
        rows = [(code(written(key)), cell(key.description)) for key in keys_of(place)]
        if place == "everywhere":
            rows.append((code(PALETTE_WRITTEN), "Command palette: every action by name"))
        parts += [f"## {title}", table(("Key", "What it does"), rows)]
    return page(parts)


# Recipes.


NOTHING = (None, ())
"""Defaults for which a file has no word: the key is left out."""


def recipe_page() -> str:
    """Return the keys of a recipe's file."""
    return page(
        [
            "# Recipe files",
            "A recipe of your own is a file of TOML. Its name without `.toml` is the recipe's. "
            "`cifar-tui recipes recommended > mine.toml` writes one to start from, `cifar-tui "
            "train VGG16 --recipe mine.toml` trains with it, and `cifar-tui recipes --save "
            "mine.toml` saves it under its name. An unknown key, or a value "
            "beyond its limits, is rejected by name.",
            f"The default recipe, `{DEFAULT_RECIPE.name}`, as a file:",
            f"```toml\n{recipe_text(DEFAULT_RECIPE).strip()}\n```",
            "## The recipe",
            keys_table(Recipe, RECIPE_KEYS),
            "## `[[stages]]`",
            "A model without a backbone trains a single stage: all layers, for "
            "`scratch_epochs` or the sum over the stages, at `scratch_learning_rate`.",
            keys_table(Stage, STAGE_KEYS),
            "## `unfreezes` of a stage",
            "Epochs rise, each before the stage's last one, and layers only join: `unfreezes = "
            '[{ after_epoch = 2, last = 60 }, { after_epoch = 4, last = "all" }]`. A stage has '
            "these or `block_every`, not both.",
            keys_table(Unfreeze, UNFREEZE_KEYS),
            "## `[image_sizes]`",
            "Pixels by model, named as `cifar-tui models` names it: `VGG16 = 64`.",
        ]
    )


def keys_table(cls: type[Any], keys: Mapping[str, Kind]) -> str:
    """Return a table of the keys that a dataclass is read from."""
    says, by_name = field_docs(cls), {field.name: field for field in dataclasses.fields(cls)}
    return table(
        ("Key", "Type", "Default", "Values", "Meaning"),
        (
            (
                code(key),
                cell(kind.stored),
                "none" if by_name[key].default in NOTHING else default_of(by_name[key]),
                cell(kind.limits or ("" if isinstance(kind, YesNo) else kind.form)) or NONE,
                cell(says.get(key, "").replace("None", '`"all"`')),
            )
            for key, kind in keys.items()
        ),
    )


# What trainer and screen say to each other.


def protocol_page() -> str:
    """Return all events and commands with their fields, and the objects that these hold."""
    kinds = [*events.EVENT_TYPES.values(), *commands.COMMAND_TYPES.values()]
    return page(
        [
            "# Events and commands",
            "A run's `events.jsonl` holds what happened, and `commands.jsonl` takes what is asked "
            "for. Both have an object of JSON a line. Readers ignore keys that they do not know; a "
            "key with a default may be missing, in records of earlier versions and in commands. A "
            "number that is not finite is written as null.",
            "## Order of events",
            *order_of_events(),
            "## Events",
            "Each has its name as `event` and the Unix second at which it happened as `time`.",
            *(part for kind in events.EVENT_TYPES.values() for part in class_section(kind)),
            "## Commands",
            "Each has its name as `command`, and an `id` by which CommandAccepted or "
            "CommandRejected answers; one without is given an `id`. It is a request: what it did "
            "comes back as an event of its own.",
            '```json\n{"command": "SetTrainable", "id": "1", "layers": ["top_conv"], '
            '"value": true, "when": "now"}\n```',
            *(part for kind in commands.COMMAND_TYPES.values() for part in class_section(kind)),
            "## Objects",
            *(part for kind in held_by(kinds) for part in class_section(kind)),
        ]
    )


def order_of_events() -> list[str]:
    """Return what the module of events says of it, without its first and its last paragraph."""
    return inspect.cleandoc(events.__doc__ or "").split("\n\n")[1:-1]


def class_section(cls: type[Any]) -> Iterator[str]:
    """Return an event, a command or an object with its fields."""
    yield f"### {cls.__name__}"
    yield NULLS.sub("null", first_line(cls))
    hints, says = typing.get_type_hints(cls), field_docs(cls)
    own = [field for field in dataclasses.fields(cls) if field.name not in ("time", "id")]
    if own:
        yield table(
            ("Field", "Type", "Default", "Meaning"),
            (
                (
                    code(field.name),
                    json_type(hints[field.name]),
                    default_of(field),
                    cell(NULLS.sub("null", says.get(field.name, ""))),
                )
                for field in own
            ),
        )


def held_by(classes: Iterable[type[Any]]) -> list[type[Any]]:
    """Return the dataclasses that fields of these hold, and of those in turn."""
    found: dict[type[Any], None] = {}
    left = list(classes)
    while left:
        for hint in typing.get_type_hints(left.pop(0)).values():
            for cls in dataclasses_in(hint):
                if cls not in found and not issubclass(cls, commands.Command):
                    found[cls] = None
                    left.append(cls)
    return list(found)


def dataclasses_in(hint: Any) -> Iterator[type[Any]]:
    """Return those that a type hint names."""
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        yield hint
    for argument in typing.get_args(hint):
        yield from dataclasses_in(argument)


NULLS = re.compile(r"\b(None|NaN)\b")
"""What is null in JSON."""
PLAIN_TYPES = {
    int: "integer",
    float: "number",
    str: "string",
    bool: "true or false",
    type(None): "null",
}


def json_type(hint: Any) -> str:
    """Return what stands in JSON for a value of a type."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if hint == commands.Command:
        return "a [command](#commands)"
    if origin in (typing.Union, types.UnionType):
        return " or ".join(map(json_type, arguments))
    if origin is typing.Literal:
        return " or ".join(code(json.dumps(word)) for word in arguments)
    if origin is tuple:
        held = json_type(arguments[0])
        return f"list of {held}s" if arguments[0] in PLAIN_TYPES else f"list, each {held}"
    if origin is dict:
        return f"object: {json_type(arguments[1])} by name"
    if hint in PLAIN_TYPES:
        return PLAIN_TYPES[hint]
    return f"[{hint.__name__}](#{hint.__name__.lower()})"


# Dataclasses.


def first_line(cls: type[Any]) -> str:
    """Return the first line of its docstring."""
    return cell((cls.__doc__ or "").splitlines()[0])


def field_docs(cls: type[Any]) -> dict[str, str]:
    """Return what is said of a dataclass's fields, each in one line.

    It is the docstring below a field, or else the help of the option that the field is.
    """
    helps = {field.name: field.metadata["row"].help for field in options_in(cls)}
    found = {name: f"{says[0].upper()}{says[1:]}." for name, says in helps.items()}
    for base in reversed(cls.__mro__):
        if dataclasses.is_dataclass(base):
            (definition,) = ast.parse(textwrap.dedent(inspect.getsource(base))).body
            assert isinstance(definition, ast.ClassDef)
            found |= dict(documented(definition.body))
    return found


def options_in(cls: type[Any]) -> list[dataclasses.Field[Any]]:
    """Return the fields that are options of a run."""
    return [field for field in dataclasses.fields(cls) if "row" in field.metadata]


def documented(body: Sequence[ast.stmt]) -> Iterator[tuple[str, str]]:
    """Return names and docstrings of annotated fields."""
    for field, below in pairwise(body):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
            match below:
                case ast.Expr(value=ast.Constant(value=str(text))):
                    yield field.target.id, " ".join(text.split())


def default_of(field: dataclasses.Field[Any]) -> str:
    """Return a field's default as JSON; where it has none it is required."""
    if field.default_factory is not dataclasses.MISSING:
        return code(json.dumps(field.default_factory()))
    if field.default is dataclasses.MISSING:
        return "required"
    return code(json.dumps(field.default))


# Markdown.


def page(parts: Iterable[str]) -> str:
    """Return paragraphs and tables as a page; items of a list stay together."""
    text = ""
    for part in parts:
        is_item = part.startswith("- ") and text.rsplit("\n\n", 1)[-1].startswith("- ")
        text += ("\n" if is_item else "\n\n" if text else "") + part
    return text + "\n"


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table whose cells are Markdown already."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def code(text: str) -> str:
    """Return a text as code, fit for a cell."""
    return "`" + text.replace("|", "\\|") + "`"


def cell(text: str) -> str:
    """Return a text for a cell: code in it stays code, the rest is what it says."""
    pieces = " ".join(text.split()).replace("|", "\\|").split("`")
    for place in range(0, len(pieces), 2):
        pieces[place] = re.sub(r"([<*])", r"\\\1", pieces[place])
    return "`".join(pieces)


if __name__ == "__main__":
    sys.exit(main())
