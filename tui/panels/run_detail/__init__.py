"""One run in full, a tab for each question: curves, facts, mistakes, times, layers."""

from __future__ import annotations

from tui.panels.run_detail.facts import facts, facts_text
from tui.panels.run_detail.panel import RunDetail

__all__ = ["RunDetail", "facts", "facts_text"]
