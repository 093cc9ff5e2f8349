"""Findings about hosts' clocks, as a table."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest
from pyVmomi import vim, vmodl

from drdeck.model.alarms import Finding
from drdeck.sites.vsphere.doctor.host_clocks import MOST_HOSTS, findings_of, host_clocks
from drdeck.sites.vsphere.vcenter.connection import Connection
from tests.support.vcenter.domain_states import T0, vm


@pytest.mark.parametrize(
    ("ahead_s", "silent", "total", "level", "texts"),
    [
        ({"a": 0.2, "b": -1.25}, {}, 2, "ok", ["2 within 1.2 s of vCenter's"]),
        ({"a": 5.0}, {}, MOST_HOSTS + 9, "ok", [f"1 within 5.0 s of vCenter's ({MOST_HOSTS + 9} there are)"]),
        ({"a": 5.1, "b": 0.0}, {}, 2, "warn", ["the clock of host a is 5 s ahead of vCenter's"]),
        (
            {"a": -3600.0, "b": 90.0},
            {},
            2,
            "warn",
            ["host a is 3,600 s behind vCenter's", "host b is 90 s ahead of vCenter's"],
        ),
        (
            {"a": 0.0},
            {"b": "No permission", "c": "No permission"},
            3,
            "warn",
            ["not told by b, c: No permiss"],
        ),
    ],
)
def test_each_clock_that_is_far_off_or_not_told_is_named(
    ahead_s: dict[str, float], silent: dict[str, str], total: int, level: str, texts: list[str]
) -> None:
    findings = findings_of(ahead_s, silent, total)
    assert {finding.level for finding in findings} == {level}
    for finding, text in zip(findings, texts, strict=True):
        assert text in finding.text


class Hosts:
    """Hosts of a vCenter, each with what its clock answers; vCenter's own goes on by 2 s a look."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, **answers: Any) -> None:
        self.answers, self.looks, self.reads = answers, 0, 0
        monkeypatch.setattr(sys.modules[host_clocks.__module__], "filter_spec", lambda hosts, *_, **__: hosts)
        monkeypatch.setattr(
            sys.modules[host_clocks.__module__], "retrieve", lambda _, hosts: map(self._content, hosts)
        )

    def _content(self, host: Any) -> Any:
        self.reads += 1
        name = host._moId
        props = [SimpleNamespace(name="name", val=name)]
        if self.answers.get(name, T0) is not None:
            clock = SimpleNamespace(QueryDateTime=lambda: self._answer(name))
            props.append(SimpleNamespace(name="configManager.dateTimeSystem", val=clock))
        return SimpleNamespace(obj=host, propSet=props)

    def _answer(self, name: str) -> datetime:
        answer = self.answers.get(name, T0)
        if isinstance(answer, Exception):
            raise answer
        return cast(datetime, answer)

    def vcenters(self) -> datetime:
        self.looks += 1
        return T0 + timedelta(seconds=2 * (self.looks - 1))

    async def command(self, call: Callable[[Any], Any], _: str) -> Any:
        return call(SimpleNamespace(stub=None))

    async def findings(self) -> list[Finding]:
        vms = [vm(f"on-{host}", host=host) for host in self.answers]
        return await host_clocks(cast(Connection, self), vms, self.vcenters)


@pytest.mark.parametrize(
    ("answer", "level", "text"),
    [
        (T0 + timedelta(seconds=1), "ok", "1 within 0.0 s of vCenter's"),
        (T0.replace(tzinfo=None) + timedelta(seconds=91), "warn", "host a is 90 s ahead of vCenter's"),
        ((T0 - timedelta(seconds=59)).astimezone(UTC), "warn", "host a is 60 s behind vCenter's"),
        (None, "warn", "not told by a: vCenter shows no clock of it"),
        (vim.fault.HostConnectFault(msg="the host does not answer"), "warn", "a: the host does not answer"),
        (vmodl.fault.ManagedObjectNotFound(msg="it has gone"), "warn", "not told by a: it has gone"),
    ],
)
async def test_a_clock_is_compared_with_the_middle_of_the_call(
    monkeypatch: pytest.MonkeyPatch, answer: Any, level: str, text: str
) -> None:
    (finding,) = await Hosts(monkeypatch, a=answer).findings()
    assert finding.level == level and text in finding.text


async def test_a_session_that_is_over_is_no_silent_host(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who asks logs in anew then, and looks again."""
    with pytest.raises(vim.fault.NotAuthenticated):
        await Hosts(monkeypatch, a=vim.fault.NotAuthenticated()).findings()


async def test_of_a_large_site_so_many_hosts_are_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    hosts = Hosts(monkeypatch, **{f"h{number:03}": T0 for number in range(MOST_HOSTS + 5)})
    await hosts.findings()
    assert hosts.reads == MOST_HOSTS
