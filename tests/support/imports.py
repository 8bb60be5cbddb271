"""What source text imports."""

from __future__ import annotations

import ast


def imported_by(node: ast.AST) -> set[str]:
    """The packages that a statement imports, by the first part of their names."""
    names: list[str] = []
    if isinstance(node, ast.Import):
        names = [alias.name for alias in node.names]
    elif isinstance(node, ast.ImportFrom) and not node.level:
        names = [node.module or ""]
    return {name.partition(".")[0] for name in names}
