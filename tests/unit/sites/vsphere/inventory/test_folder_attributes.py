"""Readings of folders' attributes that overlap, and writings that need none."""

from __future__ import annotations

from drdeck.sites.vsphere.inventory.folder_attributes import FolderAttributes

NAMES = {1: "mode", 2: "lease"}


def read() -> FolderAttributes:
    """Attributes of two folders, both read."""
    attributes = FolderAttributes()
    with attributes.reading() as reading:
        assert attributes.take(reading, NAMES, {"erp": {1: "one"}, "mail": {1: "one"}})
    return attributes


def test_of_two_readings_the_one_that_began_later_counts() -> None:
    attributes = read()
    with attributes.reading() as slow:
        with attributes.reading(["erp"]) as quick:
            attributes.take(quick, NAMES, {"erp": {1: "three"}})
        attributes.take(slow, NAMES, {"erp": {1: "two"}, "mail": {1: "two"}})
    assert attributes.by_folder == {"erp": {"mode": "three"}, "mail": {"mode": "two"}}


def test_a_folder_that_is_not_told_of_has_none() -> None:
    attributes = read()
    with attributes.reading(["erp"]) as reading:
        attributes.take(reading, {}, {})
    assert attributes.by_folder == {"erp": {}, "mail": {"mode": "one"}}


def test_a_value_without_a_name_has_all_read_anew() -> None:
    attributes = read()
    with attributes.reading(["erp"]) as reading:
        assert not attributes.take(reading, {}, {"erp": {3: "new"}})
    assert attributes.by_folder["erp"] == {"mode": "one"}


def test_what_was_written_counts_as_read() -> None:
    attributes = read()
    assert attributes.wrote(attributes.mark(), "erp", {"lease": "mine", "mode": ""})
    assert attributes.by_folder == {"erp": {"lease": "mine"}, "mail": {"mode": "one"}}
    with attributes.reading(["mail"]):
        assert attributes.wrote(attributes.mark(), "erp", {"mode": "two"}), "that of another folder"


def test_beside_a_reading_it_is_read_instead() -> None:
    """Nobody can tell which of the two vCenter did first, nor what others wrote."""
    attributes = read()
    mark = attributes.mark()
    with attributes.reading(["erp"]) as reading:
        assert not attributes.wrote(mark, "erp", {"mode": "two"}), "one is under way"
        attributes.take(reading, {}, {"erp": {1: "of another"}})
    assert not attributes.wrote(mark, "erp", {"mode": "two"}), "one has ended since"
    with attributes.reading():
        assert not attributes.wrote(attributes.mark(), "erp", {"mode": "two"})
    assert attributes.by_folder["erp"] == {"mode": "of another"}


def test_a_reading_from_before_a_writing_does_not_take_it_back() -> None:
    attributes = read()
    with attributes.reading(["mail"]) as reading:
        late = reading
    assert attributes.wrote(attributes.mark(), "mail", {"mode": "two"})
    attributes.take(late, {}, {"mail": {1: "one"}})
    assert attributes.by_folder["mail"] == {"mode": "two"}
