"""Any number of VMs fits the record of a domain (register F5)."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drdeck.sites.vsphere.record.attribute_names import MAX_VALUE, SKIPPED
from drdeck.sites.vsphere.record.attributes import BrokenRecord, read, write_many
from drdeck.sites.vsphere.record.packed_ids import pack, unpack

NUMBERS = st.sets(st.integers(1, 10**9), min_size=1, max_size=300)


@given(NUMBERS)
def test_what_was_packed_is_unpacked(numbers: set[int]) -> None:
    ids = [f"vm-{number}" for number in numbers]
    text = pack(ids)
    assert text is not None and set(unpack(text)) == set(ids)


@pytest.mark.parametrize("ids", [["vm-1", "group-2"], ["vm-x"], ["vm-01"], [""]])
def test_what_has_no_common_form_is_not_packed(ids: list[str]) -> None:
    assert pack(ids) is None


@pytest.mark.parametrize("many", [1, 250, 10_000])
def test_ten_thousand_with_ids_of_seven_digits_fit(many: int) -> None:
    chance = random.Random(7)
    ids = tuple(f"vm-{n}" for n in sorted(chance.sample(range(1_000_000, 10_000_000), many)))
    attributes = write_many(SKIPPED, ids)
    assert all(len(value) <= MAX_VALUE for value in attributes.values())
    assert read({name: value for name, value in attributes.items() if value}).skipped == ids


@pytest.mark.parametrize("text", ["~vm-:", "~vm-:AAAA", "~", "~vm-:eJwz", "~vm-:!!"])
def test_nonsense_is_refused_with_the_attribute(text: str) -> None:
    with pytest.raises(BrokenRecord, match=r"drdeck\.skipped"):
        read({SKIPPED: text})
