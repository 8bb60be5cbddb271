"""What a folder holds by the words of its name: images, masks, a split, or no class."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|[^\W\d_]+")
_END = re.compile(r"(?<=.)(set|data|images|imgs|dir)$")


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


_SPLITS = {
    word: split
    for split, words in {
        "train": "train training trn",
        "test": "test testing tst",
        "validation": "val valid validation",
        "dev": "dev devel development",
        "holdout": "holdout",
        "evaluation": "eval evaluation",
        "prediction": "pred preds predict prediction predictions inference",
    }.items()
    for word in words.split()
}
IMAGES = _set(
    "image images img imgs jpeg jpegs jpg jpgs png pngs photo photos picture pictures pic pics rgb "
    "input inputs original originals raw frame frames scan scans"
)
ANNOTATIONS = _set(
    "mask masks annotation annotations annot annots anno label labels groundtruth gt segmentation "
    "segmentations trimap trimaps bbox bboxes xml xmls json matte mattes contour contours polygons "
    "heatmap heatmaps depth"
)
ASIDE = _set(
    "unlabeled unlabelled unsup unsupervised unannotated unclassified unsorted pred preds predict "
    "prediction predictions inference thumb thumbs thumbnail thumbnails preview previews backup "
    "bak tmp temp trash duplicate duplicates augmented"
)
"""Words for images that belong to no class, or are copies."""
_GENERIC = _set(
    "set sets data dataset datasets folder folders file files dir seg split splits all full new "
    "final cropped resized class classes object objects fine coarse color bit left right the part "
    "parts fold folds batch batches chunk chunks subset subsets x y of for and"
)
_PORTIONS = _set("part parts fold folds batch chunk subset subsets shard split")
_KNOWN = IMAGES | ANNOTATIONS | ASIDE | _GENERIC | _SPLITS.keys()

DIFFERENCE = "in case, spaces or the form of letters only"
"""How names differ that are alike."""


@lru_cache(maxsize=4096)
def words_of(name: str) -> tuple[str, ...]:
    """Return the words in a name, in lower case: `trainImages_2` has three."""
    words = " ".join(_WORD.findall(name)).lower()
    words = words.replace("hold out", "holdout").replace("ground truth", "groundtruth")
    return tuple(_shortened(word) for word in words.split())


def alike(name: str) -> str:
    """Return the same text for names that differ only in case, spaces or the form of letters."""
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())


def says(name: str, kind: frozenset[str]) -> bool:
    """Return whether a name says that a folder holds such files, and nothing else.

    `train_masks` says masks; `no_mask` and `gas mask` may be classes.
    """
    words = [word for word in words_of(name) if not word.isdigit()]
    return any(word in kind for word in words) and all(word in _KNOWN for word in words)


def says_images(name: str) -> bool:
    """Return whether a name says images and no more, as `JPEGImages` and `train_images` do."""
    return says(name, IMAGES) and not set(words_of(name)) & (ANNOTATIONS | ASIDE)


def split_of(name: str) -> tuple[str, frozenset[str]] | None:
    """Return the split that a name says, and the words in it that say something else.

    Names of splits that belong together share these words: `dogs_train` and `dogs_test`.
    """
    words = words_of(name)
    split = next((_SPLITS[word] for word in words if word in _SPLITS), None)
    if split is None:
        return None
    known = _GENERIC | IMAGES | ANNOTATIONS | _SPLITS.keys()
    return split, frozenset(word for word in words if word not in known and not word.isdigit())


def portion_of(name: str) -> tuple[str, ...]:
    """Return the words of a name that numbers a portion, without the number; else empty."""
    words = words_of(name)
    rest = tuple(word for word in words if not word.isdigit())
    says_so = set(rest) & _PORTIONS or says_images(name) or says(name, frozenset(_SPLITS))
    is_one = len(rest) < len(words) and says_so
    return rest if is_one else ()


def are_numbered(names: Iterable[str]) -> bool:
    """Return whether names differ only in a number or a single letter: `sample_a`, `sample_b`."""
    rests = {tuple(w for w in words_of(name) if w.isalpha() and len(w) > 1) for name in names}
    return len(rests) == 1


def _shortened(word: str) -> str:
    stem = _END.sub("", word)
    return stem if stem in _SPLITS else word
