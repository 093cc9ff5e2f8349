"""Texts as people read them."""

from __future__ import annotations

import pytest

from drdeck.model.text import some


@pytest.mark.parametrize(
    ("texts", "sentence"),
    [("", ""), ("a", "a"), ("abc", "a, b, c"), ("abcd", "a, b, c, d"), ("abcde", "a, b, c and 2 more")],
)
def test_one_more_is_named_in_place_of_being_counted(texts: str, sentence: str) -> None:
    assert some(list(texts)) == sentence
