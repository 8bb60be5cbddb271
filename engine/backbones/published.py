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
KERNELS = "_weights_tf_dim_ordering_tf_kernels_notop.h5"

_CACHED_AS = {
    "NASNet-mobile-no-top.h5": "nasnet_mobile_no_top.h5",
    "NASNet-large-no-top.h5": "nasnet_large_no_top.h5",
}
"""The files that Keras caches under other names than it publishes them."""
_FAMILIES = {
    FOLDER + "mobilenet_v3/weights_mobilenet_v3_{}_224_1.0_float_no_top_v2.h5": """
    MobileNetV3Small small 4.1 d3e8ec802a04aa4fc771ee12a9a9b836
    MobileNetV3Large large 12.4 07fb09a5933dd0c8eaafa16978110389
    """,
    FOLDER + "resnet/{}" + KERNELS: """
    ResNet50 resnet50 94.8 4d473c1dd8becc155b73f8504c6f6626
    ResNet101 resnet101 171.5 88cf7a10940856eca736dc7b7e228a21
    ResNet152 resnet152 234.7 ee4c566cf9a93f14d82f913c2dc6dd0c
    ResNet50V2 resnet50v2 94.7 fac2f116257151a9d068a22e544a4917
    ResNet101V2 resnet101v2 171.3 c0ed64b8031c3730f411d2eb4eea35b5
    ResNet152V2 resnet152v2 234.6 ed17cf2e0169df9d443503ef94b23b33
    """,
    FOLDER + "densenet/{}" + KERNELS: """
    DenseNet121 densenet121 29.1 30ee3e1110167f948a6b9946edeeb738
    DenseNet169 densenet169 51.9 b8c4d4c20dd625c148057b9ff1c1176b
    DenseNet201 densenet201 74.9 c13680b51ded0fb44dff2d8f86ac8bb1
    """,
    FOLDER + "{0}/{0}" + KERNELS: """
    VGG16 vgg16 58.9 6d6bbae143d832006294945121d1f1fc
    VGG19 vgg19 80.2 253f8cb515780f3b799900260a226db6
    InceptionV3 inception_v3 87.9 bcbd6486424b2319ff4ef7d526e38f63
    InceptionResNetV2 inception_resnet_v2 219.0 d19885ff4a710c122648d3b5c3b684e4
    Xception xception 83.8 b0042744bf5b25fce3cb969f33bebb97
    """,
    BUCKET + "keras-applications/{}_notop.h5": """
    EfficientNetB0 efficientnetb0 16.7 50bc09e76180e00e4465e1a485ddc09d
    EfficientNetB1 efficientnetb1 27.0 74c4e6b3e1f6a1eea24c589628592432
    EfficientNetB2 efficientnetb2 31.8 111f8e2ac8aa800a7a99e3239f7bfb39
    EfficientNetB3 efficientnetb3 44.0 af6d107764bb5b1abb91932881670226
    EfficientNetB4 efficientnetb4 71.7 ebc24e6d6c33eaebbd558eafbeedf1ba
    EfficientNetB5 efficientnetb5 115.3 38879255a25d3c92d5e44e04ae6cec6f
    EfficientNetB6 efficientnetb6 165.3 9ecce42647a20130c1f39a5d4cb75743
    EfficientNetB7 efficientnetb7 258.1 cbcfe4450ddf6f3ad90b1b398090fe4a
    """,
    FOLDER + "efficientnet_v2/efficientnetv2-{}_notop.h5": """
    EfficientNetV2B0 b0 24.3 893217f2bb855e2983157299931e43ff
    EfficientNetV2B1 b1 28.5 0e80663031ca32d657f9caa404b6ec37
    EfficientNetV2B2 b2 35.9 1dfe2e7a5d45b6632553a8961ea609eb
    EfficientNetV2B3 b3 52.6 f6abf7b5849ac99a89b50dd3fd532856
    EfficientNetV2S s 82.4 af0682fb74e8c54910f2d4393339c070
    EfficientNetV2M m 214.2 1b8dc055df72dde80d614482840fe342
    EfficientNetV2L l 473.2 b0b66b5c863aef5b46e8608fe1711615
    """,
    FOLDER + "convnext/convnext_{}_notop.h5": """
    ConvNeXtTiny tiny 111.7 d547c096cabd03329d7be5562c5e14798aa39ed24b474157cef5e85ab9e49ef1
    ConvNeXtSmall small 198.6 6fc8009faa2f00c1c1dfce59feea9b0745eb260a7dd11bee65c8e20843da6eab
    ConvNeXtBase base 350.9 40a20c5548a5e9202f69735ecc06c990e6b7c9d2de39f0361e27baeb24cb7c45
    ConvNeXtLarge large 784.9 96f02b6f0753d4f543261bc9d09bed650f24dd6bc02ddde3066135b63d23a1cd
    ConvNeXtXLarge xlarge 1392.6 de3f8a54174130e0cecdc71583354753d557fcf1f4487331558e2a16ba0cfe05
    """,
    FOLDER + "nasnet/NASNet-{}-no-top.h5": """
    NASNetMobile mobile 20.0 1ed92395b5b598bdda52abe5c0dbfd63
    NASNetLarge large 343.6 d81d89dc07e6e56530c4e77faddd61b5
    """,
}
"""URLs, each with a line for each of its models: name, what stands for it in the URL, megabytes,
hash."""
_BY_INPUT = {
    "MobileNet": ("mobilenet/mobilenet_1_0_{}_tf_no_top.h5", 13.1, (128, 160, 192, 224)),
    "MobileNetV2": (
        "mobilenet_v2/mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_{}_no_top.h5",
        9.4,
        (96, 128, 160, 192, 224),
    ),
}
"""Models with a file for each input size: where in the folder, megabytes, the sizes in pixels."""


def _file(url: str, megabytes: float, digest: str, pixels: int | None = None) -> WeightsFile:
    name = url.rpartition("/")[2]
    algorithm = {0: "", 32: "md5:", 64: "sha256:"}[len(digest)]
    size = round(megabytes * 1e6)
    return WeightsFile(_CACHED_AS.get(name, name), url, size, algorithm + digest, pixels)


PUBLISHED: dict[str, tuple[WeightsFile, ...]] = {
    model: tuple(_file(FOLDER + url.format(pixels), size, "", pixels) for pixels in inputs)
    for model, (url, size, inputs) in _BY_INPUT.items()
} | {
    model: (_file(url.format(stem), float(megabytes), digest),)
    for url, lines in _FAMILIES.items()
    for model, stem, megabytes, digest in map(str.split, lines.strip().splitlines())
}
