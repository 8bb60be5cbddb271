"""The exercise as plain Keras, as a notebook has it: what `bench.py` compares with.

    python tests/benchmarks/notebook.py --base MobileNetV2 --preprocessing mobilenet_v2 --data d.npz

Head on a frozen backbone, then its last layers. Needs TensorFlow and Keras only; prints its figures
as one JSON object on the last line.
"""

import argparse
import json
import resource
import sys
import time
from typing import Any

started = time.perf_counter()

import keras  # noqa: E402
import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402

import_seconds = time.perf_counter() - started
started = time.perf_counter()

parser = argparse.ArgumentParser()
parser.add_argument("--base", required=True, help="a .keras file, or a name in keras.applications")
parser.add_argument("--preprocessing", required=True, help="none, lite0 or a keras.applications")
parser.add_argument("--data", required=True, help=".npz with x_train, y_train, x_test, y_test")
parser.add_argument("--image-size", type=int, default=96)
parser.add_argument("--epochs", default="5,3")
parser.add_argument("--train-limit", type=int)
parser.add_argument("--batch-size", type=int, default=64)
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()

IMAGE_SIZE = (args.image_size, args.image_size)
BATCH_SIZE = args.batch_size
NUM_CLASSES = 10
UNFREEZE_LAST = 30
head_epochs, fine_tune_epochs = (int(n) for n in (args.epochs + ",0").split(",")[:2])

keras.utils.set_random_seed(args.seed)
for gpu in tf.config.list_physical_devices("GPU"):
    tf.config.experimental.set_memory_growth(gpu, True)

# --- Data ---

data = np.load(args.data)
x_train, y_train = data["x_train"][: args.train_limit], data["y_train"][: args.train_limit]
x_test, y_test = data["x_test"], data["y_test"]

if args.preprocessing == "none":
    preprocess_input = None
elif args.preprocessing == "lite0":
    preprocess_input = lambda x: (x - 127.0) / 128.0  # noqa: E731
else:
    preprocess_input = getattr(keras.applications, args.preprocessing).preprocess_input


def preprocess(images: Any, labels: Any) -> Any:
    """Resize a batch and scale it as the backbone was trained."""
    images = tf.image.resize(tf.cast(images, tf.float32), IMAGE_SIZE)
    if preprocess_input is not None:
        images = preprocess_input(images)
    return images, labels


train_ds = (
    tf.data.Dataset.from_tensor_slices((x_train, y_train))
    .shuffle(10_000)
    .batch(BATCH_SIZE)
    .map(preprocess, num_parallel_calls=tf.data.AUTOTUNE)
    .prefetch(tf.data.AUTOTUNE)
)
test_ds = (
    tf.data.Dataset.from_tensor_slices((x_test, y_test))
    .batch(BATCH_SIZE)
    .map(preprocess, num_parallel_calls=tf.data.AUTOTUNE)
    .prefetch(tf.data.AUTOTUNE)
)

# --- Model ---

if args.base.endswith(".keras"):
    base_model = keras.models.load_model(args.base)
else:
    application = getattr(keras.applications, args.base)
    base_model = application(include_top=False, weights="imagenet", input_shape=(*IMAGE_SIZE, 3))
base_model.trainable = False

model = keras.Sequential(
    [
        base_model,
        keras.layers.GlobalAveragePooling2D(),
        keras.layers.Dropout(0.2),
        keras.layers.Dense(NUM_CLASSES, activation="softmax"),
    ]
)
model.compile(
    optimizer=keras.optimizers.Adam(learning_rate=1e-3),
    loss="sparse_categorical_crossentropy",
    metrics=["accuracy"],
)
build_seconds = time.perf_counter() - started

# --- Stage 1: the head on the frozen backbone ---


class EpochTimer(keras.callbacks.Callback):  # type: ignore[misc]
    """Notes how long each epoch took, its validation included."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds: list[float] = []

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Start the clock."""
        self.began = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Stop it."""
        self.seconds.append(time.perf_counter() - self.began)


timer = EpochTimer()
started = time.perf_counter()
history = model.fit(
    train_ds, epochs=head_epochs, validation_data=test_ds, callbacks=[timer], verbose=2
)
stage_seconds = [time.perf_counter() - started]
logs = dict(history.history)

# --- Stage 2: the last layers at a low learning rate ---

if fine_tune_epochs:
    base_model.trainable = True
    for layer in base_model.layers[:-UNFREEZE_LAST]:
        layer.trainable = False

    model.compile(
        optimizer=keras.optimizers.Adam(learning_rate=1e-5),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    started = time.perf_counter()
    history = model.fit(
        train_ds, epochs=fine_tune_epochs, validation_data=test_ds, callbacks=[timer], verbose=2
    )
    stage_seconds.append(time.perf_counter() - started)
    logs = {name: values + history.history[name] for name, values in logs.items()}

# --- Figures ---

test_loss, test_accuracy = model.evaluate(test_ds, verbose=0)
peak_memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
epochs = [
    {"seconds": seconds, **{name: float(values[i]) for name, values in logs.items()}}
    for i, seconds in enumerate(timer.seconds)
]
print(
    json.dumps(
        {
            "import_seconds": import_seconds,
            "build_seconds": build_seconds,
            "stage_seconds": stage_seconds,
            "epochs": epochs,
            "test_loss": float(test_loss),
            "test_accuracy": float(test_accuracy),
            "peak_memory_bytes": peak_memory * (1 if sys.platform == "darwin" else 1024),
        }
    )
)
