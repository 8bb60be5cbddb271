"""Folders that are no classes: data sets as people download them, each as a tree on the disk."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from engine.common.progress import ignore_progress
from engine.datasets.image_folder import list_folder
from engine.datasets.loading import load_dataset
from engine.errors import InputError
from tests.support.data_sets import check_dataset, report_on


def plant(root: Path, tree: str) -> Path:
    """Files in folders: `cat dog:4 notes/a.txt`, four images each where no number says another.

    `train/{cat,dog}` stands for two folders.
    """
    for word in tree.split():
        place, _, count = word.partition(":")
        for folder in _spread(place.replace("~", " ")):
            path = root / folder
            if path.suffix in (".txt", ".xml", ".csv", ".pdf", ".tfrec"):
                path.parent.mkdir(parents=True, exist_ok=True)
                path.touch()
                continue
            path.mkdir(parents=True, exist_ok=True)
            for i in range(int(count or 4)):
                (path / f"{i}.jpg").touch()
    return root


def _spread(place: str) -> list[str]:
    head, brace, rest = place.partition("{")
    if not brace:
        return [place]
    names, _, tail = rest.partition("}")
    return [head + name + more for name in names.split(",") for more in _spread(tail)]


LEGITIMATE = {
    "classes": "{cat,dog}",
    "splits": "{train,test}/{cat,dog}",
    "three splits": "{train,valid,test}/{cat,dog}",
    "unzipped into a folder of its own name": "cat/cat dog/dog",
    "tiny-imagenet's images": "{n01443537,n01629819}/images",
    "splits with images": "{train,test}/{cat,dog}/images",
    "BreakHis": "benign/SOB/{adenosis,tubular_adenoma} malignant/SOB/{ductal,mucinous}",
    "breeds": "cat/{persian,siamese} dog/{beagle,pug}",
    "a class that is a split's word": "{train,car,plane}",
    "valid and invalid": "{valid,invalid}",
    "face masks": "{mask,no_mask}",
    "more face masks": "{with_mask,without_mask,mask_weared_incorrect}",
    "face masks by how": "with_mask/{mask,simple} without_mask/{simple,other}",
    "things": "{bullet_train,test_tube,photo_frame,label_maker,gas_mask}",
    "digits": "{0,1,2,3,4,5,6,7,8,9}",
    "EMNIST's letters": "{A,b,C}",
    "seg beside": "{Segmented,Mature}",
    "negatives": "{positive,negative}",
    "CIFAR as folders": "{train,test}/{airplane,automobile,truck}",
    "Caltech": "{BACKGROUND_Google,Faces,airplanes}",
    "UC Merced": "{agricultural,airplane,baseballdiamond}",
    "iNaturalist": "Aves/{a,b} Fungi/{c,d}",
    "left and right": "{left,right,down}",
    "real and fake": "{train,valid,test}/{real,fake}",
    "images of rooms": "{raw,cooked}",
}


@pytest.mark.parametrize("tree", LEGITIMATE.values(), ids=LEGITIMATE)
def test_classes_are_taken_without_a_word(tmp_path: Path, tree: str) -> None:
    assert list_folder(plant(tmp_path, tree)).warnings == ()


REJECTED = {
    # a copy of the whole inside of itself
    "cell images": (
        "{Parasitized,Uninfected} cell_images/{Parasitized,Uninfected}",
        ["classes Parasitized, Uninfected again in cell_images/", "give ROOT/cell_images alone"],
    ),
    "brain tumour": ("{yes,no} brain_tumor_dataset/{yes,no}", ["again in brain_tumor_dataset/"]),
    "a copy deep inside": (
        "{a,b,c} old/2020/data/{a,b,c}",
        ["classes a, b, c again in old/2020/data/", "move old/2020/data/ elsewhere"],
    ),
    "a copy in a class": ("{cat,dog} cat/{cat,dog}", ["cat, dog again in cat/"]),
    "PlantVillage twice": ("{Rust,Blight} PlantVillage/{Rust,Blight}", ["PlantVillage/"]),
    "a copy in a split": (
        "{train,test}/{cat,dog} train/more/{cat,dog}",
        ["ROOT/train: expected each class once", "ROOT/train/more"],
    ),
    # the same folders in several
    "parts": (
        "part1/{cat,dog} part2/{cat,dog}",
        [
            "part1/ and part2/ with the same folders in both (cat, dog)",
            "give ROOT/part1 alone",
            "merge them into cat/ and dog/",
            "where part1 and part2 are the classes, move their images up",
        ],
    ),
    "PlantVillage's versions": (
        "{color,grayscale,segmented}/{Apple,Grape,Peach}",
        ["color/ and grayscale/", "give ROOT/color alone"],
    ),
    "EuroSAT": ("{EuroSAT,EuroSATallBands}/{Forest,River,SeaLake}", ["give ROOT/EuroSAT alone"]),
    "patients": ("{10253,10254}/{0,1}", ["10253/ and 10254/"]),
    "Office-31": (
        "{amazon,dslr,webcam}/images/{bike,mug,pen}",
        ["amazon/ and dslr/", "give ROOT/amazon/images alone"],
    ),
    "gestures": ("{00,01,02}/{01_palm,02_l}", ["00/ and 01/"]),
    "splits inside of classes": (
        "{cat,dog}/{train,test}",
        ["cat/test, cat/train", "train/cat and test/cat"],
    ),
    "splits inside of one class": ("cat/{train,val} dog", ["cat/train, cat/val"]),
    "sets inside of classes": ("{A,B}/{train,test}", ["A/test, A/train"]),
    # masks and annotations
    "COVID-19 Radiography": (
        "{COVID,Normal}/{images,masks}",
        ["masks or annotations among them in COVID/masks, Normal/masks"],
    ),
    "masks in one class": ("cat cat/masks dog", ["cat/masks"]),
    "masks in a split": ("{train,test}/{cat,dog} train/cat/masks", ["ROOT/train:", "cat/masks"]),
    "images and masks": (
        "{images,masks}",
        ["images/ and what belongs to its images in masks", "sort the images of images/"],
    ),
    "pets": ("images annotations/trimaps", ["in annotations"]),
    "CUB": (
        "{images,segmentations}/{001.Albatross,002.Auklet} parts/a.txt",
        ["in segmentations", "give ROOT/images"],
    ),
    "VOC": (
        "{JPEGImages,SegmentationClass,SegmentationObject} Annotations/1.xml",
        ["JPEGImages/", "SegmentationClass, SegmentationObject, Annotations"],
    ),
    "Cityscapes": ("{images,gtFine}", ["gtFine"]),
    "ISIC": ("{train_images,train_masks}", ["train_masks"]),
    "YOLO": (
        "{train,valid}/images {train,valid}/labels/1.txt",
        ["ROOT/train: ", "in labels", "sort the images of images/"],
    ),
    "depth": ("{rgb,depth}", ["in depth"]),
    # splits under other names, or flat
    "dogs and cats": (
        "training_set/training_set/{cats,dogs} test_set/test_set/{cats,dogs}",
        ["found test_set, training_set, splits by their names", "name them train and test"],
    ),
    "Intel": (
        "seg_train/seg_train/{sea,street} seg_test/seg_test/{sea,street} seg_pred/seg_pred",
        ["seg_pred, seg_test, seg_train"],
    ),
    "dogs-vs-cats": ("train test1", ["test1, train"]),
    "COCO": ("train2017 val2017 annotations/a.xml", ["train2017, val2017"]),
    "ASL": (
        "asl_alphabet_train/asl_alphabet_train/{A,B} asl_alphabet_test/asl_alphabet_test",
        ["asl_alphabet_test, asl_alphabet_train"],
    ),
    "CycleGAN": ("{trainA,trainB,testA,testB}", ["testA, trainA"]),
    "cassava": ("{train_images,test_images} train_tfrecords/1.tfrec", ["test_images, train_im"]),
    "galaxies": ("Images_{Training,Test}_rev1", ["Images_Test_rev1, Images_Training_rev1"]),
    "spaces": ("{Training~Data,Testing~Data}/{a,b}", ["Testing Data, Training Data"]),
    "trainset": ("{trainset,testset}/{a,b}", ["testset, trainset"]),
    "hold-out": ("{train_data,hold-out}/{a,b}", ["hold-out, train_data"]),
    "dev": ("{dev,eval}/{a,b}", ["dev, eval"]),
    "validation and test, flat": ("{valid,test}", ["test, valid"]),
    "masks beside each class": (
        "{cat,cat_mask,dog,dog_mask}",
        ["masks or annotations among them in cat_mask, dog_mask"],
    ),
    "three sites": ("{amazon,webcam}/{bike,mug,pen}", ["amazon/ and webcam/ with the same"]),
    "a whole data set beside another": (
        "set/{train,val}/{cat,dog} other",
        ["train/ and test/ of a whole data set, set/train, set/val; give ROOT/set"],
    ),
    # a folder around all
    "a wrapper": (
        "PetImages/{Cat,Dog}",
        ["one folder only, PetImages/, with the folders Cat, Dog in it; give ROOT/PetImages"],
    ),
    "a wrapper of splits": ("archive/{train,test}/{a,b}", ["give ROOT/archive"]),
    "several wrappers": (
        "fruits/fruits-360/{Training,Test}/{a,b}",
        ["give ROOT/fruits/fruits-360"],
    ),
    "a wrapper beside what the Mac leaves": ("x/{a,b} __MACOSX/x", ["give ROOT/x"]),
    "a wrapper beside documents": ("data/{a,b} docs/1.pdf", ["give ROOT/data"]),
    "Stanford Dogs": ("Images/{n02085620-a,b} Annotation/a/b.txt", ["give ROOT/Images"]),
    "Caltech 101": ("101_ObjectCategories/{a,b} Annotations/a.txt", ["ROOT/101_ObjectCategories"]),
    "a wrapper in each split": (
        "train/train/{a,b} test/test/{a,b}",
        ["ROOT/train: ", "move them up into ROOT/train"],
    ),
    "a wrapper in the test split": ("train/{a,b} test/test/{a,b}", ["up into ROOT/test"]),
    "all images in one": ("jpg", ["one class only, 'jpg'", "sort its images into a folder for"]),
    "a class itself": (".", ["4 loose images", "give the folder above"]),
}


@pytest.mark.parametrize(("tree", "words"), REJECTED.values(), ids=REJECTED)
def test_what_is_no_class_is_rejected_by_name(tmp_path: Path, tree: str, words: list[str]) -> None:
    root = plant(tmp_path, tree)
    with pytest.raises(InputError) as caught:
        check_dataset(str(root), None)
    line = str(caught.value)
    assert "\n" not in line
    for each in words:
        assert each.replace("ROOT", str(root)) in line
    with pytest.raises(InputError):
        report_on(str(root))


WARNED = {
    "named like one sibling": (
        "{cat,dog} cat/dog",
        "cat/dog/ is named like the class dog: its images count as cat",
    ),
    "shared beside loose images": (
        "{cat,dog} {cat,dog}/{old,young}",
        "cat/ and dog/ both hold folders named old, young",
    ),
    "KTH-TIPS2": (
        "{cork,wool}/sample_{a,b}",
        "cork/ and wool/ both hold folders named sample_a, sample_b: their images count as cork",
    ),
    "day and night": (
        "{cat,dog}/{day,night}",
        "if these folders are the classes, give ROOT/cat alone, or merge them",
    ),
    "two plants, two states": ("{healthy,sick}/{tomato,potato}", "count as healthy and sick"),
    "numbers of classes": ("{0,1}/{s1,s2}", "their images count as 0 and 1"),
    "a label that is a class": ("{button,image,label,text}", "label/ is taken for a class"),
    "years": ("{cork,wool}/{2019,2020}", "their images count as cork and wool"),
    "masks as a class": ("{cat,dog,masks}", "masks/ is taken for a class: move it elsewhere if"),
    "unlabelled": ("{cat,dog,unlabeled}", "unlabeled/ is taken for a class"),
    "unsup in a split": ("train/{cat,dog,unsup} test/{cat,dog}", "unsup/ is taken for a class"),
    "pred": ("{cat,dog,pred}", "pred/ is taken for a class"),
    "thumbnails": ("{cat,dog,thumbnails}", "thumbnails/ is taken for a class"),
    "HAM10000": (
        "{HAM10000_images_part_1,HAM10000_images_part_2}",
        "HAM10000_images_part_1, HAM10000_images_part_2 are taken for classes",
    ),
    "NIH": ("{images_001,images_002}/images", "images_001, images_002 are taken for classes"),
    "images beside samples": ("images/{cat,dog} samples", "images/ is taken for one class"),
    "a copy beside the splits": (
        "{train,test}/{cat,dog} chest_xray/{train,test}/{cat,dog}",
        "chest_xray/ is neither train/ nor test/: left alone",
    ),
    "Fruits 360": (
        "{Training,Test}/{a,b} test-multiple_fruits",
        "test-multiple_fruits/ is neither train/ nor test/: left alone",
    ),
    "tiny-imagenet": (
        "train/{n1,n2}/images {val,test}/images val/val_annotations.txt",
        "val/ has no folder for each class: left alone",
    ),
    "thumbnails of a server": ("{cat,dog} @eaDir/1.jpg cat/@eaDir/2.jpg", "@eaDir (2)"),
}


@pytest.mark.parametrize(("tree", "words"), WARNED.values(), ids=WARNED)
def test_what_may_be_a_class_is_told_by_name(tmp_path: Path, tree: str, words: str) -> None:
    listing = list_folder(plant(tmp_path, tree))
    assert any(words.replace("ROOT", str(tmp_path)) in line for line in listing.warnings)


def test_masks_as_files_beside_their_images_are_told(tmp_path: Path) -> None:
    plant(tmp_path, "{benign,malignant}")
    for i in range(3):
        (tmp_path / "benign" / f"{i}_mask.png").touch()
    (tmp_path / "malignant" / "black_mask.jpg").touch()
    (warning,) = list_folder(tmp_path).warnings
    assert "benign/: 3 images are named like masks of others beside them, as 0_mask.png" in warning


def test_folders_inside_of_classes_are_counted(tmp_path: Path) -> None:
    listing = list_folder(plant(tmp_path, LEGITIMATE["breeds"]))
    assert "folders inside of classes, whose images count as their class: 4" in listing.notes


def test_a_thousand_classes_with_folders_in_them_take_no_time(tmp_path: Path) -> None:
    for i in range(1_000):
        plant(tmp_path, f"c{i}/{{a{i},b{i}}}:2")
    assert len(list_folder(tmp_path).class_names) == 1_000


def test_a_run_that_has_begun_takes_its_folder_as_it_did(tmp_path: Path) -> None:
    for name in ("sick", "well", "cells/sick", "cells/well"):
        (tmp_path / name).mkdir(parents=True)
        for i in range(5):
            Image.new("RGB", (8, 8), (i, 0, 0)).save(tmp_path / name / f"{i}.png")
    with pytest.raises(InputError, match="expected each class once"):
        load_dataset(str(tmp_path), None, ignore_progress)
    begun = load_dataset(str(tmp_path), None, ignore_progress, image_size=8, has_begun=True)
    assert begun.class_names == ("cells", "sick", "well")
