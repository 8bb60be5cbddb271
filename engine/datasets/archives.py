"""The published CIFAR data sets: their archives, their files, their classes."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from engine.datasets.published import Archive


@dataclass(frozen=True, slots=True)
class CifarSet:
    """How one of the two data sets was published."""

    title: str
    """For errors."""
    archives: tuple[Archive, ...]
    """Archives; the first is downloaded: it holds no pickles."""
    binary_folder: str
    """Folder of the batches in the binary version, and in the pickled one."""
    python_folder: str
    python_batches: tuple[str, ...]
    """Batches; training first, the test images last."""
    label_key: str
    """Key of the labels in the pickles."""
    label_bytes: int
    """Bytes before each image of the binary version; the last of them is the class."""
    class_names: tuple[str, ...]

    @property
    def folders(self) -> tuple[str, ...]:
        """Folders of the batches, as archives and Keras extract them."""
        python = self.python_folder
        return self.binary_folder, python, f"{python}-target/{python}"

    @property
    def binary_batches(self) -> tuple[str, ...]:
        """Batches of the binary version, in the same order."""
        return tuple(f"{name}.bin" for name in self.python_batches)

    @property
    def batch_names(self) -> frozenset[str]:
        """Names of the batches of both versions."""
        return frozenset(self.python_batches + self.binary_batches)

    @property
    def by_file(self) -> dict[str, Archive]:
        """The archives by the names under which they may lie on this machine.

        Versions of Keras have three names for the last one.
        """
        published = {archive.file: archive for archive in self.archives}
        endings = ("-target_archive", "-target.tar.gz", ".tar.gz")
        kept = [f"{self.python_folder}{ending}" for ending in endings]
        return published | dict.fromkeys(kept, self.archives[-1])

    def complete(self, names: Collection[str]) -> tuple[str, ...]:
        """Return the batches of a version of which all are among these names; else none."""
        versions = (self.binary_batches, self.python_batches)
        return next((each for each in versions if {*each} <= {*names}), ())


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


def _archive(file: str, md5: str, size: int) -> Archive:
    return Archive(f"https://www.cs.toronto.edu/~kriz/{file}", file, f"md5:{md5}", size)


# MD5 as the authors publish them at https://www.cs.toronto.edu/~kriz/cifar.html
CIFAR10 = CifarSet(
    title="CIFAR-10",
    archives=(
        _archive("cifar-10-binary.tar.gz", "c32a1d4ab5d03f1284b67883e8d87530", 170_052_171),
        _archive("cifar-10-python.tar.gz", "c58f30108f718f92721af3b95e74349a", 170_498_071),
    ),
    binary_folder="cifar-10-batches-bin",
    python_folder="cifar-10-batches-py",
    python_batches=(*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"),
    label_key="labels",
    label_bytes=1,
    class_names=_words("airplane automobile bird cat deer dog frog horse ship truck"),
)

CIFAR100 = CifarSet(
    title="CIFAR-100",
    archives=(
        _archive("cifar-100-binary.tar.gz", "03b5dce01913d631647c71ecec9e9cb8", 168_513_733),
        _archive("cifar-100-python.tar.gz", "eb9058c3a382ffc7106e4002c42a8d85", 169_001_437),
    ),
    binary_folder="cifar-100-binary",
    python_folder="cifar-100-python",
    python_batches=("train", "test"),
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
