"""Folders of classes: which of them are read, and which are left alone by name."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from engine.datasets.image_folder import Listing, list_folder
from engine.errors import InputError


def make(root: Path, **counts: int) -> Path:
    """A folder of classes with so many files each; `a__b` lies deeper."""
    for name, count in counts.items():
        folder = root / name.replace("__", "/")
        folder.mkdir(parents=True, exist_ok=True)
        for i in range(count):
            (folder / f"{i:02}.jpg").touch()
    return root


def counts(listing: Listing) -> dict[str, int]:
    return Counter(listing.class_names[label] for _, label in (*listing.train, *listing.test))


def files(listing: Listing) -> set[str]:
    return {str(file.relative_to(listing.path)) for file, _ in (*listing.train, *listing.test)}


def told(listing: Listing) -> str:
    return "\n".join((*listing.notes, *listing.warnings))


def link(path: Path, to: str | Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(to, target_is_directory=True)


def test_linked_folders_inside_a_class_are_followed(tmp_path: Path) -> None:
    root = make(tmp_path / "pets", cat=10, dog=10)
    link(root / "cat" / "more", make(tmp_path / "disk", one=60, one__deeper=5) / "one")
    link(root / "bird", make(tmp_path / "other", birds=7) / "birds")
    listing = list_folder(root)
    assert counts(listing) == {"bird": 7, "cat": 75, "dog": 10}
    assert "cat/more/deeper/04.jpg" in files(listing)
    assert "linked folders followed: 1" in listing.notes
    assert listing.warnings == ()


def test_a_class_of_linked_folders_alone_is_one(tmp_path: Path) -> None:
    disk = make(tmp_path / "disk", a=8, b=8, c=4, d=4)
    for name in "ab":
        link(tmp_path / "pets" / "train" / name / "link", disk / name)
    for name in "cd":
        link(tmp_path / "pets" / "test" / {"c": "a", "d": "b"}[name] / "link", disk / name)
    listing = list_folder(tmp_path / "pets")
    assert (len(listing.train), len(listing.test)) == (16, 8)


def test_loops_are_caught_and_named(tmp_path: Path) -> None:
    root = make(tmp_path / "pets", cat=5, cat__a=5, cat__b=5, dog=5)
    link(root / "cat" / "self", "self")
    link(root / "cat" / "here", ".")
    link(root / "cat" / "a" / "to-b", "../b")
    link(root / "cat" / "b" / "to-a", "../a")
    link(root / "dog" / "one", "two")
    link(root / "dog" / "two", "one")
    listing = list_folder(root)
    assert counts(listing) == {"cat": 15, "dog": 5}
    left, broken = listing.warnings
    for words in ("cat/here to cat", "cat/a/to-b to cat/b", "cat/b/to-a to cat/a"):
        assert words in left
    assert broken == "links that lead nowhere: cat/self, dog/one, dog/two"


def test_a_link_takes_no_other_class_in_and_does_not_lead_up(tmp_path: Path) -> None:
    root = make(tmp_path / "pets", cat=5, dog=5, dog__small=5)
    link(root / "cat" / "all", "..")
    link(root / "cat" / "top", "/")
    link(root / "cat" / "small", "../dog/small")
    link(root / "every", ".")
    listing = list_folder(root)
    assert counts(listing) == {"cat": 5, "dog": 10}
    (left,) = listing.warnings
    assert left.startswith("folders left alone that lead up, or to images counted already: ")
    for words in (f"every to {root}", f"cat/all to {root}", "cat/top to /", "cat/small to dog/sm"):
        assert words in left


def test_two_links_to_one_folder_count_once(tmp_path: Path) -> None:
    disk = make(tmp_path / "disk", x=6, x__y=3)
    root = make(tmp_path / "pets", cat=5, dog=5)
    link(root / "cat" / "1", disk)
    link(root / "cat" / "2", disk / "x")
    link(root / "dog" / "3", disk / "x" / "y")
    listing = list_folder(root)
    assert counts(listing) == {"cat": 14, "dog": 5}
    assert "cat/2 to cat/1/x, dog/3 to cat/1/x/y" in told(listing)


def test_a_link_never_takes_the_place_of_the_real_folder(tmp_path: Path) -> None:
    root = make(tmp_path / "pets", cat__real=9, dog=5)
    before = list_folder(root)
    link(root / "cat" / "a-link", "real")
    after = list_folder(root)
    assert (after.train, after.test) == (before.train, before.test)


@pytest.mark.parametrize(
    ("name", "to", "other"),
    [("dog2", "dog", "dog"), ("cat", "dog", "cat"), ("test/cat", "../train/cat", "train/cat")],
)
def test_one_folder_for_two_classes_or_splits_is_rejected(
    tmp_path: Path, name: str, to: str, other: str
) -> None:
    root = make(tmp_path, train__cat=5, train__dog=5) if "/" in name else make(tmp_path, dog=5)
    link(root / name, to)
    with pytest.raises(InputError, match="expected a folder of its own for each class") as caught:
        list_folder(root)
    assert other in str(caught.value)


def test_links_that_lead_nowhere_are_named(tmp_path: Path) -> None:
    root = make(tmp_path, cat=5, dog=5)
    link(root / "bird", tmp_path / "gone")
    link(root / "cat" / "more", tmp_path / "gone" / "more")
    link(root / "cat" / "99.jpg", tmp_path / "gone.jpg")
    listing = list_folder(root)
    assert listing.warnings == ("links that lead nowhere: bird, cat/more",)
    # which is read, cannot be, and is named then
    assert counts(listing)["cat"] == 6


def test_folders_of_a_system_are_never_read(tmp_path: Path) -> None:
    root = make(tmp_path, cat=5, dog=5)
    for place in (
        "@eaDir/x.jpg",
        "cat/@eaDir/1.jpg",
        "dog/@eaDir/1.jpg",
        "#recycle",
        "$RECYCLE.BIN",
    ):
        make(root / place, **{"": 2})
    (root / "__MACOSX").mkdir()
    (root / "__MACOSX" / "._cat.jpg").touch()
    make(root, **{"System Volume Information": 1, "lost+found": 0})
    listing = list_folder(root)
    assert counts(listing) == {"cat": 5, "dog": 5}
    assert listing.warnings == (
        "images in a system's own folders left alone: "
        "#recycle (1), $RECYCLE.BIN (1), @eaDir (3), System Volume Information (1)",
    )


def test_a_trash_folder_that_may_not_be_read_is_no_matter(unprivileged: Path) -> None:
    root = make(unprivileged, cat=5, dog=5, **{"lost+found": 1})
    (root / "lost+found").chmod(0)
    assert list_folder(root).warnings == ()
    (root / "lost+found").chmod(0o700)


def test_files_of_a_folder_come_before_those_of_deeper_ones(tmp_path: Path) -> None:
    root = make(tmp_path, train__b__z=2, train__b=2, train__b__a=2, train__c=3, test__b=2)
    make(root, test__b__a=1, test__c=1)
    found = [str(file.relative_to(root / "test")) for file, _ in list_folder(root).test]
    assert found == ["b/00.jpg", "b/01.jpg", "b/a/00.jpg", "c/00.jpg"]
