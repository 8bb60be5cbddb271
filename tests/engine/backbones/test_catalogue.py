"""The catalogue against Keras itself: its constructors, its sources, the networks it builds."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from pkgutil import resolve_name
from typing import Any

import pytest
from catalogue_figures import figures_in_table, measure_figures

from engine.backbones.catalogue import CATALOGUE, find_backbone
from engine.backbones.entry import Backbone
from engine.errors import InputError
from engine.weights.locate import choose_file

KERAS_ENTRIES = [entry for entry in CATALOGUE if not entry.builder]
BUILT_QUICKLY = ("EfficientNetLite0", "CustomCNN", "MobileNetV2", "ConvNeXtTiny")


@pytest.fixture(scope="module")
def keras_sources() -> dict[str, str]:
    """The text of each module of Keras' applications, strings on several lines joined."""
    from keras.src import applications

    folder = Path(applications.__path__[0])
    return {
        path.stem: re.sub(r'"\s*\n\s*f?"', "", path.read_text()) for path in folder.glob("*.py")
    }


@pytest.fixture
def fetched_by_keras(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, int], dict[str, Any]]:
    """Asks Keras for a model with ImageNet weights and stops it where it would fetch them."""
    import keras
    from keras.src.utils import file_utils

    class Fetching(Exception):
        pass

    def stop(file: str, url: str, cache_subdir: str, file_hash: str | None = None) -> None:
        raise Fetching({"file": file, "url": url, "hash": file_hash or "", "folder": cache_subdir})

    def ask(name: str, size: int) -> dict[str, Any]:
        constructor = getattr(keras.applications, name)
        with pytest.raises(Fetching) as stopped:
            constructor(include_top=False, weights="imagenet", input_shape=(size, size, 3))
        fetching: dict[str, Any] = stopped.value.args[0]
        return fetching

    monkeypatch.setattr(file_utils, "get_file", stop)
    return ask


def test_every_constructor_of_keras_is_an_entry() -> None:
    import keras

    constructors = {name for name in dir(keras.applications) if name[0].isupper()}
    assert {entry.name for entry in KERAS_ENTRIES} == constructors
    for entry in KERAS_ENTRIES:
        assert callable(getattr(keras.applications, entry.module).preprocess_input)


@pytest.mark.parametrize("entry", KERAS_ENTRIES, ids=lambda entry: entry.name)
def test_the_paper_of_a_family_is_one_that_keras_names(
    entry: Backbone, keras_sources: dict[str, str]
) -> None:
    assert entry.family is not None
    named = re.findall(r"arxiv\.org/(?:abs|pdf)/(\d+\.\d+)", keras_sources[entry.module])
    assert entry.family.arxiv in named
    assert f"{entry.family.year}"[2:] == entry.family.arxiv[:2]


def test_every_family_is_told_in_whole_sentences() -> None:
    for entry in CATALOGUE:
        family = entry.family
        assert family is not None, entry.name
        assert family.idea[0].isupper(), family.name
        assert family.idea.endswith("."), family.name
        assert not family.built.endswith("."), family.name
        assert (family.year is None) == (not family.paper), family.name


def test_names_are_unique_in_any_case() -> None:
    assert len({entry.name.lower() for entry in CATALOGUE}) == len(CATALOGUE)


@pytest.mark.parametrize("entry", KERAS_ENTRIES, ids=lambda entry: entry.name)
def test_an_entry_agrees_with_the_sources_of_keras(
    entry: Backbone, keras_sources: dict[str, str]
) -> None:
    module = "resnet" if entry.module == "resnet_v2" else entry.module
    source = keras_sources[module]
    least = entry.min_image_size
    assert f"min_size={least}," in source or f"at least {least}x{least}" in source
    assert entry.image_size >= least
    for file in entry.weights:
        kind, _, digest = file.hash.partition(":")
        assert len(digest) == {"md5": 32, "sha256": 64, "": 0}[kind]
        assert digest in source
        assert file.url.rpartition("/")[0] + "/" in source
        # The one module without hashes must not have got any since.
        assert digest or "file_hash" not in source
        # Weights are float32; the rest of the file is names and padding, most in NASNetMobile.
        assert 4 * entry.parameters <= file.bytes * 1.01 < 5 * entry.parameters


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("MobileNet", 128),
        ("MobileNetV2", 100),
        ("VGG16", 64),
        ("EfficientNetB0", 96),
        ("ConvNeXtTiny", 96),
    ],
)
@pytest.mark.filterwarnings("ignore:`input_shape` is undefined:UserWarning")
def test_the_file_is_the_one_that_keras_fetches(
    name: str, size: int, fetched_by_keras: Callable[[str, int], dict[str, Any]]
) -> None:
    file = choose_file(find_backbone(name), size)
    assert file is not None
    digest = file.hash.partition(":")[2]
    expected = {"file": file.file, "url": file.url, "hash": digest, "folder": "models"}
    assert fetched_by_keras(name, size) == expected


@pytest.mark.parametrize("name", ["NASNetMobile", "NASNetLarge"])
def test_nasnet_is_kept_under_another_name_than_published(
    name: str, keras_sources: dict[str, str]
) -> None:
    (file,) = find_backbone(name).weights
    published = file.url.rpartition("/")[2]
    assert published != file.file
    # It takes seconds to build: its names are looked up instead.
    assert f"{{BASE_WEIGHTS_PATH}}{published}" in keras_sources["nasnet"]
    assert f'"{file.file}"' in keras_sources["nasnet"]


@pytest.mark.parametrize("name", BUILT_QUICKLY)
def test_sizes_are_those_of_the_network(name: str) -> None:
    entry = find_backbone(name)
    assert measure_figures(entry) == figures_in_table(entry)


@pytest.mark.slow("that no figure of the catalogue was typed by hand, for all its networks")
@pytest.mark.parametrize(
    "name", [entry.name for entry in CATALOGUE if entry.name not in BUILT_QUICKLY]
)
def test_sizes_are_those_of_every_network(name: str) -> None:
    entry = find_backbone(name)
    assert measure_figures(entry) == figures_in_table(entry)


def test_every_name_in_a_row_is_that_of_a_function() -> None:
    rows = [entry for entry in CATALOGUE if entry.builder]
    named = [(e.builder, e.preprocessing, e.weights_loader) for e in rows]
    for name in (name for names in named for name in names if name):
        assert callable(resolve_name(name)), name
    for entry in CATALOGUE:
        assert bool(entry.builder) != bool(entry.module), entry.name


def test_a_file_that_keras_does_not_read_is_known_by_its_hash() -> None:
    """It cannot be opened to see whether a download is whole."""
    for entry in CATALOGUE:
        assert not entry.weights_loader or all(file.hash for file in entry.weights), entry.name


def test_every_backbone_with_published_weights_says_what_they_expect() -> None:
    for entry in CATALOGUE:
        assert (entry.expects is None) == entry.from_scratch, entry.name
        assert entry.from_scratch == (not entry.weights and entry.packaged is None), entry.name


def test_the_baseline_starts_from_scratch() -> None:
    assert find_backbone("CustomCNN").from_scratch


def test_traits_are_what_planning_asks_for() -> None:
    traits = find_backbone("InceptionV3")
    assert (traits.image_size, traits.min_image_size, traits.from_scratch) == (128, 75, False)


@pytest.mark.parametrize("name", ["MobileNetV2", "mobilenetv2", "MOBILENETV2", " MobileNetV2 "])
def test_a_model_is_found_in_any_case(name: str) -> None:
    assert find_backbone(name).name == "MobileNetV2"


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("Resnet50v3", "ResNet50V2"),
        ("efficientnet-b0", "EfficientNetB0"),
        ("lite0", None),
        ("", None),
    ],
)
def test_an_unknown_model_names_the_nearest(name: str, meant: str | None) -> None:
    with pytest.raises(InputError) as refused:
        find_backbone(name)
    message = str(refused.value)
    assert repr(name) in message
    assert "`cifar-tui models`" in message
    assert (f"did you mean {meant}?" in message) if meant else ("did you mean" not in message)


def test_the_catalogue_loads_without_keras_or_numpy() -> None:
    code = (
        "import sys, engine.backbones, engine.weights\n"
        "print([n for n in ('keras', 'tensorflow', 'numpy', 'h5py') if n in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
