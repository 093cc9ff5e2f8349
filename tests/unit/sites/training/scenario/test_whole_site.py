"""The scenario of a whole site: it is what its story says, and can be played to its end."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from drdeck.model.domains import FailoverType, Health, Mode
from drdeck.model.plans.failover_plan import members, problems
from drdeck.sites.contract import OffersPlans
from drdeck.sites.training.scenario.scenario_file import load
from drdeck.sites.training.scenario.scenario_plans import failover_plan
from drdeck.sites.training.site import TrainingSite
from tests.support.training.training_build import START, opened


def test_whole_site_is_what_its_story_says() -> None:
    plot = load("whole-site")
    reached = {d.name: d.incidents for d in plot.domains if d.incidents}
    assert len(reached) == 27
    first = min(one.at for incidents in reached.values() for one in incidents)
    last = max(incidents[0].at for incidents in reached.values())
    assert (last - first).total_seconds() > 6600, "two hours"
    assert all(one.at < plot.first_instant for incidents in reached.values() for one in incidents)
    play = opened(plot)
    domains = {d.name: d for d in play.simulation.domains(plot.first_instant)}
    others = {name: d.mode for name, d in domains.items() if d.mode is not Mode.SYNCHRONISED}
    assert others == {"hr-legacy": Mode.IMPORTED, "dmz-proxy": Mode.PROTECTED}
    plan = failover_plan(plot.plans[0])
    assert (plan.name, plan.type, plan.run_pitr) == ("whole-site", FailoverType.FORCE, True)
    assert [len(wave.domains) for wave in members(plan, domains)] == [4, 14, 22]
    assert problems(plan, domains) == []
    answers = {d.name for d in plot.domains if d.protected_site == "reachable" and d.state != "protected"}
    assert answers == {"plant-b-mes", "plant-b-files"}


def test_whole_site_is_taken_over_and_rolled_back_to_one_instant() -> None:
    plot = load("whole-site")
    play = opened(plot)
    lost = [d for d in plot.domains if d.protected_site == "lost" and d.state == "synchronised"]

    def failing() -> set[str]:
        domains = play.simulation.domains(START + timedelta(seconds=play.now))
        return {v.name for d in domains for v in d.vms if v.health is Health.FAILED}

    for spec in lost:
        play.name = spec.name
        assert play.complete(FailoverType.FORCE, run_pitr=spec.pitr.enabled) is None
    asks = set()
    for _ in range(25):
        for domain in play.simulation.domains(START + timedelta(seconds=play.now)):
            play.name = domain.name
            if domain.question is not None:
                asks.add(domain.name)
                assert play.answer("retry") is None
            if domain.recovered and domain.session is None and domain.failover and domain.failover.run_pitr:
                play.session(after_failover=True)
        play.now += 120
    assert asks == {"files", "erp-prod", "cad"}
    plug = {d.lost_at for d in lost}.pop()
    assert plug is not None
    reached = {name for d in lost for one in d.incidents if one.at < plug for name in one.vms}
    assert failing() == reached and len(reached) == 289
    good = min(one.at for d in lost for one in d.incidents)
    for spec in lost:
        play.name = spec.name
        if spec.pitr.enabled:
            assert play.roll((good - START).total_seconds() - 1) is None, spec.name
    play.now += 3600
    assert failing() == {"badge01", "badge02", "badge03"}, "without PITR there is nothing to go back to"


def test_a_training_site_offers_the_plans_of_its_scenario(tmp_path: Path) -> None:
    site = TrainingSite("lab", load("whole-site"), tmp_path)
    assert isinstance(site, OffersPlans) and list(site.plans) == ["whole-site"]
    assert TrainingSite("lab", load("ransomware"), tmp_path).plans == {}
