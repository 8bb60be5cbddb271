"""Recognize folders that are not classes, by their names and what is where in them.

Reads nothing from the disk: all is derived from what a walk has listed. What a folder holds is
told by the words of its name: images, masks, a split, or no class.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator
from functools import lru_cache
from itertools import combinations
from pathlib import Path

from engine.common.text import printable
from engine.datasets.folder_walk import ClassFolder, Part, Place
from engine.datasets.report import listed
from engine.errors import InputError

_CLASSES = "a folder for each class"
_MASK_FILE = re.compile(r"[ _-](?:masks?|gt|seg|segmentation|labels?|trimap)(?:_?\d+)?$", re.I)
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
    stems = ((word, _END.sub("", word)) for word in words.split())
    return tuple(stem if stem in _SPLITS else word for word, stem in stems)


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


def check_class_folders(part: Part, root: Path, elsewhere: Collection[str]) -> list[str]:
    """Reject folders that are not classes, as far as that can be recognized.

    Args:
        part: what would be the classes.
        root: of the data set.
        elsewhere: names of the classes of other parts.

    Returns:
        A line for each thing that looks wrong but may be right.

    Raises:
        InputError: names the folders, and what to give or do instead.
    """
    folders = list(part.classes.values())
    if len(folders) == 1 and folders[0].name not in elsewhere:
        _reject_wrapper(part.path, root, folders[0])
    _reject_splits(part)
    _reject_annotations(part)
    warnings = list(_copies(part.path, folders))
    _reject_masks(part)
    _reject_split_classes(part.path, folders)
    warnings += _shared(part.path, folders)
    if len(folders) > 1:
        warnings += _odd_names(folders)
    return [*warnings, *_mask_files(folders)]


def _reject_wrapper(path: Path, root: Path, folder: ClassFolder) -> None:
    """Reject a folder that holds only one folder, which holds the data set."""
    if len(folder.forks) < 2:
        return
    inner = folder.path(folder.fork)
    raise InputError(
        path,
        _CLASSES,
        f"images in one folder only, {folder.name}/, with the folders {listed(folder.forks)} in it",
        f"give {inner}" if path == root else f"move them up into {path}",
    )


def _reject_splits(part: Part) -> None:
    together: dict[frozenset[str], dict[str, list[str]]] = {}
    for name in part.classes:
        if (said := split_of(name)) is not None:
            together.setdefault(said[1], {}).setdefault(said[0], []).append(name)
    for splits in together.values():
        if len(splits) > 1:
            found = sorted(name for each in splits.values() for name in each)
            raise InputError(
                part.path,
                _CLASSES,
                f"{listed(found)}, splits by their names",
                "name them train and test, with a folder for each class directly in each",
            )


def _reject_annotations(part: Part) -> None:
    """Reject masks or annotations beside a folder of the images that they belong to."""
    images = next((each for each in part.classes.values() if says_images(each.name)), None)
    others = [name for name in (*part.classes, *part.foreign) if says(name, ANNOTATIONS)]
    if images is None or not others:
        return
    rest = [name for name in part.classes if not says_images(name) and name not in others]
    if rest and len(images.forks) < 2:
        return  # `button`, `image`, `label`: words of real classes, too
    hint = f"sort the images of {images.name}/ into a folder for each class"
    if len(images.forks) > 1:
        hint = f"give {images.path(images.fork)}"
    found = f"{images.name}/ and what belongs to its images in {listed(others)}"
    raise InputError(part.path, _CLASSES, found, hint)


def _copies(path: Path, folders: list[ClassFolder]) -> Iterator[str]:
    """Yield a line for folders inside of a class that are named like the classes."""
    names = {alike(folder.name) for folder in folders}
    for folder in folders:
        for place, children in folder.below.items():
            same = [child for child in children if alike(child) in names]
            if len(same) > 1:
                inner = folder.inside(place)
                raise InputError(
                    path,
                    "each class once",
                    f"the classes {listed(same)} again in {inner}/",
                    f"move {inner}/ elsewhere, or give {folder.path(place)} alone",
                )
            for child in same:
                if alike(child) != alike(folder.name):
                    yield (
                        f"{folder.inside((*place, child))}/ is named like the class {child}: its "
                        f"images count as {folder.name}"
                    )


def _reject_masks(part: Part) -> None:
    """Reject folders such as `cat_mask` beside `cat`, or `masks` inside of a class."""
    words = {words_of(name): name for name in part.classes}
    found = []
    for said, name in words.items():
        rest = tuple(word for word in said if word not in ANNOTATIONS)
        if rest and rest != said and rest in words:
            found.append(name)
    for folder in part.classes.values():
        own = set(words_of(folder.name))
        masks = {
            (*place, child)
            for place, children in folder.below.items()
            for child in children
            if says(child, ANNOTATIONS)
            and not own & set(words_of(child))
            and (place in folder.loose or any(map(says_images, children)))
        }
        if masks and any(not _is_below(place, masks) for place in folder.loose):
            found += [folder.inside(place) for place in sorted(masks)]
    if found:
        raise InputError(
            part.path,
            "images of classes",
            f"masks or annotations among them in {listed(found)}",
            "move these folders elsewhere, or rename them where they hold images of their class",
        )


def _is_below(place: Place, folders: set[Place]) -> bool:
    return any(place[:depth] in folders for depth in range(1, len(place) + 1))


def _reject_split_classes(path: Path, folders: list[ClassFolder]) -> None:
    """Reject `cat/train` and `cat/test` in place of `train/cat` and `test/cat`."""
    for folder in folders:
        for place, children in folder.below.items():
            said = {child: split_of(child) for child in children}
            splits = {split[0]: child for child, split in said.items() if split and not split[1]}
            if len(splits) < 2:
                continue
            found = "the splits inside of a class"
            hint = (
                f"move them to train/{folder.name} and test/{folder.name}, or the images up into "
                f"{folder.name}/ where these names are no splits"
            )
            if any(folder.below.get((*place, child)) for child in splits.values()):
                found = "train/ and test/ of a whole data set"
                hint = f"give {folder.path(place)}"
            named = listed([folder.inside((*place, child)) for child in splits.values()])
            raise InputError(path, _CLASSES, f"{found}, {named}", hint)


def _shared(path: Path, folders: list[ClassFolder]) -> Iterator[str]:
    """Yield a line for folders that hold the same folders: the classes may be those."""
    forked = [(folder, {alike(name) for name in folder.forks}) for folder in folders]
    for (one, ones), (two, twos) in combinations([each for each in forked if each[1]], 2):
        both = ones & twos
        if len(both) < 2:
            continue
        same = [name for name in one.forks if alike(name) in both]
        # Sessions, samples, years, day and night may repeat in each class; many names, or those
        # in numbered portions, are classes.
        tops = are_numbered((one.name, two.name))
        are_series = are_numbered(same) and not (tops and all(name.isdigit() for name in same))
        are_portions = tops or len(same) > 2
        is_loose = any(each.fork in each.loose for each in (one, two))
        if is_loose or are_series or not are_portions:
            yield (
                f"{one.name}/ and {two.name}/ both hold folders named {listed(same)}: their "
                f"images count as {one.name} and {two.name}; if these folders are the classes, "
                f"give {one.path(one.fork)} alone, or merge them"
            )
            return
        first, second = same[:2]
        raise InputError(
            path,
            _CLASSES,
            f"{one.name}/ and {two.name}/ with the same folders in both ({listed(same)})",
            f"give {one.path(one.fork)} alone, or merge them into {first}/ and {second}/, or, "
            f"where {one.name} and {two.name} are the classes, move their images up",
        )


def _odd_names(folders: list[ClassFolder]) -> Iterator[str]:
    names = [folder.name for folder in folders]
    for folder in folders:
        words = set(words_of(folder.name))
        others = (set(words_of(name)) for name in names if name != folder.name)
        reason = ""
        if says(folder.name, ASIDE):
            reason = "it is none"
        elif says(folder.name, ANNOTATIONS) and not any(map(words.intersection, others)):
            reason = "it belongs to the images of the others"
        if reason:
            yield f"{folder.name}/ is taken for a class: move it elsewhere if {reason}"
        elif says_images(folder.name) and len(folder.forks) > 1:
            yield (
                f"{folder.name}/ is taken for one class, with the folders {listed(folder.forks)} "
                "in it: give it alone if these are the classes"
            )
    numbered: dict[tuple[str, ...], list[str]] = {}
    for name in names:
        if portion := portion_of(name):
            numbered.setdefault(portion, []).append(name)
    for portions in numbered.values():
        if len(portions) > 1:
            yield (
                f"{listed(portions)} are taken for classes: if they are portions of one data set, "
                "sort their images into a folder for each class"
            )


def _mask_files(folders: list[ClassFolder]) -> Iterator[str]:
    """Yield a line for masks such as `1_mask.png` beside `1.png`."""
    for folder in folders:
        marked = [(file, mark) for file in folder.images if (mark := _MASK_FILE.search(file.stem))]
        if not marked:
            continue
        stems = {(file.parent, file.stem) for file in folder.images}
        masks = [file for file, mark in marked if (file.parent, file.stem[: mark.start()]) in stems]
        if masks:
            yield (
                f"{folder.name}/: {len(masks):,} images are named like masks of others beside "
                f"them, as {printable(masks[0].name)}: move them elsewhere if they are"
            )
