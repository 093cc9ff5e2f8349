"""Names of replicas, by rule and by table, and back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drdeck.config.settings import DomainSettings


@pytest.mark.parametrize(
    ("rule", "replica", "protected"),
    [
        ("{name}", "db01", "db01"),
        ("{name}_replica", "db01_replica", "db01"),
        ("dr-{name}", "dr-db01", "db01"),
        ("dr-{name}-x", "dr-x", "dr-x"),
        ("{name}_replica", "db01", "db01"),
        ("{name}_replica", "_replica", "_replica"),
        ("{name}_replica", "db02-dr", "db02"),
    ],
)
def test_protected_name(rule: str, replica: str, protected: str) -> None:
    settings = DomainSettings(replica_name=rule, replicas={"db02": "db02-dr"})
    assert settings.protected_name_of(replica) == protected


@given(st.text(min_size=1), st.sampled_from(["{name}", "{name}_replica", "dr-{name}", "a{name}a"]))
def test_there_and_back(name: str, rule: str) -> None:
    settings = DomainSettings(replica_name=rule)
    assert settings.protected_name_of(settings.replica_of(name)) == name
