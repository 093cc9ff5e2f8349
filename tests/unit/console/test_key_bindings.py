"""Keys in the settings: what can be had is read, what cannot is refused with place and remedy."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drdeck.config.key_names import FIXED, effective, wrong
from drdeck.config.settings import SettingsError
from drdeck.config.settings_file import parse
from drdeck.console.key_bindings import help_rows, normal, shown_key
from drdeck.model.actions.action_table import ACTIONS

FILE = Path("settings.toml")


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ('sort = "m"', "'m' is the key of \"more\" already; give one of them another key"),
        ('sort = "/"', "'/' is the key of \"filter\" already"),
        ('sort = "slash"', 'is the key of "filter" already'),
        ('palette = "o,s"', "'o,s' is the key of \"sort\" already"),
        ('srot = "o"', "is no action; known here: add_site, alarms"),
        ('open = "o"', "keeps its key"),
        ('back = "b"', "keeps its key"),
        ('sort = "j"', "is kept for lists, dialogs or the coach"),
        ('sort = "-"', "is kept for lists, dialogs or the coach"),
        ('sort = "ctrl+i"', "is kept for lists, dialogs or the coach"),
        ('sort = "7"', "is kept for lists, dialogs or the coach"),
        ('sort = "hyper+x"', "is no key; right would be a character, f1 to f24"),
        ('sort = ""', "is no key"),
        ('sort = " "', "is no key"),
        ("sort = 3", "right would be a table such as"),
    ],
)
def test_refused(line: str, says: str) -> None:
    with pytest.raises(SettingsError) as refused:
        parse(f'[console]\ntheme = "dark"\n[console.keys]\n{line}\n', FILE)
    assert says in str(refused.value)
    assert str(refused.value).startswith("settings.toml, line ")


def test_the_line_is_known_also_where_all_keys_stand_in_it() -> None:
    with pytest.raises(SettingsError, match=r"line 2: console\.keys\.sort"):
        parse('[console]\nkeys = { sort = "m" }\n', FILE)


@pytest.mark.parametrize(
    "keys",
    [
        {"sort": "o"},
        {"sort": "m", "more": "s"},
        {"pitr_exit": "x", "pitr_run": "v"},
        {"palette": "colon,ctrl+o"},
        {"more": ","},
    ],
)
def test_taken(keys: dict[str, str]) -> None:
    text = "[console.keys]\n" + "".join(f'{name} = "{key}"\n' for name, key in keys.items())
    assert parse(text, FILE).console.keys == keys


def test_no_default_clashes() -> None:
    assert wrong({}) is None


@given(
    st.dictionaries(
        st.sampled_from([action.name for action in ACTIONS]), st.text("abdfxyD!?/:,", min_size=1, max_size=3)
    )
)
def test_what_is_taken_gives_each_key_to_one_action(keys: dict[str, str]) -> None:
    if wrong(keys) is None:
        bound = [key for found in effective(keys).values() for key in set(found)]
        assert len(bound) == len(set(bound))
        assert not FIXED & set(keys)


def test_keys_are_shown_as_they_are_typed() -> None:
    keys = normal({"more": "!", "sort": "f4", "filter": "+", "log": ","})
    assert [shown_key(name, keys) for name in ("more", "sort", "filter", "log", "help")] == [
        "!", "f4", "+", ",", "?",
    ]  # fmt: skip
    assert ("!", "More", "the domain's More menu") in help_rows("domain", keys)
    assert not [row for row in help_rows("domain", keys) if row[1] in ("Sort", "Filter")]
