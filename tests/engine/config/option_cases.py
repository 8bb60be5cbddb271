"""What each option of the table takes and what it rejects, at its limits, by field.

One list for all who read options: the table itself, the command line and the launcher's form.
"""

from __future__ import annotations

from typing import Any

import pytest

from engine.config.settings import SETTINGS, Setting
from engine.config.stage import Unfreeze

NOTHING = "a value, found nothing; leave the option out instead"
MEMORY = "gigabytes, 0 or more, found {}; 0 keeps no features"
HELD: dict[str, dict[str, Any]] = {
    "dataset": {"digits": "digits", "/images": "/images"},
    "data_path": {"/d": "/d"},
    "recipe": {"demo": "demo"},
    "epochs": {"4,2": (4, 2), "1,10000": (1, 10_000)},
    "learning_rates": {"1e-2,1e-4": (1e-2, 1e-4), "1e-300,10": (1e-300, 10.0)},
    "unfreeze_last": {"1": 1, "100000": 100_000},
    "unfreezes": {"1:60,2:all": (Unfreeze(1, 60), Unfreeze(2, None))},
    "block_every": {"1": 1, "1000": 1_000},
    "schedule": {"constant": "constant", "cosine": "cosine"},
    "image_size": {"8": 8, "1024": 1_024},
    "seeds": {"1,2": (1, 2), "0,2147483647": (0, 2**31 - 1)},
    "weights": {"none": "none", "/own.h5": "/own.h5"},
    "batch_size": {"1": 1, "65536": 65_536},
    "batchnorm": {"locked": "locked", "keras": "keras"},
    "validation": {"test": "test", "0.001": 0.001, "0.899": 0.899},
    "flip": {"yes": True, "no": False},
    "views": {"1": 1, "64": 64},
    "label_smoothing": {"0": 0.0, "0.05": 0.05, "0.999": 0.999},
    "test_time_flip": {"yes": True, "no": False},
    "keep": {"last": "last", "best": "best"},
    "patience": {"1": 1, "1000": 1_000},
    "train_limit": {"20": 20, "1000000000": 10**9},
    "device": {"auto": "auto", "cpu": "cpu", "gpu": "gpu", "gpu:1": "gpu:1"},
    "precision": {"float32": "float32", "mixed_bfloat16": "mixed_bfloat16"},
    "feature_cache": {"yes": True, "no": False},
    "feature_memory_gb": {"0": 0.0, "0.5": 0.5},
    "feature_disk_gb": {"0": 0.0, "1e6": 1e6},
}
"""What is typed, and the value that it means."""
REJECTED: dict[str, dict[str, str]] = {
    "dataset": {" ": NOTHING},
    "data_path": {" ": NOTHING},
    "recipe": {" ": NOTHING},
    "epochs": {
        "0": "1 to 10000, found 0",
        "-1,2": "1 to 10000, found -1",
        "1,10001": "1 to 10000, found 10001",
        "x": "whole numbers like 5,5, found 'x'",
        "1.5": "whole numbers like 5,5, found '1.5'",
        "1,": "whole numbers like 5,5, found '1,'",
        "9" * 5000: f"whole numbers like 5,5, found '{'9' * 39}…'",
    },
    "learning_rates": {
        "0": "a number in (0, 10], found 0",
        "-1e-3": "a number in (0, 10], found -0.001",
        "1e-3,10.5": "a number in (0, 10], found 10.5",
        "nan": "a number in (0, 10], found nan",
        "inf": "a number in (0, 10], found inf",
        "1,x": "numbers like 0.001,0.0003, found '1,x'",
    },
    "unfreeze_last": {
        "0": "1 to 100000, found 0",
        "100001": "1 to 100000, found 100001",
        "all": "a whole number, found 'all'",
    },
    "unfreezes": {
        "3": "epoch:layers like 2:60,4:all, found '3'",
        "1:60,": "epoch:layers like 2:60,4:all, found '1:60,'",
        "1:60:2": "epoch:layers like 2:60,4:all, found '1:60:2'",
    },
    "block_every": {
        "0": "1 to 1000, found 0",
        "1001": "1 to 1000, found 1001",
        "x": "a whole number, found 'x'",
    },
    "schedule": {"step": "constant or cosine, found 'step'"},
    "image_size": {
        "7": "8 to 1024, found 7",
        "1025": "8 to 1024, found 1025",
        "x": "a whole number, found 'x'",
    },
    "seeds": {
        "1,-2": "0 to 2147483647, found -2",
        "2147483648": "0 to 2147483647, found 2147483648",
        "1,": "whole numbers like 0,1,2, found '1,'",
    },
    "weights": {" ": NOTHING},
    "batch_size": {
        "0": "1 to 65536, found 0",
        "-4": "1 to 65536, found -4",
        "65537": "1 to 65536, found 65537",
    },
    "batchnorm": {"off": "locked or keras, found 'off'"},
    "validation": {
        "0": "a share above 0 and below 0.9, or 'test', found 0",
        "0.9": "a share above 0 and below 0.9, or 'test', found 0.9",
        "-0.1": "a share above 0 and below 0.9, or 'test', found -0.1",
        "nan": "a share above 0 and below 0.9, or 'test', found nan",
        "all": "a share like 0.1, or 'test', found 'all'",
    },
    "flip": {"true": "yes or no, found 'true'"},
    "views": {"0": "1 to 64, found 0", "-1": "1 to 64, found -1", "65": "1 to 64, found 65"},
    "label_smoothing": {
        "1": "a number from 0 to below 1, found 1",
        "-0.1": "a number from 0 to below 1, found -0.1",
        "nan": "a number from 0 to below 1, found nan",
        "x": "a number, found 'x'",
    },
    "test_time_flip": {"true": "yes or no, found 'true'"},
    "keep": {"first": "last or best, found 'first'"},
    "patience": {"0": "1 to 1000, found 0", "1001": "1 to 1000, found 1001"},
    "train_limit": {
        "19": "20 to 1000000000, found 19",
        "1000000001": "20 to 1000000000, found 1000000001",
    },
    "device": {
        "tpu": "auto, cpu, gpu or gpu:N, found 'tpu'",
        "gpu:x": "auto, cpu, gpu or gpu:N, found 'gpu:x'",
        "gpu:": "auto, cpu, gpu or gpu:N, found 'gpu:'",
        "cpu:1": "auto, cpu, gpu or gpu:N, found 'cpu:1'",
        " ": NOTHING,
    },
    "precision": {"float16": "float32 or mixed_bfloat16, found 'float16'"},
    "feature_cache": {"off": "yes or no, found 'off'"},
    "feature_memory_gb": {
        "-1": MEMORY.format(-1),
        "nan": MEMORY.format("nan"),
        "x": "a number, found 'x'",
    },
    "feature_disk_gb": {
        "-0.5": MEMORY.format(-0.5),
        "inf": MEMORY.format("inf"),
        "20GB": "a number, found '20GB'",
    },
}
"""What is typed, and what was expected in its place."""


def each(cases: dict[str, dict[str, Any]]) -> list[Any]:
    """The cases as parameters: row of the table, text, what comes of it."""
    rows = {setting.field: setting for setting in SETTINGS}
    return [
        pytest.param(rows[field], text, outcome, id=f"{field}={text[:12]}")
        for field, outcomes in cases.items()
        for text, outcome in outcomes.items()
    ]


def complaint(setting: Setting, words: str) -> str:
    """The whole error about an option, in Python's name for it."""
    return f"{setting.field}: expected {words}"
