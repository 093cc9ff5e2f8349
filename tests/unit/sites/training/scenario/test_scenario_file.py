# ruff: noqa: E501
"""Scenarios: what is refused, where and with which remedy, and that the shipped ones can be played."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import pytest

from drdeck.model.domains import FailoverType, Health, Mode
from drdeck.sites.training.scenario.scenario_file import load, parse, shipped
from drdeck.sites.training.scenario.scenario_tables import ScenarioError
from tests.support.training.training_build import START, opened
from tests.support.whole_files import WHOLE_SCENARIO

BAD = [
    ('name = "night"', 'name = "../night"', 1, "name", "use letters"),
    ("seed = 7", "sed = 7", 5, "sed", "no such key here; known are name, start"),
    ('start = "2026-01-16T22:00:00Z"', "", None, "", "start is missing; add it"),
    ('start = "2026-01-16T22:00:00Z"', 'start = "yesterday"', 3, "start", "not a time; write it like"),
    ('start = "2026-01-16T22:00:00Z"', 'start = "2026-01-16T22:00:00"', 3, "start", "end it with Z"),
    ('start = "2026-01-16T22:00:00Z"', "start = 7", 3, "start", "must be a time such as"),
    ("link_bytes_per_s = 125_000_000", "link_bytes_per_s = 0", 4, "link_bytes_per_s", "write 1 or more"),
    ("link_bytes_per_s = 125_000_000", 'link_bytes_per_s = "fast"', 4, "link_bytes_per_s", "a whole number"),
    ("seed = 7", 'seed = 7\nopens = "2026-01-16T21:00:00Z"', 6, "opens", "or later"),
    ('window = "3d"', 'window = "3 days"', 8, "domains[0].pitr.window", "write it like 30s, 15m, 2h or 3d"),
    ('window = "3d"', 'window = "30s"', 8, "domains[0].pitr.window", "make it at least as long"),
    ('interval = "1m"', 'interval = "0s"', 8, "domains[0].pitr.interval", "write 1s or more"),
    ('interval = "1m"', 'interval = "1s"', 8, "domains[0].pitr.interval", "make it longer"),
    ('interval = "1m"', 'intervall = "1m"', 8, "domains[0].pitr.intervall", "known are enabled, window, interval"),
    ('state = "imported"', 'state = "gone"', 9, "domains[0].state", "write one of imported, synchronised, protected"),
    ('protected_site = "reachable"', "protected_site = true", 10, "domains[0].protected_site", "must be"),
    (
        'protected_site = "reachable"',
        'lost_at = "2026-01-16T23:00:00Z"',
        10,
        "domains[0].lost_at",
        'write protected_site = "lost"',
    ),
    ('name = "db1"', "", 11, "domains[0].vms[0]", "name is missing"),
    ('name = "app1"', 'name = "db1"', 18, "domains[0].vms[1].name", 'the VM "db1" stands here twice'),
    (
        "write_bytes_per_s = 2_000_000",
        "write_bytes_per_s = -5",
        14,
        "domains[0].vms[0].write_bytes_per_s",
        "-5 is negative; write 0 or more",
    ),
    ("disk_bytes = 10_000_000_000", "disk_bytes = 0", 19, "domains[0].vms[1].disk_bytes", "write 1 or more"),
    ("disk_bytes = 10_000_000_000", "disk_byte = 1", 19, "domains[0].vms[1].disk_byte", "known are name, many, disk_bytes"),
    ('boot = "40s"', 'boot = "soon"', 15, "domains[0].vms[0].boot", "write it like 30s"),
    ('boot = "40s"', "boot = 40", 15, "domains[0].vms[0].boot", 'must be text in quotes, like "this", not a whole number'),
    ("22:42:00Z", "21:42:00Z", 21, "domains[0].incidents[0].at", "is before the start of the scenario"),
    ('vms = ["db1"]', 'vms = ["db9"]', 22, "domains[0].incidents[0].vms", "known are db1, app1"),
    ("write_factor = 30", "write_factor = -1", 23, "domains[0].incidents[0].write_factor", "0 to 1000000"),
    ("write_factor = 30", "write_factor = nan", 23, "domains[0].incidents[0].write_factor", "0 to 1000000"),
    ('vms = ["db*"]', 'vms = ["web*"]', 27, "domains[0].runbook[0].vms", "is no VM of the domain"),
    ('delay_after = "30s"', 'delay_after = ""', 28, "domains[0].runbook[0].delay_after", "write it like"),
    ('kind = "object_store_lost"', 'kind = "fire"', 30, "faults[0].kind", "write one of object_store_lost"),
    ('domain = "erp"', 'domain = "crm"', 33, "faults[0].domain", 'there is no domain "crm"; known are erp'),
    ("vms = []", 'vms = ["db9"]', 34, "faults[0].vms", "known are db1, app1"),
    ("22:55:00Z", "22:45:00Z", 32, "faults[0].to", "write a time after 2026-01-16T22:50:00Z"),
    ("times = 1", 'after = "1m"', 35, "faults[0].after", "cannot stand beside from"),
    ("times = 1", 'lasts = "1m"', 35, "faults[0].lasts", "cannot stand beside to"),
    ("times = 1", 'lasts = "soon"', 35, "faults[0].lasts", "not a duration"),
    ("times = 1", "times = 0", 35, "faults[0].times", "write 1 or more"),
    ('name = "app1"', 'name = "app1"\nmany = 2', 18, "domains[0].vms[1].name", '2 VMs need names of their own; write "app1##"'),
    ('name = "app1"', 'name = "db#"\nmany = 2', 18, "domains[0].vms[1].name", 'the VM "db1" stands here twice'),
    ('name = "app1"', 'name = "app#"\nmany = 0', 19, "domains[0].vms[1].many", "write 1 to 10000"),
    ('name = "app1"', 'name = "app#"\nmany = 1_000_000_000', 6, "domains", "there are 1000000001 VMs in all"),
    ("write_factor = 30", 'each_after = "0s"', 23, "domains[0].incidents[0].each_after", "write 1s or more"),
    ("write_factor = 30", 'each_after = "5s"\nuntil = "2026-01-16T22:50:00Z"', 24, "domains[0].incidents[0].until", "leave until or each_after out"),
]  # fmt: skip


PLAN = """
[[plans]]
name = "night"
patience = "3m"
domains_at_once = 2

[[plans.waves]]
name = "first"
domains = ["erp"]
"""
BAD_PLANS = [
    ('name = "night"', 'name = "all"', "plans[0].name", "cannot name a plan"),
    ('patience = "3m"', 'patience = "soon"', "plans[0].patience", "write it like"),
    ('patience = "3m"', 'patience = "0s"', "plans[0].patience", "write 1s or more"),
    ("domains_at_once = 2", "domains_at_once = 0", "plans[0].domains_at_once", "write 1 to 1000"),
    ("domains_at_once = 2", 'gate = "open"', "plans[0].gate", "no such key here"),
    ('domains = ["erp"]', 'domains = ["crm-*"]', "plans[0].waves[0].domains", 'no domain is named "crm-*"; known are erp'),
    ('domains = ["erp"]', 'domains = ["erp"]\ngate = "open"', "plans[0].waves[0].gate", "write one of settled, confirm"),
    ('domains = ["erp"]', PLAN.split("[[plans.waves]]")[1].join(["domains = [\"erp\"]\n[[plans.waves]]", ""]).replace("first", "second"),
     "plans[0].waves[1].domains", '"erp" is in the wave "first" already'),
    (PLAN, PLAN.replace("[[plans.waves]]\nname = \"first\"\ndomains = [\"erp\"]", "waves = []"), "plans[0].waves", "add a [[plans.waves]] table"),
    (PLAN, PLAN + PLAN, "plans[1].name", 'the plan "night" stands here twice'),
]  # fmt: skip


@pytest.mark.parametrize(("right", "wrong", "key", "remedy"), BAD_PLANS)
def test_a_plan_is_refused_with_place_and_remedy(right: str, wrong: str, key: str, remedy: str) -> None:
    assert parse(WHOLE_SCENARIO + PLAN).plans[0].domains_at_once == 2
    assert right in PLAN
    with pytest.raises(ScenarioError) as refused:
        parse(WHOLE_SCENARIO + PLAN.replace(right, wrong, 1), "night.toml")
    assert f" {key}: " in str(refused.value) and remedy in str(refused.value), str(refused.value)


def test_the_example_is_good() -> None:
    plot = parse(WHOLE_SCENARIO)
    assert plot.start == START and plot.domains[0].vms[1].boot == "40s"
    assert plot.faults[0].start == datetime(2026, 1, 16, 22, 50, tzinfo=UTC)


@pytest.mark.parametrize(("right", "wrong", "line", "key", "remedy"), BAD)
def test_refused_with_place_and_remedy(
    right: str, wrong: str, line: int | None, key: str, remedy: str
) -> None:
    assert right in WHOLE_SCENARIO
    with pytest.raises(ScenarioError) as refused:
        parse(WHOLE_SCENARIO.replace(right, wrong, 1), "night.toml")
    message = str(refused.value)
    assert message.startswith("night.toml:" + (f"{line}: " if line else " ")), message
    assert f" {key}: " in message if key else True, message
    assert remedy in message and "\n" not in message, message


@pytest.mark.parametrize(
    ("text", "words"),
    [("name = ", "is not TOML"), ("", "name is missing"), (WHOLE_SCENARIO.split("[[domains]]")[0], "domains is missing"),
     (WHOLE_SCENARIO.split("[[domains]]")[0] + "domains = []", "add a [[domains]] table"), ("a=" + "[" * 5000, "TOML")],
)  # fmt: skip
def test_refused_as_a_whole(text: str, words: str) -> None:
    with pytest.raises(ScenarioError, match=r"night\.toml") as refused:
        parse(text, "night.toml")
    assert words in str(refused.value)


def test_many_of_a_kind_and_an_incident_that_goes_through_them() -> None:
    text = WHOLE_SCENARIO.replace('name = "app1"', 'name = "app##-x"\nmany = 11')
    text = text.replace('vms = ["db1"]', 'each_after = "90s"')
    (domain,) = parse(text).domains
    names = ["db1", *(f"app{n:02}-x" for n in range(1, 12))]
    assert [vm.name for vm in domain.vms] == names
    assert {(vm.disk_bytes, vm.many) for vm in domain.vms[1:]} == {(10_000_000_000, 1)}
    assert [one.vms for one in domain.incidents] == [(name,) for name in names]
    steps = {(b.at - a.at).total_seconds() for a, b in pairwise(domain.incidents)}
    assert steps == {90} and all(one.breaks_health and not one.each_after for one in domain.incidents)


def test_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "night.toml"
    path.write_text(WHOLE_SCENARIO)
    assert load(path) == load(str(path)) == parse(WHOLE_SCENARIO)
    with pytest.raises(ScenarioError, match="cannot be read"):
        load(tmp_path / "none.toml")
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(ScenarioError, match="UTF-8"):
        load(path)
    with pytest.raises(ScenarioError, match=r"there is no scenario .* busy-night, first-failover"):
        load("nothing-like-it")


def test_what_is_shipped() -> None:
    assert shipped() == (
        "busy-night",
        "first-failover",
        "ransomware",
        "site-lost",
        "stubborn-vm",
        "whole-site",
    )
    plots = {name: load(name) for name in shipped()}
    assert all(plot.name == name and plot.title and plot.description for name, plot in plots.items())

    def vms(name: str) -> int:
        return sum(len(d.vms) for d in plots[name].domains)

    assert (vms("first-failover"), vms("ransomware")) == (3, 20)
    assert (len(plots["busy-night"].domains), vms("busy-night")) == (40, 600)
    assert (len(plots["whole-site"].domains), vms("whole-site")) == (40, 412)
    night = plots["ransomware"].domains[0]
    assert len(night.runbook) == 3
    first, *_, last = night.incidents
    assert (last.at - first.at).total_seconds() == 40 * 60


def test_first_failover_is_quiet() -> None:
    play = opened(load("first-failover"))
    assert play.failed_over().alarms == ()
    assert play.finish() is None and play().mode is Mode.RUNNING_IN_FAILOVER


def test_ransomware_can_be_healed_vm_by_vm() -> None:
    plot = load("ransomware")
    play = opened(plot)
    play.in_session(FailoverType.FORCE)
    bad = {v.name for v in play().vms if v.health is Health.FAILED}
    assert bad == {name for one in plot.domains[0].incidents for name in one.vms} and len(bad) == 17
    for incident in plot.domains[0].incidents:
        assert play.roll((incident.at - START).total_seconds() - 60, incident.vms) is None
        play.until_active()
    assert {v.health for v in play().vms} == {Health.OK}
    assert len({v.rolled_back_to for v in play().vms}) == 9


@pytest.mark.parametrize("late", [0, 40, 1200])
def test_site_lost_stalls_midway_whenever_it_is_begun_and_needs_force(late: float) -> None:
    play = opened(load("site-lost"))
    play.after(late)
    play.start()
    stalled: list[float] = []
    while play.after(1).mode is not Mode.SYNCHRONISED:
        if any(a.kind == "object_store_lost" for a in play().alarms):
            assert play().step is not None
            stalled.append(play().step.progress or 0)  # type: ignore[union-attr]
    assert len(stalled) == 240 and len(set(stalled[5:])) == 1, "nothing comes meanwhile"
    assert 20 < stalled[-1] < 80, "midway"
    assert "does not answer" in (play.complete(FailoverType.PLANNED) or "")
    assert play.complete(FailoverType.FORCE, run_pitr=True) is None
    assert play.until_recovered().recovered


def test_stubborn_vm_asks_twice() -> None:
    play = opened(load("stubborn-vm"))
    assert play.complete(FailoverType.PLANNED) is None
    question = play.until_asked().question
    assert question is not None and "files-srv03" in question.text
    play.answer("retry")
    question = play.until_asked().question
    assert question is not None and "files-web02" in question.text
    play.answer("retry")
    assert play.until_recovered().question is None


def test_busy_night_several_at_once() -> None:
    play = opened(load("busy-night"))
    ready = [d.name for d in play.simulation.domains(play.plot.start) if d.mode is Mode.SYNCHRONISED]
    assert len(ready) >= 8
    for name in ready:
        play.name = name
        assert play.complete(FailoverType.FORCE) is None
    play.after(3600)
    assert all(play(name).recovered for name in ready if play(name).question is None)
