"""The examples that `--help` shows."""

from __future__ import annotations

EXAMPLES: dict[str, tuple[str, ...]] = {
    "train": (
        "cifar-tui train EfficientNetLite0 CustomCNN",
        "cifar-tui train VGG16 --recipe notebook --epochs 5,3 --unfreeze-last 4",
        "cifar-tui train CustomCNN --seed 1,2,3 --plain",
        "cifar-tui train --compare-exercise",
    ),
    "demo": ("cifar-tui demo", "cifar-tui demo --plain"),
    "recipes": (
        "cifar-tui recipes recommended > mine.toml",
        "cifar-tui recipes --save mine.toml",
    ),
    "models": ("cifar-tui models", "cifar-tui models --json"),
    "dataset": ("cifar-tui dataset ~/pets", "cifar-tui dataset cifar100 --json"),
    "fetch": (
        "cifar-tui fetch VGG16 ResNet50V2 --dataset cifar10",
        "cifar-tui fetch MobileNetV2 --image-size 160 --json",
    ),
    "resume": ("cifar-tui resume", "cifar-tui resume 20260102-120000-vgg16 --plain"),
    "work": ("cifar-tui work 20260102-120000-vgg16 --json",),
    "attach": ("cifar-tui attach", "cifar-tui attach vgg16"),
    "replay": ("cifar-tui replay vgg16 --speed 100",),
    "rank": (
        'cifar-tui rank --filter "acc>0.85 dataset:cifar10" --time-to 0.8,0.9',
        "cifar-tui rank --by-model --markdown",
    ),
    "runs": ("cifar-tui runs", "cifar-tui runs delete vgg16", "cifar-tui runs prune --yes"),
    "report": ("cifar-tui report", "cifar-tui report --html --output report.html"),
    "predict": ("cifar-tui predict vgg16 cat.jpg dog.png",),
    "ensemble": (
        "cifar-tui ensemble vgg16 customcnn 20260102-120000-resnet50v2",
        "cifar-tui ensemble 20260102-120000-vgg16 20260102-130000-vgg16 --by weights",
    ),
    "export": (
        "cifar-tui export vgg16 --format keras --output vgg16.keras",
        "cifar-tui export vgg16 --format savedmodel --output exported",
    ),
    "doctor": ("cifar-tui doctor", "cifar-tui doctor --json"),
    "completion": (
        "source <(cifar-tui completion bash)",
        'eval "$(cifar-tui completion zsh)"',
        "cifar-tui completion fish | source",
    ),
    "cache": ("cifar-tui cache", "cifar-tui cache clear"),
}
"""Example command lines, by command."""


def examples_text(command: str) -> str:
    """Return the examples of a command, one per line under a title."""
    return "\n".join(["examples:", *(f"  {line}" for line in EXAMPLES[command])])
