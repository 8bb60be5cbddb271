"""The families of networks: when each came, the idea that it brought, and how it is built."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """What the networks of one paper have in common."""

    name: str
    year: int | None
    """In which the paper first came out; None for what no paper describes."""
    paper: str
    """Its authors and title, to find it by; empty without one."""
    arxiv: str = ""
    """The paper's number there; empty where it is not."""
    idea: str
    """What was new, in a sentence."""
    built: str
    """What blocks it is made of, in a phrase; where its networks differ, in their order of size."""


EFFICIENTNET_LITE = Family(
    name="EfficientNet-Lite",
    year=2020,
    paper="Liu, Higher accuracy on vision models with EfficientNet-Lite (TensorFlow blog)",
    idea="EfficientNet for phones: without squeeze-and-excitation, which some accelerators do not "
    "support, and with ReLU6 for swish, which quantizes better.",
    built="16 inverted bottlenecks, 21 in Lite1 and Lite2",
)
PLAIN_CNN = Family(
    name="plain CNN",
    year=None,
    paper="",
    idea="A small network without pretrained weights: beside it you see what pretraining is worth.",
    built="5 convolutions of 3 × 3 in 3 blocks, each with a pooling at its end",
)
MOBILENET = Family(
    name="MobileNet",
    year=2017,
    paper="Howard et al., MobileNets: Efficient Convolutional Neural Networks for Mobile Vision "
    "Applications",
    arxiv="1704.04861",
    idea="Each convolution becomes two cheap ones, one within each channel and one across the "
    "channels: about an eighth of the work.",
    built="13 depthwise separable convolutions after a plain one",
)
MOBILENET_V2 = Family(
    name="MobileNetV2",
    year=2018,
    paper="Sandler et al., MobileNetV2: Inverted Residuals and Linear Bottlenecks",
    arxiv="1801.04381",
    idea="Shortcuts join the narrow ends of its blocks, and the depthwise convolution works in a "
    "wide middle.",
    built="17 inverted bottlenecks",
)
MOBILENET_V3 = Family(
    name="MobileNetV3",
    year=2019,
    paper="Howard et al., Searching for MobileNetV3",
    arxiv="1905.02244",
    idea="A search for speed on phones chose its blocks, which add "
    "squeeze-and-excitation and a cheap activation to those of MobileNetV2.",
    built="11 (Small) or 15 (Large) inverted bottlenecks",
)
RESNET = Family(
    name="ResNet",
    year=2015,
    paper="He et al., Deep Residual Learning for Image Recognition",
    arxiv="1512.03385",
    idea="Each block adds its input to its output, so that networks of a hundred layers and more "
    "still train.",
    built="16, 33 or 50 bottlenecks of three convolutions, in four stages",
)
RESNET_V2 = Family(
    name="ResNetV2",
    year=2016,
    paper="He et al., Identity Mappings in Deep Residual Networks",
    arxiv="1603.05027",
    idea="ResNet with normalization and activation before each convolution, which keeps the "
    "shortcuts clear.",
    built="16, 33 or 50 bottlenecks of three convolutions, in four stages",
)
VGG = Family(
    name="VGG",
    year=2014,
    paper="Simonyan and Zisserman, Very Deep Convolutional Networks for Large-Scale Image "
    "Recognition",
    arxiv="1409.1556",
    idea="Nothing but small 3 × 3 convolutions, stacked deep: simple, and costly for what it "
    "reaches.",
    built="13 or 16 convolutions in 5 blocks, each with a pooling at its end",
)
EFFICIENTNET = Family(
    name="EfficientNet",
    year=2019,
    paper="Tan and Le, EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks",
    arxiv="1905.11946",
    idea="Depth, width and image size grow together, from a small network that a search found.",
    built="inverted bottlenecks with squeeze-and-excitation in 7 stages, from 16 (B0) to 55 (B7)",
)
EFFICIENTNET_V2 = Family(
    name="EfficientNetV2",
    year=2021,
    paper="Tan and Le, EfficientNetV2: Smaller Models and Faster Training",
    arxiv="2104.00298",
    idea="EfficientNet searched again, for fast training: its early blocks use plain convolutions, "
    "which processors run faster than depthwise ones.",
    built="3 stages of plain convolutions, then 3 or 4 of inverted bottlenecks",
)
DENSENET = Family(
    name="DenseNet",
    year=2016,
    paper="Huang et al., Densely Connected Convolutional Networks",
    arxiv="1608.06993",
    idea="Each layer sees the output of all layers before it in its block, so that a few new "
    "channels each are enough.",
    built="4 dense blocks with transitions that halve the image between them",
)
INCEPTION_V3 = Family(
    name="Inception v3",
    year=2015,
    paper="Szegedy et al., Rethinking the Inception Architecture for Computer Vision",
    arxiv="1512.00567",
    idea="Each module looks at several scales at once, with large convolutions split into small "
    "ones.",
    built="11 modules of parallel branches",
)
INCEPTION_RESNET = Family(
    name="Inception-ResNet",
    year=2016,
    paper="Szegedy et al., Inception-v4, Inception-ResNet and the Impact of Residual Connections "
    "on Learning",
    arxiv="1602.07261",
    idea="Inception's parallel branches with ResNet's shortcuts, which make them train faster.",
    built="40 residual Inception blocks of three kinds",
)
XCEPTION = Family(
    name="Xception",
    year=2016,
    paper="Chollet, Xception: Deep Learning with Depthwise Separable Convolutions",
    arxiv="1610.02357",
    idea="Inception's idea at its limit: what lies side by side in the image and what lies across "
    "the channels is learned apart.",
    built="14 modules, nearly all of depthwise separable convolutions, with shortcuts",
)
NASNET = Family(
    name="NASNet",
    year=2017,
    paper="Zoph et al., Learning Transferable Architectures for Scalable Image Recognition",
    arxiv="1707.07012",
    idea="A search on CIFAR-10 designed two small cells, which the network repeats for larger "
    "images.",
    built="3 stages of normal cells, with cells that halve the image between them",
)
CONVNEXT = Family(
    name="ConvNeXt",
    year=2022,
    paper="Liu et al., A ConvNet for the 2020s",
    arxiv="2201.03545",
    idea="A ResNet brought up to date with what vision transformers taught: wide 7 × 7 depthwise "
    "convolutions and few activations.",
    built="18 (Tiny) or 36 blocks in 4 stages",
)
