"""Filters: which runs each picks out, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from engine.errors import InputError
from engine.ranking.filter import parse_filter
from engine.ranking.row import KINDS

Row = dict[str, Any]


def row(run_id: str, **known: Any) -> Row:
    """A row in which nothing else is known."""
    texts = {key: "" for key, kind in KINDS.items() if kind == "object"}
    empty: Row = {**dict.fromkeys(KINDS), **texts, "tags": [], "curve": [], "ranked": False}
    return empty | {"run_id": run_id, "pinned": False} | known


ROWS = [
    row(
        "a-vgg",
        model="VGG16",
        dataset="cifar10",
        recipe="notebook",
        status="completed",
        test_accuracy=0.85,
        train_seconds=600.0,
        parameters=15_000_000,
        tags=["First", "two words"],
        ranked=True,
        to_80=120.0,
    ),
    row(
        "b-resnet",
        model="ResNet50V2",
        dataset="digits",
        recipe="recommended",
        status="failed",
        note="Don't trust",
        parameters=4_000_000,
    ),
    row(
        "c-cnn",
        model="CustomCNN",
        dataset="cifar10",
        recipe="notebook",
        status="stopped",
        test_accuracy=0.5,
        train_seconds=60.0,
        parameters=160_000,
        pinned=True,
        timeline="all 8 ep",
        ranked=True,
    ),
]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", "abc"),
        ("   ", "abc"),
        ("vgg", "a"),
        ("NET50", "b"),
        ("cifar10 notebook", "ac"),
        ("notebook failed", ""),
        ("model:custom", "c"),
        ("data:digits", "b"),
        ("dataset:CIFAR10", "ac"),
        ("recipe:notebook status:stopped", "c"),
        ("tag:first", "a"),
        ("tag:fir", ""),
        ('tag:"two words"', "a"),
        ('"two words"', "a"),
        ("don't", "b"),
        ("note:trust", "b"),
        ("is:pinned", "c"),
        ("is:ranked", "ac"),
        ("ep", "c"),
        ("acc>0.5", "a"),
        ("acc>=0.5", "ac"),
        ("acc>=85%", "a"),
        ("test_accuracy<0.6", "c"),
        ("acc=0.85", "a"),
        ("train<600", "c"),
        ("train<=600", "ac"),
        ("params<5e6", "bc"),
        ("params>1M", "ab"),
        ("params<=160K", "c"),
        ("to80<121", "a"),
        ("val>0", ""),
        ("resnet acc>0", ""),
        ("run:b-", "b"),
        ("model:resnet50", "b"),
        ("model:=resnet50", ""),
        ('model:"=ResNet50V2" dataset:=digits', "b"),
    ],
)
def test_what_a_filter_finds(text: str, found: str) -> None:
    picked = parse_filter(text)
    assert "".join(row["run_id"][0] for row in ROWS if picked.matches(row)) == found
    assert picked.text == text


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("acc>", "expected a number"),
        ("acc>high", "expected a number"),
        ("acc>nan", "expected a number"),
        ("acc>inf", "expected a number"),
        ("acc>1e999", "expected a number"),
        ("acc>%", "expected a number"),
        ("accuracy>0.5", "expected one of acc, test"),
        (">0.5", None),
        ("colour:red", "expected one of model"),
        ("is:good", "or is:pinned"),
        ('tag:"open', "expected a second"),
        ("x" * 2_000, "at most 1000 characters"),
        ("\x1b[2J:x", "before the colon"),
    ],
)
def test_what_it_cannot_read_is_said_in_one_line(text: str, words: str | None) -> None:
    if words is None:
        assert not any(map(parse_filter(text).matches, ROWS))
        return
    with pytest.raises(InputError, match=words) as refused:
        parse_filter(text)
    assert str(refused.value).isprintable()
    assert len(str(refused.value)) < 300
