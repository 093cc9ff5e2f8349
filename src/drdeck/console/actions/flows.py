"""The flow of each action: dialogs one after another, then the request.

Each flow is a coroutine in a worker of its own; it waits for dialogs and for the controller, and
touches no widget. Nothing is asked of the controller before the last dialog was confirmed.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime

import msgspec

from drdeck.console.dialogs import failover_wizard
from drdeck.console.dialogs.complete_failover import CompleteDialog
from drdeck.console.dialogs.confirmation import Confirm, ConfirmByName, Notice
from drdeck.console.format import stamp
from drdeck.console.ports import Console
from drdeck.controller.asking.requests import changes
from drdeck.controller.ipc.client import ControllerError, Disconnected
from drdeck.model.actions.action_table import BY_NAME, READ_ONLY
from drdeck.model.actions.confirming import ROLLBACK_SAYS, SESSION_SAYS, SUSPENDED_SAYS, Preview
from drdeck.model.actions.request import Request
from drdeck.model.domains import Domain, FailoverType
from drdeck.model.text import clean

REHYDRATION_SAYS = "Continuous rehydration ends here, and this site takes the domain over."
FORCE_SAYS = (
    "You declare {} lost. drdeck contacts nothing there: complete ownership of the domain passes to this"
    " site at once."
)
NOTHING = "Cancelled; nothing was started"


def force_says(preview: Preview) -> str:
    """The declaration that a Force Failover is."""
    return FORCE_SAYS.format(preview.protected.address or "the protected site")


async def refused(app: Console, title: str, text: str) -> None:
    """One clear sentence."""
    await app.ask(Notice(title, [text]))


async def domain_of(app: Console, name: str) -> Domain | None:
    """The domain in full as it is now; says so when there is none."""
    answer = await app.client.show(name)
    if answer.detail.domain is None:
        await refused(app, "No such domain", f'The site has no domain named "{name}" any more')
    return answer.detail.domain


async def ask_and_submit(
    app: Console, request: Request, confirm: Callable[[Preview], Awaitable[Request | None]]
) -> str | None:
    """Preview, have it confirmed, submit; when things changed meanwhile, say what and ask again."""
    label = BY_NAME[request.action].label
    if app.read_only:
        await refused(app, label, READ_ONLY)
        return None
    app.say("looking at the site ...")
    preview = await app.client.preview(request)
    app.say("")
    while True:
        if preview.refusal:
            await refused(app, label, preview.refusal)
            return None
        confirmed = await confirm(preview)
        if confirmed is None:
            app.say(NOTHING)
            return None
        app.dialog_queue.expect(False)
        try:
            operation = await app.client.submit(msgspec.structs.replace(confirmed, preview=preview.facts))
        except Disconnected:
            await refused(
                app,
                "Not known whether it was accepted",
                f"The connection to the controller was lost while it was asked for {label} of"
                f' "{request.domain}". Look at the Task Log before asking again.',
            )
            return None
        except ControllerError as error:
            if error.code != "stale":
                await refused(app, label, str(error))
                return None
            fresh = await app.client.preview(request)
            differs = changes(preview.facts, fresh.facts) or [str(error)]
            title = "Things changed while you confirmed"
            says = [f"Nothing was started. {label} can be confirmed as things are now."]
            if not await app.ask(Confirm(title, says, "Back to the form", differs)):
                app.say(NOTHING)
                return None
            preview = fresh
        else:
            app.drafts.pop((request.action, request.domain), None)
            app.say_briefly(f"{label} of {request.domain}: accepted")
            return operation


def kept_networks(draft: Request | None, domain: Domain) -> dict[str, str]:
    """The networks of a cancelled form, as far as both sites still have them."""
    if draft is None:
        return {}
    networks = domain.networks
    return {a: b for a, b in draft.networks.items() if a in networks.protected and b in networks.recovery}


async def start_continuous_failover(app: Console, name: str) -> str | None:
    """The wizard."""
    domain = await domain_of(app, name)
    if domain is None:
        return None
    pages = failover_wizard.pages_for(domain)
    draft = app.drafts.get(("cfo_start", name))
    networks = {**domain.networks.proposed, **kept_networks(draft, domain)}

    async def walk(preview: Preview, place: int) -> Request | None:
        nonlocal networks
        while True:
            page: failover_wizard.Page
            if pages[place] == failover_wizard.GENERAL:
                page = failover_wizard.GeneralPage(failover_wizard.GENERAL, pages, domain)
            elif pages[place] == failover_wizard.VM_SETTINGS:
                page = failover_wizard.VmSettingsPage(failover_wizard.VM_SETTINGS, pages, domain, networks)
            else:
                page = failover_wizard.SummaryPage(failover_wizard.SUMMARY, pages, domain, networks, preview)
            answer = await app.ask(page)
            if isinstance(page, failover_wizard.VmSettingsPage):
                networks = page.targets
            if answer is None:
                app.drafts["cfo_start", name] = Request(action="cfo_start", domain=name, networks=networks)
                return None
            place += 1 if answer == failover_wizard.NEXT else -1
            request = Request(action="cfo_start", domain=name, networks=networks)
            if place == len(pages):
                return request
            if pages[place] == failover_wizard.SUMMARY:
                preview = await app.client.preview(request)

    first = True

    async def confirm(preview: Preview) -> Request | None:
        nonlocal first
        place, first = (0 if first else len(pages) - 1), False
        return await walk(preview, place)

    request = Request(action="cfo_start", domain=name, networks=networks)
    return await ask_and_submit(app, request, confirm)


async def complete_failover(app: Console, name: str) -> str | None:
    """The Complete dialog, then the messages that apply, one after another."""
    domain = await domain_of(app, name)
    if domain is None:
        return None
    dialog = CompleteDialog(domain, app.client.preview, app.drafts.get(("cfo_complete", name)))
    request = await app.ask(dialog)
    app.drafts["cfo_complete", name] = dialog.draft
    if request is None:
        app.say(NOTHING)
        return None

    async def confirm(preview: Preview) -> Request | None:
        says = list(preview.says)
        consented = request
        if request.run_pitr:
            text = says.pop(0) if len(says) > 1 else SESSION_SAYS
            notice = Confirm("PITR session", [text], "Continue", key="y", warns=preview.warns)
            if not await app.ask(notice):
                return None
        rehydration = [f"Protected Domain {name}", *(says or [REHYDRATION_SAYS])]
        if request.type is not FailoverType.FORCE:
            agreed = await app.ask(
                Confirm("Continuous rehydration", rehydration, "Confirm", warns=preview.dangers)
            )
            return request if agreed else None
        if not await app.ask(Confirm("Continuous rehydration", rehydration, "Continue", key="y")):
            return None
        if preview.against and not await app.ask(
            Confirm(
                "Force failover: not needed, the site is up",
                ["Warning:"],
                "Force anyway",
                warns=preview.against,
                key="y",
            )
        ):
            return None
        consented = msgspec.structs.replace(consented, even_though=preview.against_names)
        warns = [*preview.dangers, *preview.against]
        agreed = await app.ask(
            ConfirmByName("Force failover", [force_says(preview)], "Confirm", name, warns=warns)
        )
        return msgspec.structs.replace(consented, confirm=name) if agreed else None

    return await ask_and_submit(app, request, confirm)


async def start_session(app: Console, name: str) -> str | None:
    """Start PITR Session by hand."""
    request = Request(action="pitr_start", domain=name)

    async def confirm(preview: Preview) -> Request | None:
        says = [f"Protected Domain {name}", *(preview.says or (SUSPENDED_SAYS,))]
        warns = [*preview.warns, *(f"Not checked: {text}" for text in preview.not_checked)]
        dialog = Confirm("Start PITR Session", says, "Start PITR Session", warns=warns)
        return request if await app.ask(dialog) else None

    return await ask_and_submit(app, request, confirm)


async def roll_back(app: Console, name: str, to: datetime, vms: tuple[str, ...], total: int) -> str | None:
    """Confirm and ask for a rollback; `vms` empty for all. Returns the operation's id."""
    request = Request(action="pitr_run", domain=name, to=to, vms=vms)

    async def confirm(preview: Preview) -> Request | None:
        which = "all its VMs" if not vms else f"{len(vms)} of {total} VMs: {', '.join(map(clean, vms))}"
        says = [f"Roll {name} back to {stamp(to)}, {which}.", *(preview.says or (ROLLBACK_SAYS,))]
        warns = [*preview.dangers, *preview.warns, *(f"Not checked: {text}" for text in preview.not_checked)]
        if preview.tier < 3:
            return request if await app.ask(Confirm("Run PITR", says, "Run PITR", warns=warns)) else None
        agreed = await app.ask(ConfirmByName("Run PITR", says, "Run PITR", name, warns=warns))
        return msgspec.structs.replace(request, confirm=name) if agreed else None

    return await ask_and_submit(app, request, confirm)


async def exit_session(app: Console, name: str) -> str | None:
    """ "Exit PITR Session" in both forms: with a rollback, or with the domain's name typed."""
    request = Request(action="pitr_exit", domain=name)

    async def confirm(preview: Preview) -> Request | None:
        title = "Exit PITR Session"
        says = [f"Protected Domain {name}", *preview.says]
        warns = list(preview.dangers)
        if preview.tier < 3:
            sure = Confirm(title, says[:1], title, warns, after=says[1:])  # VMs that fail are read first
            return request if await app.ask(sure) else None
        agreed = await app.ask(ConfirmByName(title, says[:1], title, name, warns=[*warns, *says[1:]]))
        return msgspec.structs.replace(request, confirm=name) if agreed else None

    return await ask_and_submit(app, request, confirm)


async def make_entry_points(app: Console, name: str) -> str | None:
    """Make the entry points of VMs that have none in the session."""
    request = Request(action="pitr_entry", domain=name)

    async def confirm(preview: Preview) -> Request | None:
        title = "Make Entry Points"
        return request if await app.ask(Confirm(title, list(preview.says), title)) else None

    return await ask_and_submit(app, request, confirm)


async def take_over(app: Console, name: str) -> str | None:
    """Drive a domain from here; with the name typed while somebody else is at work."""
    request = Request(action="take_over", domain=name)

    async def confirm(preview: Preview) -> Request | None:
        title = "Take Over"
        if preview.tier < 3:
            return request if await app.ask(Confirm(title, list(preview.says), title)) else None
        agreed = await app.ask(ConfirmByName(title, [], title, name, warns=preview.says))
        return msgspec.structs.replace(request, confirm=name) if agreed else None

    return await ask_and_submit(app, request, confirm)


async def restore_record(app: Console, name: str) -> str | None:
    """Write a removed record back."""
    return await _named_record_action(app, name, "record_restore", "Write Record Back")


async def accept_removal(app: Console, name: str) -> str | None:
    """Go on without a record that was removed."""
    return await _named_record_action(app, name, "record_accept", "Accept Removal")


async def _named_record_action(app: Console, name: str, action: str, title: str) -> str | None:
    """Decide on a record that was removed, with the domain's name typed."""
    request = Request(action=action, domain=name)

    async def confirm(preview: Preview) -> Request | None:
        agreed = await app.ask(ConfirmByName(title, list(preview.says), title, name, warns=[]))
        return msgspec.structs.replace(request, confirm=name) if agreed else None

    return await ask_and_submit(app, request, confirm)


FLOWS: dict[str, Callable[[Console, str], Awaitable[str | None]]] = {
    "cfo_start": start_continuous_failover,
    "cfo_complete": complete_failover,
    "pitr_start": start_session,
    "pitr_exit": exit_session,
    "pitr_entry": make_entry_points,
    "take_over": take_over,
    "record_restore": restore_record,
    "record_accept": accept_removal,
}
"""Each returns the operation that it led to. pitr_run has a screen of its own."""
