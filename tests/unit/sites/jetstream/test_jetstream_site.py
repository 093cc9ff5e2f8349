"""The site under a controller: polled, lost in every way there is, and back by itself."""

from __future__ import annotations

import asyncio
import logging
import threading
from pathlib import Path

import pytest

from drdeck.config.settings import Duration, JetStreamSettings
from drdeck.controller.controller import Controller
from drdeck.controller.ipc.client import Client
from drdeck.controller.ipc.server import Server
from drdeck.model.actions.action_table import ACTIONS, NEVER_OBSERVED, menu
from drdeck.model.actions.confirming import NotAccepted
from drdeck.model.actions.request import Request
from drdeck.model.commands import ExitSession
from drdeck.model.domains import FailoverType, Mode, StepState
from drdeck.sites.contract import CertificateUntrusted, CertificateWrong, RecoverySite, Refused
from drdeck.sites.jetstream import appliance_session, polled_site
from drdeck.sites.jetstream.status_view import UNPUBLISHED
from tests.support.appliance.sample import DOMAIN_ID, answer, idle, sound
from tests.support.appliance.stand_in import SESSION, Reply, StandIn, endless, trickle
from tests.support.appliance.watching import LoginAlone, controlled, settings_of, site_of, site_read
from tests.support.waiting import eventually

OTHER_ID = "11111111-2222-3333-4444-555555555555"


def error_of(controller: Controller) -> str:
    return controller.watcher.error or ""


async def until_said(controller: Controller, text: str) -> None:
    await eventually(lambda: text in error_of(controller))


def test_it_is_a_site(stand_in: StandIn) -> None:
    site, _ = site_of(stand_in)
    assert isinstance(site, RecoverySite)


BROKEN = {
    "403": (Reply(status=403), "does not accept the vCenter session (403)"),
    "404": (Reply(status=404), "knows no domain of this id (404)"),
    "429": (Reply(status=429, headers={"Retry-After": "0"}), "is asked too often (429)"),
    "500": (Reply({"error": "boom"}, status=500), "answers with the error 500"),
    "503": (Reply(b"<html>busy</html>", status=503), "answers with the error 503"),
    "html": (
        Reply(b"<html>Log in</html>", headers={"Content-Type": "text/html"}),
        "is HTML in place of JSON",
    ),
    "50 MB": (Reply(pieces=endless()), "is larger than 2.0 MB"),
    "50 MB, declared": (Reply(b"x" * 3_000_000), "is larger than 2.0 MB"),
    "compressed": (Reply(b"\x1f\x8b", headers={"Content-Encoding": "gzip"}), "answers compressed"),
    "redirect": (
        Reply(status=302, headers={"Location": "https://elsewhere.example/jss"}),
        "sends on to elsewhere.example (302), where the session id is not sent",
    ),
    "a list": (Reply([1, 2]), "is JSON, but no object"),
    "nothing": (Reply(b"", status=204), "answers with the error 204"),
}


@pytest.mark.parametrize("way", BROKEN)
async def test_the_view_goes_stale_and_comes_back(stand_in: StandIn, tmp_path: Path, way: str) -> None:
    site, _ = site_of(stand_in)
    async with controlled(site, tmp_path) as controller:
        await site_read(controller)
        before = controller.view
        stand_in.instead, says = BROKEN[way]
        await eventually(lambda: says in error_of(controller))
        assert controller.watcher.stale_s() is not None and controller.view is before, (
            "what was seen stays, with its age"
        )
        assert SESSION not in error_of(controller)
        stand_in.instead = None
        await site_read(controller)
        assert controller.watcher.stale_s() is None


async def test_a_trickle_is_no_answer(stand_in: StandIn, tmp_path: Path) -> None:
    site, _ = site_of(stand_in, timeout=Duration(1))
    async with controlled(site, tmp_path) as controller:
        await site_read(controller)
        stand_in.instead = Reply(pieces=trickle(), waits=threading.Event())
        await eventually(lambda: "gave no whole answer within 1 s" in error_of(controller))
        stand_in.instead = None
        await site_read(controller)


async def test_the_appliance_ends_and_is_there_again(tmp_path: Path) -> None:
    stand_in = StandIn()
    stand_in.say(DOMAIN_ID, sound())
    site, _ = site_of(stand_in)
    async with controlled(site, tmp_path) as controller:
        await site_read(controller)
        stand_in.stop()
        await eventually(lambda: "cannot be reached" in error_of(controller))
        back = StandIn(port=stand_in.port)
        back.say(DOMAIN_ID, sound())
        await site_read(controller)
    back.stop()


async def test_a_redirect_is_not_followed(stand_in: StandIn, tmp_path: Path) -> None:
    """Not even to the same host by another name: the session id stays where it was meant for."""
    other = StandIn()
    other.say(DOMAIN_ID, sound())
    try:
        site, _ = site_of(stand_in)
        async with controlled(site, tmp_path) as controller:
            stand_in.instead = Reply(status=307, headers={"Location": f"{other.url}/jss"})
            await eventually(lambda: "sends on to 127.0.0.1 (307)" in error_of(controller))
    finally:
        other.stop()
    assert other.requests == []


async def test_it_logs_in_again_once_and_then_says_so(
    stand_in: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(appliance_session, "RELOGIN_S", 0.0)
    site, vcenter = site_of(stand_in)
    async with controlled(site, tmp_path) as controller:
        await site_read(controller)
        stand_in.accepts = lambda session: session == f"{SESSION}-2"
        await eventually(lambda: vcenter.logins == 2 and stand_in.requests[-1][1] == f"{SESSION}-2")
        assert controller.watcher.error is None, "nobody has to be told of a login that helped"
        monkeypatch.setattr(appliance_session, "RELOGIN_S", 3600.0)
        stand_in.accepts = lambda session: False
        await eventually(lambda: "does not accept the vCenter session (401)" in error_of(controller))
        requests = stand_in.count()
        await eventually(lambda: stand_in.count() > requests + 2)
        assert vcenter.logins == 2, "no login after login"
        stand_in.accepts = lambda session: True
        await site_read(controller)


async def test_many_domains_are_asked_side_by_side_and_bounded(stand_in: StandIn, tmp_path: Path) -> None:
    idents = [f"domain-{number}" for number in range(12)]
    for ident in idents:
        stand_in.say(ident, idle(name=ident))
    stand_in.hold.clear()
    site, _ = site_of(stand_in, *idents, parallel=4)
    async with controlled(site, tmp_path) as controller:
        await eventually(lambda: stand_in.at_once == 4)
        await asyncio.sleep(0)
        stand_in.hold.set()
        await site_read(controller)
        assert controller.view is not None and [d.name for d in controller.view.domains] == idents
    assert stand_in.most_at_once == 4


async def test_one_domain_is_lost_and_the_others_are_not(stand_in: StandIn, tmp_path: Path) -> None:
    stand_in.say(OTHER_ID, sound(name="payroll"))
    site, _ = site_of(stand_in, DOMAIN_ID, OTHER_ID)
    async with controlled(site, tmp_path) as controller:
        await site_read(controller)
        stand_in.say(OTHER_ID, Reply(status=500))
        await eventually(lambda: bool(controller.desk.domain("payroll").broken))
        lost = controller.desk.domain("payroll")
        assert lost.broken is not None and "answers with the error 500" in lost.broken
        assert lost.vms, "as it was seen last"
        assert controller.watcher.error is None and controller.desk.domain("erp-prod").broken is None
        stand_in.say(OTHER_ID, sound(name="payroll"))
        await eventually(lambda: not controller.desk.domain("payroll").broken)


async def test_a_domain_that_is_slow_holds_no_other(
    stand_in: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(polled_site, "TOGETHER_S", 0.05)
    stand_in.say(OTHER_ID, sound(name="payroll"))
    site, _ = site_of(stand_in, DOMAIN_ID, OTHER_ID, timeout=Duration(60))
    async with controlled(site, tmp_path) as controller:
        await site_read(controller)
        never = threading.Event()
        stand_in.say(OTHER_ID, Reply(pieces=trickle(), waits=never))
        before, others = stand_in.count(OTHER_ID), stand_in.count(DOMAIN_ID)
        await eventually(lambda: stand_in.count(OTHER_ID) > before)
        stand_in.say(DOMAIN_ID, sound(step="FINALIZE_VMS"))
        await eventually(lambda: controller.desk.domain("erp-prod").steps[8].state is StepState.CURRENT)
        await eventually(lambda: stand_in.count(DOMAIN_ID) > others + 5)
        assert stand_in.count(OTHER_ID) <= before + 1, "no second question beside the first one"
        stand_in.say(OTHER_ID, sound(name="payroll", step="FINALIZE_VMS"))
        never.set()  # what came is no answer
        await eventually(lambda: controller.desk.domain("payroll").steps[8].state is StepState.CURRENT)


async def test_polling_is_quick_while_an_operation_runs_or_somebody_looks(
    stand_in: StandIn, tmp_path: Path
) -> None:
    stand_in.say(DOMAIN_ID, idle())
    stand_in.say(OTHER_ID, sound(name="payroll"))
    site, _ = site_of(stand_in, DOMAIN_ID, OTHER_ID, poll_idle=Duration(3600))
    async with controlled(site, tmp_path) as controller:
        await site_read(controller)
        await eventually(lambda: stand_in.count(OTHER_ID) > 3)
        assert stand_in.count(DOMAIN_ID) == 1, "nothing runs there, and nobody looks"
        server = Server(controller, tmp_path / "controller.sock", lambda: None)
        await server.start()
        async with Client(server.paths[0], "console") as console:
            console.subscribe("erp-prod")
            await eventually(lambda: stand_in.count(DOMAIN_ID) > 3)
        await server.close()
        before, others = stand_in.count(DOMAIN_ID), stand_in.count(OTHER_ID)
        await eventually(lambda: stand_in.count(OTHER_ID) > others + 5)
        assert stand_in.count(DOMAIN_ID) <= before + 1, "it was closed"


async def test_a_connection_is_kept_for_the_next_question(stand_in: StandIn, tmp_path: Path) -> None:
    site, _ = site_of(stand_in)
    async with controlled(site, tmp_path) as controller:
        await site_read(controller)
        await eventually(lambda: stand_in.count() > 8)
    assert stand_in.connections == 1


async def test_what_fails_is_asked_about_less_and_less(stand_in: StandIn, tmp_path: Path) -> None:
    """The others go on at their own pace; what Retry-After says is kept to."""
    failing, resting = OTHER_ID, "22222222-2222-3333-4444-555555555555"
    stand_in.say(failing, Reply(status=500))
    stand_in.say(resting, Reply(status=429, headers={"Retry-After": "3600"}))
    site, _ = site_of(stand_in, DOMAIN_ID, failing, resting, poll=Duration(0.02), poll_idle=Duration(0.02))
    async with controlled(site, tmp_path) as controller:
        await site_read(controller)
        await eventually(lambda: stand_in.count(DOMAIN_ID) > 40)
        assert 3 <= stand_in.count(failing) < 20 and stand_in.count(resting) == 1


async def test_every_act_is_refused_in_the_vendors_sentence(stand_in: StandIn, tmp_path: Path) -> None:
    site, _ = site_of(stand_in)
    async with controlled(site, tmp_path) as controller:
        await site_read(controller)
        domain = controller.desk.domain("erp-prod")
        listed = menu(domain, controller.watcher.now())
        assert {reason for _, reason in listed} == {UNPUBLISHED}
        menu_actions = [action for action in ACTIONS if action.menu and not action.reads]
        assert {a.name for a, _ in listed} == {a.name for a in menu_actions} - set(NEVER_OBSERVED)
        for action in menu_actions:
            type_ = FailoverType.FORCE if action.name == "cfo_complete" else None
            to = controller.watcher.now() if action.name == "pitr_run" else None
            request = Request(action=action.name, domain="erp-prod", type=type_, to=to, confirm="erp-prod")
            with pytest.raises(NotAccepted, match=UNPUBLISHED) as refusal:
                await controller.desk.submit(request, "anna@jump")
            assert refusal.value.code == "rule"
            assert (await controller.desk.preview(request)).refusal == UNPUBLISHED
        with pytest.raises(NotAccepted, match=UNPUBLISHED):
            await controller.desk.points("erp-prod")
        with pytest.raises(Refused, match=UNPUBLISHED):
            await site.execute(ExitSession(operation="op-1", domain="erp-prod"))
        assert site.maintenance_due(controller.watcher.now()) == [] and not controller.recorder.operations
    assert {path for path, _ in stand_in.requests} == {f"/jss/domains/azureblob/{DOMAIN_ID}/pitrstatus"}


async def test_the_unprotected_time_outlives_the_controller(stand_in: StandIn, tmp_path: Path) -> None:
    site, _ = site_of(stand_in, state=tmp_path)
    async with controlled(site, tmp_path) as controller:
        await site_read(controller)
        session = controller.desk.domain("erp-prod").session
    again, _ = site_of(stand_in, state=tmp_path)
    async with controlled(again, tmp_path) as controller:
        await site_read(controller)
        assert session is not None and controller.desk.domain("erp-prod").session == session
        stand_in.say(DOMAIN_ID, sound(step="COMPLETE", progress=100))
        await eventually(lambda: controller.desk.domain("erp-prod").session is None)
        assert controller.desk.domain("erp-prod").mode is Mode.UNKNOWN
        stand_in.say(DOMAIN_ID, sound())
        await eventually(lambda: controller.desk.domain("erp-prod").session is not None)
        assert controller.desk.domain("erp-prod").session != session, "another operation"


async def test_what_is_odd_is_said_once(
    stand_in: StandIn, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    stand_in.say(DOMAIN_ID, sound(progress="much"))
    site, _ = site_of(stand_in)
    async with controlled(site, tmp_path) as controller:
        await site_read(controller)
        await eventually(lambda: stand_in.count() > 5)
        odd = [alarm for alarm in controller.desk.domain("erp-prod").alarms if alarm.kind == "odd_answer"]
        assert len(odd) == 1 and "progress is 'much'" in odd[0].text
    assert sum("progress is 'much'" in record.getMessage() for record in caplog.records) == 1


async def test_what_contradicts_itself_is_said_once_however_it_goes_on(
    stand_in: StandIn, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Not in each answer anew, with its new numbers."""
    vms = [{"id": f"{number}", "name": f"vm{number}", "uuid": number} for number in range(1000)]
    odd_ones = {"protectedVms": vms, "criticalAlerts": []}
    parts = [{"progress": p, "recoveredDataKB": 13_002_342 + p, "connectionStatus": p} for p in range(20)]
    stand_in.say(DOMAIN_ID, *[answer(**part, **odd_ones) for part in parts])
    site, _ = site_of(stand_in, poll=Duration(0.01), poll_idle=Duration(0.01))
    async with controlled(site, tmp_path) as controller:
        await site_read(controller)
        await eventually(lambda: controller.desk.domain("erp-prod").steps[6].progress == 19)
        alarms = [e.data["text"] for e in controller.journal.events() if e.kind == "site_alarm"]
    odd = [text for text in alarms if "is odd" in text]
    assert len(odd) == 1 and len(odd[0]) < 500 and "protectedVms.uuid is 0;" in odd[0]
    assert sum("is odd" in record.getMessage() for record in caplog.records) == 1


async def test_a_session_id_that_the_appliance_repeats_is_withheld(stand_in: StandIn, tmp_path: Path) -> None:
    alert = {"code": 1, "name": "LOGIN", "causeMessageDetails": f"session {SESSION} was let in"}
    stand_in.say(DOMAIN_ID, sound(criticalAlerts=[alert]))
    site, _ = site_of(stand_in)
    async with controlled(site, tmp_path) as controller:
        await site_read(controller)
        texts = [alarm.text for alarm in controller.desk.domain("erp-prod").alarms]
    assert texts[0] == "LOGIN (code 1): session (session id) was let in"
    for file in tmp_path.rglob("*"):
        assert not file.is_file() or SESSION.encode() not in file.read_bytes()


async def test_steps_and_alarms_are_journaled_once(stand_in: StandIn, tmp_path: Path) -> None:
    site, _ = site_of(stand_in)
    async with controlled(site, tmp_path) as controller:
        await site_read(controller)
        stand_in.say(DOMAIN_ID, sound(criticalAlerts=[]), sound(step="FINALIZE_VMS", criticalAlerts=[]))
        await eventually(lambda: controller.desk.domain("erp-prod").steps[8].state is StepState.CURRENT)
        await eventually(lambda: stand_in.count() > 8)
        events = list(controller.journal.events())
        steps = [e.data["step"] for e in events if e.kind == "site_step"]
        alarms = [e.data["kind"] for e in events if e.kind == "site_alarm"]
        over = [e.data["kind"] for e in events if e.kind == "site_alarm_over"]
    assert steps == ["Recover VMs' data from Storage Site", "Finalize recovered VMs"]
    assert alarms.count("appliance_alert") == 1 and over == ["appliance_alert"]


async def test_certificates(stand_in: StandIn, tmp_path: Path) -> None:
    site, _ = site_of(stand_in, ca_file=None)
    with pytest.raises(CertificateUntrusted, match="is not trusted") as met:
        await site.open()
        await site.observe()
    await site.close()
    print_ = met.value.certificate.thumbprint
    assert print_ in str(met.value) and stand_in.requests == []

    site, _ = site_of(stand_in, ca_file=None, thumbprint=print_)
    await site.open()
    assert len((await site.observe()).domains) == 1
    await site.close()
    requests = len(stand_in.requests)

    other = print_.replace(print_[:2], "00" if print_[:2] != "00" else "11", 1)
    site, _ = site_of(stand_in, ca_file=None, thumbprint=other)
    await site.open()
    with pytest.raises(CertificateWrong, match="is not the pinned one"):
        await site.observe()
    await site.close()
    assert len(stand_in.requests) == requests, "nothing was said to it"

    site, _ = site_of(stand_in, ca_file=None, insecure=True)
    await site.open()
    assert (await site.observe()).warnings == ("the certificate of the appliance is not checked",)
    await site.close()


async def test_the_session_id_is_in_no_message_and_no_log(
    stand_in: StandIn, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, logger="drdeck")
    texts: list[str] = []
    for way, (reply, says) in BROKEN.items():
        site, _ = site_of(stand_in)
        stand_in.instead = reply
        directory = tmp_path / way.replace(" ", "-")
        directory.mkdir()
        async with controlled(site, directory) as controller:
            await until_said(controller, says)
            texts += [error_of(controller), *(f.text for f in await site.findings())]
    site, _ = site_of(stand_in, login=LoginAlone("canary\r\nHost: evil"))
    async with controlled(site, tmp_path) as controller:
        await eventually(lambda: "no request can hold" in error_of(controller))
        texts.append(error_of(controller))
    texts += [record.getMessage() for record in caplog.records]
    assert any("pitrstatus" in text for text in texts) or stand_in.requests
    assert not [text for text in texts if SESSION in text or "canary" in text]
    for file in tmp_path.rglob("*"):
        assert not file.is_file() or SESSION.encode() not in file.read_bytes()


async def test_the_doctor(stand_in: StandIn, tmp_path: Path) -> None:
    stand_in.say(OTHER_ID, Reply(status=404))
    site, _ = site_of(stand_in, DOMAIN_ID, OTHER_ID)
    await site.open()
    levels = {f.subject: (f.level, f.text) for f in await site.findings()}
    await site.close()
    assert levels["appliance"] == ("ok", f"127.0.0.1:{stand_in.port} answers")
    assert levels["appliance certificate"][0] == "ok"
    assert levels["session"][0] == "ok"
    assert levels[f"domain {DOMAIN_ID}"] == ("ok", 'known, "erp-prod", 2 VMs')
    assert levels[f"domain {OTHER_ID}"] == ("fail", "the appliance knows no such domain")
    assert levels["guard"][0] == "warn"
    stand_in.accepts = lambda session: False
    site, _ = site_of(stand_in)
    await site.open()
    levels = {f.subject: (f.level, f.text) for f in await site.findings()}
    await site.close()
    assert levels["appliance"][0] == "ok" and levels["session"][0] == "fail"


def test_what_is_set_unless_the_settings_say_otherwise(stand_in: StandIn) -> None:
    settings = settings_of(stand_in)
    quiet = JetStreamSettings(url=settings.url, vcenter=settings.login, domains=settings.domains)
    assert (float(quiet.poll), float(quiet.poll_idle), quiet.timestamp_unit) == (2, 30, "raw")
