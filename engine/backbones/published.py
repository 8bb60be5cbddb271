"""The published ImageNet weights of `keras.applications`, without their classifiers.

URLs, file names and hashes as in the sources of Keras 3.15, whose constructors fetch the same
files. Keras publishes no hash for MobileNet and MobileNetV2, whose files can only be checked for
opening. It publishes no sizes: those here are of the same network's weights saved in the same
layout (for ConvNeXtLarge and XLarge four bytes per parameter), to the nearest 0.1 MB.
"""

from __future__ import annotations

from engine.backbones.entry import WeightsFile

BUCKET = "https://storage.googleapis.com/"
FOLDER = BUCKET + "tensorflow/keras-applications/"
KERNELS = FOLDER + "{}_weights_tf_dim_ordering_tf_kernels_notop.h5"

Row = tuple[str, str, int, str]
"""Model, what stands for it in the URL, bytes, hash."""


def _family(url: str, *rows: Row) -> dict[str, tuple[WeightsFile, ...]]:
    """Return the files of models whose URLs are alike."""
    table: dict[str, tuple[WeightsFile, ...]] = {}
    for model, stem, size, digest in rows:
        name = url.format(stem).rpartition("/")[2]
        table[model] = (WeightsFile(name, url.format(stem), size, digest),)
    return table


def _sizes(url: str, size: int, *inputs: int) -> tuple[WeightsFile, ...]:
    """Return the files of a model that has one for each input size, in pixels."""
    urls = {pixels: url.format(pixels) for pixels in inputs}
    return tuple(
        WeightsFile(each.rpartition("/")[2], each, size, "", pixels)
        for pixels, each in urls.items()
    )


PUBLISHED: dict[str, tuple[WeightsFile, ...]] = {
    "MobileNet": _sizes(
        FOLDER + "mobilenet/mobilenet_1_0_{}_tf_no_top.h5", 13_100_000, 128, 160, 192, 224
    ),
    "MobileNetV2": _sizes(
        FOLDER + "mobilenet_v2/mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_{}_no_top.h5",
        9_400_000,
        96,
        128,
        160,
        192,
        224,
    ),
    **_family(
        FOLDER + "mobilenet_v3/weights_mobilenet_v3_{}_224_1.0_float_no_top_v2.h5",
        ("MobileNetV3Small", "small", 4_100_000, "md5:d3e8ec802a04aa4fc771ee12a9a9b836"),
        ("MobileNetV3Large", "large", 12_400_000, "md5:07fb09a5933dd0c8eaafa16978110389"),
    ),
    **_family(
        KERNELS,
        ("ResNet50", "resnet/resnet50", 94_800_000, "md5:4d473c1dd8becc155b73f8504c6f6626"),
        ("ResNet101", "resnet/resnet101", 171_500_000, "md5:88cf7a10940856eca736dc7b7e228a21"),
        ("ResNet152", "resnet/resnet152", 234_700_000, "md5:ee4c566cf9a93f14d82f913c2dc6dd0c"),
        ("ResNet50V2", "resnet/resnet50v2", 94_700_000, "md5:fac2f116257151a9d068a22e544a4917"),
        ("ResNet101V2", "resnet/resnet101v2", 171_300_000, "md5:c0ed64b8031c3730f411d2eb4eea35b5"),
        ("ResNet152V2", "resnet/resnet152v2", 234_600_000, "md5:ed17cf2e0169df9d443503ef94b23b33"),
        ("VGG16", "vgg16/vgg16", 58_900_000, "md5:6d6bbae143d832006294945121d1f1fc"),
        ("VGG19", "vgg19/vgg19", 80_200_000, "md5:253f8cb515780f3b799900260a226db6"),
        ("DenseNet121", "densenet/densenet121", 29_100_000, "md5:30ee3e1110167f948a6b9946edeeb738"),
        ("DenseNet169", "densenet/densenet169", 51_900_000, "md5:b8c4d4c20dd625c148057b9ff1c1176b"),
        ("DenseNet201", "densenet/densenet201", 74_900_000, "md5:c13680b51ded0fb44dff2d8f86ac8bb1"),
        (
            "InceptionV3",
            "inception_v3/inception_v3",
            87_900_000,
            "md5:bcbd6486424b2319ff4ef7d526e38f63",
        ),
        (
            "InceptionResNetV2",
            "inception_resnet_v2/inception_resnet_v2",
            219_000_000,
            "md5:d19885ff4a710c122648d3b5c3b684e4",
        ),
        ("Xception", "xception/xception", 83_800_000, "md5:b0042744bf5b25fce3cb969f33bebb97"),
    ),
    **_family(
        BUCKET + "keras-applications/{}_notop.h5",
        ("EfficientNetB0", "efficientnetb0", 16_700_000, "md5:50bc09e76180e00e4465e1a485ddc09d"),
        ("EfficientNetB1", "efficientnetb1", 27_000_000, "md5:74c4e6b3e1f6a1eea24c589628592432"),
        ("EfficientNetB2", "efficientnetb2", 31_800_000, "md5:111f8e2ac8aa800a7a99e3239f7bfb39"),
        ("EfficientNetB3", "efficientnetb3", 44_000_000, "md5:af6d107764bb5b1abb91932881670226"),
        ("EfficientNetB4", "efficientnetb4", 71_700_000, "md5:ebc24e6d6c33eaebbd558eafbeedf1ba"),
        ("EfficientNetB5", "efficientnetb5", 115_300_000, "md5:38879255a25d3c92d5e44e04ae6cec6f"),
        ("EfficientNetB6", "efficientnetb6", 165_300_000, "md5:9ecce42647a20130c1f39a5d4cb75743"),
        ("EfficientNetB7", "efficientnetb7", 258_100_000, "md5:cbcfe4450ddf6f3ad90b1b398090fe4a"),
    ),
    **_family(
        FOLDER + "efficientnet_v2/efficientnetv2-{}_notop.h5",
        ("EfficientNetV2B0", "b0", 24_300_000, "md5:893217f2bb855e2983157299931e43ff"),
        ("EfficientNetV2B1", "b1", 28_500_000, "md5:0e80663031ca32d657f9caa404b6ec37"),
        ("EfficientNetV2B2", "b2", 35_900_000, "md5:1dfe2e7a5d45b6632553a8961ea609eb"),
        ("EfficientNetV2B3", "b3", 52_600_000, "md5:f6abf7b5849ac99a89b50dd3fd532856"),
        ("EfficientNetV2S", "s", 82_400_000, "md5:af0682fb74e8c54910f2d4393339c070"),
        ("EfficientNetV2M", "m", 214_200_000, "md5:1b8dc055df72dde80d614482840fe342"),
        ("EfficientNetV2L", "l", 473_200_000, "md5:b0b66b5c863aef5b46e8608fe1711615"),
    ),
    **_family(
        FOLDER + "convnext/{}_notop.h5",
        (
            "ConvNeXtTiny",
            "convnext_tiny",
            111_700_000,
            "sha256:d547c096cabd03329d7be5562c5e14798aa39ed24b474157cef5e85ab9e49ef1",
        ),
        (
            "ConvNeXtSmall",
            "convnext_small",
            198_600_000,
            "sha256:6fc8009faa2f00c1c1dfce59feea9b0745eb260a7dd11bee65c8e20843da6eab",
        ),
        (
            "ConvNeXtBase",
            "convnext_base",
            350_900_000,
            "sha256:40a20c5548a5e9202f69735ecc06c990e6b7c9d2de39f0361e27baeb24cb7c45",
        ),
        (
            "ConvNeXtLarge",
            "convnext_large",
            784_900_000,
            "sha256:96f02b6f0753d4f543261bc9d09bed650f24dd6bc02ddde3066135b63d23a1cd",
        ),
        (
            "ConvNeXtXLarge",
            "convnext_xlarge",
            1_392_600_000,
            "sha256:de3f8a54174130e0cecdc71583354753d557fcf1f4487331558e2a16ba0cfe05",
        ),
    ),
    # Keras caches these two under other names than it publishes them.
    "NASNetMobile": (
        WeightsFile(
            "nasnet_mobile_no_top.h5",
            FOLDER + "nasnet/NASNet-mobile-no-top.h5",
            20_000_000,
            "md5:1ed92395b5b598bdda52abe5c0dbfd63",
        ),
    ),
    "NASNetLarge": (
        WeightsFile(
            "nasnet_large_no_top.h5",
            FOLDER + "nasnet/NASNet-large-no-top.h5",
            343_600_000,
            "md5:d81d89dc07e6e56530c4e77faddd61b5",
        ),
    ),
}
