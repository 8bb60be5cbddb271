"""What a finished run says of any image: the five most probable classes."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.backend import choose_device, on_device
from engine.errors import InputError
from engine.events import RunStarted
from engine.recorded_events import read_thinned
from engine.regular_file import open_regular
from engine.runs import RunRecord

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL.Image import Image

TOP = 5
MAX_PIXELS = 100_000_000
"""Of a file's image: unpacked they take 300 MB."""


@dataclass(frozen=True, eq=False, slots=True)
class Prediction:
    """What a model says of one image."""

    path: Path
    classes: tuple[tuple[str, float], ...]
    """The most probable five, that first, each with its probability."""
    pixels: NDArray[np.uint8]
    """(height, width, 3): the image as the model saw it."""


class Predictor:
    """A run's exported model, loaded once for any number of images."""

    def __init__(self, run: RunRecord) -> None:
        """Load `model.keras`; takes seconds where TensorFlow is not loaded yet.

        Raises:
            InputError: the run has exported no model, or one that cannot be read.
        """
        # One image is quick there, and a training beside it keeps its GPU's memory.
        self._device = "cpu:0"
        self._model = load_model(run, self._device)
        shape = self._model.input_shape
        self._height, self._width = int(shape[1]), int(shape[2])
        self._names = class_names(run, int(self._model.output_shape[-1]))

    def predict(self, image: Path) -> Prediction:
        """The five most probable classes of an image file of any size and mode.

        Raises:
            InputError: it cannot be read as an image, or the model fails at it.
        """
        import numpy as np

        pixels = read_image(image, self._height, self._width)
        try:
            with on_device(self._device):
                predicted = self._model.predict_on_batch(pixels[np.newaxis])
        # What a backend raises, short of memory above all, is of every kind.
        except Exception as error:
            raise InputError(
                f"expected the model to classify {image}, found {type(error).__name__}: "
                f"{str(error).partition(chr(10))[0][:120]}"
            ) from error
        probabilities = np.asarray(predicted)[0]
        order = np.argsort(-probabilities, kind="stable")[:TOP]
        classes = tuple((self._names[i], float(probabilities[i])) for i in order)
        return Prediction(image, classes, pixels)


def load_model(run: RunRecord, device: str | None = None) -> Any:
    """A run's exported Keras model: uint8 images in, probabilities out.

    Args:
        run: a finished one.
        device: as `engine.backend.choose_device` gives it; the best one when None.

    Raises:
        InputError: the run is not finished, or its model cannot be read.
    """
    path = run.directory.model
    check_exported(run)
    # Before the first tensor: TensorFlow would take all of a GPU's memory.
    best = choose_device("auto")
    import keras

    try:
        with on_device(device or best):
            model = keras.models.load_model(path, compile=False)
        shape, classes = model.input_shape, model.output_shape[-1]
        if len(shape) != 4 or shape[3] != 3 or None in shape[1:] or classes is None:
            raise ValueError(f"images {shape}")
    # What Keras raises on a damaged archive is of every kind.
    except Exception as error:
        raise InputError(
            f"{run.run_id}: expected an image classifier in {path.name}, found something that "
            f"Keras cannot load ({type(error).__name__}); train the run again"
        ) from error
    return model


def check_exported(run: RunRecord) -> None:
    """Refuse a run that has exported no model.

    Raises:
        InputError: in which state it is, and what to do.
    """
    if run.directory.model.is_file():
        return
    ways = {
        "running": "wait for its end",
        "paused": "have it go on, and wait for its end",
        "completed": "its model.keras was removed; train it again",
        "failed": "train it again",
    }
    hint = ways.get(run.state, f"`cifar-tui resume {run.run_id}` goes on with it")
    raise InputError(
        f"{run.run_id}: expected a finished run with its model.keras, found one that is "
        f"{run.state} and has none; {hint}"
    )


def class_names(run: RunRecord, classes: int) -> tuple[str, ...]:
    """The names of a run's classes as it recorded them; numbers where it did not."""
    for event in read_thinned(run.directory.events):
        if isinstance(event, RunStarted) and len(event.data.class_names) == classes:
            return event.data.class_names
    return tuple(f"class {i}" for i in range(classes))


def read_image(path: Path, height: int, width: int) -> NDArray[np.uint8]:
    """An image file as a model takes it, uint8 (height, width, 3).

    It is turned as its EXIF says, laid over white where it is transparent, brought to 8 bits a
    channel, cut to the middle in the model's proportions, and resized by Lanczos' filter.

    Raises:
        InputError: it cannot be read as an image, or is too large.
    """
    import numpy as np
    from PIL import Image as images

    try:
        with open_regular(path) as file, warnings.catch_warnings():
            # A bomb is refused by the count of pixels below, before anything is unpacked.
            warnings.simplefilter("ignore", images.DecompressionBombWarning)
            with images.open(file) as image:
                _check_size(path, image)
                return np.asarray(_fitted(image, height, width), dtype=np.uint8)
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
    except OSError as error:
        reason = (error.strerror or "").lower() or "none that Pillow can read, or one cut short"
        raise InputError(f"{path}: expected an image, found {reason}") from error
    # A damaged file makes decoders raise whatever comes.
    except Exception as error:
        raise InputError(
            f"{path}: expected an image, found a damaged one ({type(error).__name__})"
        ) from error


def _check_size(path: Path, image: Image) -> None:
    width, height = image.size
    if width * height > MAX_PIXELS:
        raise InputError(
            f"expected an image of at most {MAX_PIXELS // 10**6} million pixels, "
            f"found {width:,} × {height:,}; make it smaller first"
        )


def _fitted(image: Image, height: int, width: int) -> Image:
    from PIL.Image import Resampling
    from PIL.ImageOps import exif_transpose, fit

    image.seek(0)  # of an animation its first picture
    turned = exif_transpose(image)
    plain = _plain_rgb(turned)
    return fit(plain, (width, height), Resampling.LANCZOS, centering=(0.5, 0.5))


def _plain_rgb(image: Image) -> Image:
    from PIL import Image as images

    if image.mode.startswith(("I", "F")):
        image = _eight_bits(image)
    if image.has_transparency_data:
        over = images.new("RGBA", image.size, "white")
        image = images.alpha_composite(over, image.convert("RGBA"))
    return image.convert("RGB")


def _eight_bits(image: Image) -> Image:
    """Grey of 16 or 32 bits, or of real numbers, as 8 bits: 0 to 65535, 255 or 1 are full range."""
    import numpy as np
    from PIL import Image as images

    grey = np.nan_to_num(np.asarray(image).astype(np.float64), posinf=0.0, neginf=0.0)
    most = 65_535.0
    if image.mode == "F":
        most = next((full for full in (1.0, 255.0) if grey.max(initial=0) <= full), most)
    return images.fromarray(np.clip(grey * (255 / most), 0, 255).round().astype(np.uint8))
