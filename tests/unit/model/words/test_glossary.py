"""One glossary for screens, commands and docs."""

from __future__ import annotations

import pytest

from drdeck.model.domains import MODE_LABELS, Mode
from drdeck.model.words.glossary import GLOSSARY, lookup, page
from tests.support import ROOT


def test_the_page_of_the_docs_is_the_same_list() -> None:
    assert (ROOT / "docs" / "words.md").read_text("utf-8").splitlines() == list(page()), (
        "write docs/words.md anew from drdeck.model.words.glossary.page()"
    )


@pytest.mark.parametrize("mode", [mode for mode in Mode if mode is not Mode.UNKNOWN])
def test_each_mode_is_explained_by_its_label(mode: Mode) -> None:
    entry = lookup(MODE_LABELS[mode]) if mode is not Mode.PITR_SESSION else lookup("pitr_session")
    assert entry is not None


@pytest.mark.parametrize(
    ("typed", "word"),
    [("pitr", "PITR"), ("SESSION", "PITR session"), ("last good", "abnormal writing"), ("op", None)],
)
def test_a_word_is_met_in_any_form_and_case(typed: str, word: str | None) -> None:
    entry = lookup(typed)
    assert (entry.word if entry else None) == word


def test_a_form_belongs_to_one_word_and_leads_to_words_that_there_are() -> None:
    words = [entry.word.casefold() for entry in GLOSSARY]
    forms = [form.casefold() for entry in GLOSSARY for form in entry.also]
    assert len(set(words)) == len(words) and len(set(forms)) == len(forms)
    assert all(lookup(see) is not None for entry in GLOSSARY for see in entry.see)
    assert all(entry.meaning.endswith((".", ")")) for entry in GLOSSARY)
