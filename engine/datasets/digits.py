"""scikit-learn's handwritten digits as small RGB images: real data that needs no download."""

from __future__ import annotations

from collections import Counter

from engine.common.progress import Progress
from engine.datasets.dataset import Dataset
from engine.datasets.published import OnDownload
from engine.datasets.report import Seen
from engine.datasets.source import DataRequest, DatasetSource

TRAIN_IMAGES, TEST_IMAGES = 1_297, 500


class Digits(DatasetSource):
    """The 1,797 digits as uint8 (N, 8, 8, 3), split into 1,297 for training and 500 for testing.

    The split is stratified and the same in every run, whatever the run's seed.
    """

    def count(self, request: DataRequest) -> tuple[int, int]:
        return TRAIN_IMAGES, TEST_IMAGES

    def load(self, request: DataRequest, progress: Progress, on_download: OnDownload) -> Dataset:
        source = self.check(request)
        import numpy as np
        from sklearn.datasets import load_digits
        from sklearn.model_selection import train_test_split

        bunch = load_digits()
        grey = np.rint(bunch.images * (255 / 16)).astype(np.uint8)  # published as 0 to 16
        images = np.repeat(grey[..., np.newaxis], 3, axis=-1)
        labels = bunch.target.astype(np.int64)
        names, seen = tuple("0123456789"), Seen(modes=Counter({"L": len(labels)}))
        train_images, test_images, train, test = train_test_split(
            images, labels, test_size=TEST_IMAGES, stratify=labels, random_state=0
        )
        return Dataset(train_images, train, test_images, test, names, source, seen=seen)
