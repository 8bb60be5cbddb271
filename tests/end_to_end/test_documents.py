"""What the documents say is so: their links lead somewhere, and they name what there is."""

from __future__ import annotations

import re
import shlex
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from engine.backbones.catalogue import find_backbone
from engine.config.planning import plan_runs
from engine.config.settings import Options
from engine.runs.directory import RunDirectory
from tui.cli.detach import farewell
from tui.cli.parser import build_parser

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.rglob("*.md"))
DOCUMENTS = {
    path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8")
    for path in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *PAGES)
}
README = DOCUMENTS["README.md"]
ARCHITECTURE = DOCUMENTS["docs/contributing/architecture.md"]
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)\s]+)\)")
SHELL = ("", "sh")
"""Languages of blocks that hold commands; `text` is for all else."""
CONTROL = re.compile(r"[();<>|&]+")
PARSER = build_parser()


def prose(text: str) -> str:
    """A document without its blocks of code."""
    return FENCE.sub("", text)


def anchors(text: str) -> set[str]:
    """The fragments of a page's headings, as a repository page makes them."""
    found: Counter[str] = Counter()
    names = set()
    for heading in re.findall(r"^#+ (.+)$", prose(text), re.MULTILINE):
        name = re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        names.add(f"{name}-{found[name]}" if found[name] else name)
        found[name] += 1
    return names


def commands_in(line: str) -> Iterator[list[str]]:
    """The calls of `cifar-tui` on a line of a shell, each as its arguments."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    call: list[str] | None = None
    for word in lexer:
        if CONTROL.fullmatch(word):
            if call is not None:
                yield call
            call = None
        elif call is not None:
            call.append(word)
        elif word == "cifar-tui":
            call = []
    if call is not None:
        yield call


def all_commands() -> list[tuple[str, list[str]]]:
    """Every call in a block or in a line of prose, with the document that it is in.

    Pages on adding something call what the reader will have added; they have tests of their own.
    """
    found = []
    for name, text in DOCUMENTS.items():
        if name.startswith("docs/contributing/add-"):
            continue
        lines = [
            line
            for language, block in FENCE.findall(text)
            if language in SHELL
            for line in block.splitlines()
        ]
        lines += re.findall(r"`(cifar-tui\b[^`]*)`", prose(text))
        found += [(name, call) for line in lines for call in commands_in(line)]
    return found


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_link_leads_somewhere(name: str) -> None:
    lost = []
    for link in LINK.findall(prose(DOCUMENTS[name])):
        if "://" in link:
            continue
        path, _, anchor = link.partition("#")
        target = (ROOT / name).parent / path if path else ROOT / name
        if not target.exists() or (anchor and anchor not in anchors(target.read_text("utf-8"))):
            lost.append(link)
    assert lost == []


def test_the_index_has_every_page() -> None:
    linked = {
        (DOCS / link.partition("#")[0]).resolve()
        for link in LINK.findall(DOCUMENTS["docs/README.md"])
    }
    assert [page for page in PAGES if page.resolve() not in linked] == [DOCS / "README.md"]


def test_the_readme_is_an_entrance() -> None:
    assert 150 <= len(README.splitlines()) <= 180


@pytest.mark.parametrize(
    ("name", "call"), [pytest.param(*found, id=shlex.join(found[1])) for found in all_commands()]
)
def test_the_program_takes_each_command(name: str, call: list[str]) -> None:
    arguments = PARSER.parse_args([word for word in call if word != "--help"])  # which exits
    for model in getattr(arguments, "models", ()):
        assert find_backbone(model)


def test_the_options_that_are_named_are_those_of_the_program() -> None:
    parsers = (PARSER, *PARSER.commands.values())
    flags = {flag for parser in parsers for flag in parser.flags()}
    named = {
        flag
        for name, text in DOCUMENTS.items()
        if "contributing" not in name.lower()
        for flag in re.findall(r"`(--[a-z][a-z-]*)", prose(text))
    }
    assert len(named) > 20
    assert sorted(named - flags) == []


def test_the_test_command_is_the_one_the_checks_run() -> None:
    checks, targets = ((ROOT / name).read_text() for name in (".ci/run", "Makefile"))
    install, fast, everything = 'pip install ".[test]"', "pytest", "pytest --all"
    assert f"{install} && {fast}\n{everything}\n" in README
    assert install.replace("install ", "install -c .ci/constraints.txt ")[:-2] in checks
    assert "\nmake package all\n" in checks
    assert "\nall: check fast slow\n" in targets
    assert f"\nfast:\n\t{fast}\n\nslow:\n\t{fast} -m slow\n" in targets
    testing = DOCUMENTS["docs/contributing/testing.md"]
    assert f"\n{fast}\n{everything}\n{fast} -m slow\n" in testing


def test_what_a_training_says_when_it_is_left_is_as_shown() -> None:
    (spec,) = plan_runs([find_backbone("EfficientNetLite0")], Options())
    queue = [spec, replace(spec, model="CustomCNN")]
    directory = RunDirectory(Path("runs/20261123-101500-efficientnetlite0"))
    assert farewell(queue, directory, 12345) in DOCUMENTS["docs/guide/headless-and-attach.md"]


def test_every_file_that_the_documents_name_is_there() -> None:
    pattern = re.compile(r"\b((?:engine|tui|tests|docs)/[\w/]+\.py)\b")
    named = {path for text in DOCUMENTS.values() for path in pattern.findall(prose(text))}
    assert len(named) > 10
    assert [path for path in sorted(named) if not (ROOT / path).is_file()] == []


def test_every_package_has_its_line_in_the_architecture() -> None:
    for top in ("engine", "tui"):
        packages = {path.parent.name for path in (ROOT / top).glob("*/__init__.py")}
        assert packages
        assert [name for name in sorted(packages) if f"| `{name}` |" not in ARCHITECTURE] == []
