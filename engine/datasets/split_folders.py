"""Where the classes of a folder lie: at its top, or in folders of the training and test split."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from engine.datasets.folder_files import holds_classes, loose_images, named
from engine.datasets.folder_names import says_images
from engine.datasets.folder_walk import folders, holds_image
from engine.errors import InputError

_TRAINING = ("train", "training")
_TESTING = ("test", "testing", "val", "valid", "validation")


@dataclass(frozen=True, slots=True)
class SplitFolders:
    """The folders in which the folders of the classes lie."""

    training: tuple[Path, ...]
    testing: Path | None
    """None where the test images have to be held out."""
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def find_split_folders(path: Path) -> SplitFolders:
    """Tell by names and places of its folders how a data set is laid out.

    Raises:
        InputError: folders of splits that make no data set, or one that could be either.
        OSError: a folder cannot be read; names it.
    """
    below = folders(path)
    found = {entry.name.lower(): entry for entry in below}
    training = [found[name] for name in _TRAINING if name in found]
    testing = [found[name] for name in _TESTING if name in found]
    trains, tests = list(filter(holds_classes, training)), list(filter(_is_sorted, testing))
    if not trains:
        _check_no_split(path, training, testing, tests)
        return SplitFolders((path,), None, warnings=_loose(path))
    unknown = [entry.name for entry in below if entry not in training + testing]
    unknown = [name for name in unknown if holds_image(path / name)]
    if not tests and unknown:
        raise InputError(
            f"{path}: expected test/ or val/ beside {trains[0].name}/, found {named(unknown)}; "
            "rename the folder of the test images to test, and take away the others"
        )
    warnings = [f"{name}/ is neither train/ nor test/: left alone" for name in unknown]
    warnings += [
        f"{flat.name}/ has no folder for each class: left alone"
        for flat in training + testing
        if flat not in trains + tests and holds_image(flat)
    ]
    notes = [f"tested on {tests[0].name}/"] if tests else []
    notes += [f"{folder.name}/ joins the training images" for folder in tests[1:]]
    warnings += [words for folder in trains + tests for words in _loose(folder)]
    first = tests[0] if tests else None
    return SplitFolders((*trains, *tests[1:]), first, tuple(notes), tuple(warnings))


def _is_sorted(testing: Path) -> bool:
    """Whether test images lie in folders of classes, and not all in one as `val/images/`."""
    held = list(filter(holds_image, folders(testing)))
    return bool(held) and not (len(held) == 1 and says_images(held[0].name))


def _check_no_split(
    path: Path, training: list[Path], testing: list[Path], tests: list[Path]
) -> None:
    """Refuse to take the folders of splits for classes."""
    if training and testing:
        raise InputError(
            f"{training[0]}: expected a folder for each class, with its images in it, found none; "
            "sort its images into such folders"
        )
    if tests:
        raise InputError(
            f"{path}: expected train/ beside {tests[0].name}/, found none with classes in it; "
            "name the folder of the training images train"
        )


def _loose(folder: Path) -> tuple[str, ...]:
    count = loose_images(folder)
    if not count:
        return ()
    return (f"images directly in {folder.name}/, in no class, left alone: {count:,}",)
