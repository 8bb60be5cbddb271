"""The published CIFAR data sets: their archives, their files, their classes."""

from __future__ import annotations

from dataclasses import dataclass

from engine.datasets.published import Archive

_HOME = "https://www.cs.toronto.edu/~kriz"


@dataclass(frozen=True, slots=True)
class CifarSet:
    """How one of the two data sets was published."""

    title: str
    """For errors."""
    archives: tuple[Archive, ...]
    """Archives; the first is downloaded: it holds no pickles."""
    keras_archives: tuple[str, ...]
    """Names under which versions of Keras keep the Python archive, which is the last one."""
    folders: tuple[str, ...]
    """Folders of the batches in archives and Keras; the version without pickles first."""
    python_batches: tuple[str, ...]
    """Batches; training first, the test images last."""
    binary_batches: tuple[str, ...]
    label_key: str
    """Key of the labels in the pickles."""
    label_bytes: int
    """Bytes before each image of the binary version; the last of them is the class."""
    class_names: tuple[str, ...]

    @property
    def batch_names(self) -> frozenset[str]:
        """Names of the batches of both versions."""
        return frozenset(self.python_batches + self.binary_batches)


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_TRAINING = tuple(f"data_batch_{i}" for i in range(1, 6))

# MD5 as the authors publish them at https://www.cs.toronto.edu/~kriz/cifar.html
CIFAR10 = CifarSet(
    title="CIFAR-10",
    archives=(
        Archive(
            f"{_HOME}/cifar-10-binary.tar.gz",
            "cifar-10-binary.tar.gz",
            "md5:c32a1d4ab5d03f1284b67883e8d87530",
            170_052_171,
        ),
        Archive(
            f"{_HOME}/cifar-10-python.tar.gz",
            "cifar-10-python.tar.gz",
            "md5:c58f30108f718f92721af3b95e74349a",
            170_498_071,
        ),
    ),
    keras_archives=(
        "cifar-10-batches-py-target_archive",
        "cifar-10-batches-py-target.tar.gz",
        "cifar-10-batches-py.tar.gz",
    ),
    folders=(
        "cifar-10-batches-bin",
        "cifar-10-batches-py",
        "cifar-10-batches-py-target/cifar-10-batches-py",
    ),
    python_batches=(*_TRAINING, "test_batch"),
    binary_batches=(*(f"{name}.bin" for name in _TRAINING), "test_batch.bin"),
    label_key="labels",
    label_bytes=1,
    class_names=_words("airplane automobile bird cat deer dog frog horse ship truck"),
)

CIFAR100 = CifarSet(
    title="CIFAR-100",
    archives=(
        Archive(
            f"{_HOME}/cifar-100-binary.tar.gz",
            "cifar-100-binary.tar.gz",
            "md5:03b5dce01913d631647c71ecec9e9cb8",
            168_513_733,
        ),
        Archive(
            f"{_HOME}/cifar-100-python.tar.gz",
            "cifar-100-python.tar.gz",
            "md5:eb9058c3a382ffc7106e4002c42a8d85",
            169_001_437,
        ),
    ),
    keras_archives=(
        "cifar-100-python-target_archive",
        "cifar-100-python-target.tar.gz",
    ),
    folders=(
        "cifar-100-binary",
        "cifar-100-python",
        "cifar-100-python-target/cifar-100-python",
    ),
    python_batches=("train", "test"),
    binary_batches=("train.bin", "test.bin"),
    label_key="fine_labels",
    label_bytes=2,
    class_names=_words(
        """
        apple aquarium_fish baby bear beaver bed bee beetle bicycle bottle bowl boy bridge bus
        butterfly camel can castle caterpillar cattle chair chimpanzee clock cloud cockroach
        couch crab crocodile cup dinosaur dolphin elephant flatfish forest fox girl hamster
        house kangaroo keyboard lamp lawn_mower leopard lion lizard lobster man maple_tree
        motorcycle mountain mouse mushroom oak_tree orange orchid otter palm_tree pear
        pickup_truck pine_tree plain plate poppy porcupine possum rabbit raccoon ray road rocket
        rose sea seal shark shrew skunk skyscraper snail snake spider squirrel streetcar
        sunflower sweet_pepper table tank telephone television tiger tractor train trout tulip
        turtle wardrobe whale willow_tree wolf woman worm
        """
    ),
)
