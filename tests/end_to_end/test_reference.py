"""The reference says what the program has: it is generated from that, or checked against it."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest

from docs.reference import generate
from engine.ranking.index import INDEX_NAME
from engine.runs.directory import TRASH, RunDirectory, SpecFile
from engine.runs.recorder import METRICS
from engine.runs.summary import Summary
from tui.cli.old_names import OLD_NAMES

RUN_PAGE = (generate.HERE / "run-directory.md").read_text()


def rows(heading: str) -> str:
    """The first cells of the table under a heading of the page about run directories."""
    section = RUN_PAGE.partition(f"\n## {heading}\n")[2] if heading else RUN_PAGE
    lines = section.partition("\n## ")[0].splitlines()
    return "\n".join(line.split(" | ")[0] for line in lines if line.startswith("| `"))


def test_the_generated_pages_are_as_the_program_has_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert generate.main(["--check"]) == 0, capsys.readouterr().out


def test_a_page_that_is_not_is_named_and_written_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(generate, "HERE", tmp_path)
    assert generate.main([]) == 0
    assert {path.name for path in tmp_path.iterdir()} == set(generate.pages())
    (tmp_path / "keys.md").write_text("# Keys\n")
    assert generate.main(["--check"]) == 1
    assert capsys.readouterr().out.startswith("keys.md: not as the program has it; run ")
    assert generate.main([]) == generate.main(["--check"]) == 0


def test_the_files_of_a_run_are_those_it_has() -> None:
    directory = RunDirectory(Path("run"))
    paths = (getattr(directory, name) for name in vars(RunDirectory))
    names = {path.name for path in paths if isinstance(path, Path) and path != directory.path}
    assert len(names) > 10
    listed = re.findall(r"^\| `([\w.]+)/?`", RUN_PAGE.partition("\n## ")[0], re.MULTILINE)
    assert sorted(listed) == sorted(names)
    assert f"`{TRASH}`" in RUN_PAGE
    assert f"`{INDEX_NAME}`" in RUN_PAGE


@pytest.mark.parametrize(
    ("heading", "names"),
    [
        ("`spec.json`", [field.name for field in fields(SpecFile)]),
        ("`summary.json`", [field.name for field in fields(Summary)]),
    ],
)
def test_the_keys_of_a_file_are_those_it_has(heading: str, names: list[str]) -> None:
    assert sorted(re.findall(r"`(\w+)`", rows(heading))) == sorted(names)


def test_the_columns_of_the_metrics_are_those_written() -> None:
    section = RUN_PAGE.partition("\n## `metrics.csv`\n")[2].partition("\n## ")[0]
    assert tuple(re.findall(r"`(\w+)`", section)) == METRICS


def test_old_names_of_options_are_on_no_page() -> None:
    for command, names in OLD_NAMES.items():
        section = generate.pages()["commands.md"].partition(f"\n## cifar-tui {command}\n")[2]
        text = section.partition("\n## ")[0] + generate.pages()["options.md"]
        assert [old for old in names if re.search(rf"`{old}(?![\w-])", text)] == []
