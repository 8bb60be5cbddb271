"""What the runs amount to, as text: the ranking in each form, and the report that explains it."""

from engine.report.table import (
    BEST,
    COLUMNS,
    FASTEST,
    ON_TEST,
    legend,
    marks_by_run,
    model_label,
    records,
    table_text,
    to_csv,
    to_json,
    to_markdown,
    validation_text,
)

__all__ = [
    "BEST",
    "COLUMNS",
    "FASTEST",
    "ON_TEST",
    "legend",
    "marks_by_run",
    "model_label",
    "records",
    "table_text",
    "to_csv",
    "to_json",
    "to_markdown",
    "validation_text",
]
