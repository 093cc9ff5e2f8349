"""The pages of "Continuous Failover Protected Domain": only those that this site needs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from textual import events
from textual.widget import Widget

from drdeck.console.format import Line, left, wrap
from drdeck.console.widgets.controls import Push
from drdeck.console.widgets.network_mapping import (
    HOW_TO_CHANGE,
    HOW_TO_CHOOSE,
    MappingHead,
    NetworkMapping,
    missing,
)
from drdeck.console.widgets.status_bars import owner_text, pitr_text
from drdeck.console.widgets.text_lines import Lines
from drdeck.model.actions.confirming import Preview
from drdeck.model.domains import Domain
from drdeck.model.text import clean, some

from .dialog import CANCEL, Dialog, paragraph

TITLE = "Continuous Failover Protected Domain"
GENERAL, VM_SETTINGS, SUMMARY = "1. General", "2b. VM Settings", "5. Summary"
NEXT, BACK = "next", "back"
CHOOSING = f"{HOW_TO_CHOOSE} that have none yet"


def pages_for(domain: Domain) -> list[str]:
    """The pages that this site asks for."""
    return [GENERAL, VM_SETTINGS, SUMMARY] if domain.networks.protected else [GENERAL, SUMMARY]


def vms_text(domain: Domain) -> str:
    if domain.vms_recoverable >= domain.vms_total:
        return f"{domain.vms_total}, all recoverable now"
    return f"{domain.vms_total}, {domain.vms_recoverable} of them recoverable now"


def fact(label: str, value: str) -> Line:
    return ((left(label, 22), "dim"), (value, "bold"))


class Page(Dialog[str]):
    """One page: answers "next", "back" or None."""

    AUTO_FOCUS = "#next"
    GUARD = False

    def __init__(self, page: str, pages: Sequence[str], domain: Domain) -> None:
        super().__init__(TITLE)
        self.page, self.pages, self.domain = page, tuple(pages), domain

    def body(self) -> Iterable[Widget]:
        place = f"Step {self.pages.index(self.page) + 1} of {len(self.pages)}: "
        marks = [(f">{p}  ", "key") if p == self.page else (f" {p}  ", "dim") for p in self.pages]
        yield Lines(((place, "bold"), *marks), (), id="pages")
        yield from self.content()

    def content(self) -> Iterable[Widget]:
        return ()

    def buttons(self) -> Iterable[Push]:
        yield Push("Cancel", id="cancel")
        if self.page != self.pages[0]:
            yield Push("Back", id="back")
        yield Push("Next", id="next")

    def pressed(self, push: Push) -> None:
        self.dismiss(BACK if push.id == "back" else NEXT)


class GeneralPage(Page):
    """The domain that is failed over, and its VMs."""

    def content(self) -> Iterable[Widget]:
        domain = self.domain
        vms = some([clean(vm.name) for vm in domain.vms], most=12)
        yield Lines(
            fact("Protected Domain", clean(domain.name)),
            fact("VMs", vms_text(domain)),
            fact("Owner Site", owner_text(domain)),
            fact("PITR", pitr_text(domain)),
            (),
        )
        if vms:
            yield paragraph(vms)


class VmSettingsPage(Page):
    """Protected network -> recovery network. Without a choice for each there is no Next."""

    AUTO_FOCUS = "NetworkMapping"

    def __init__(self, page: str, pages: Sequence[str], domain: Domain, networks: Mapping[str, str]) -> None:
        super().__init__(page, pages, domain)
        self.targets = dict(networks)

    def content(self) -> Iterable[Widget]:
        yield MappingHead()
        mapping = NetworkMapping(self.domain.networks)
        mapping.targets = dict(self.targets)
        yield mapping
        yield Lines((), ((CHOOSING, "dim"),), id="todo")

    def ready(self) -> None:
        super().ready()
        self._say()
        if not missing(self.domain.networks, self.targets):
            self.query_one("#next", Push).focus()

    def keys(self) -> list[tuple[str, str]]:
        table = next(iter(self.query(NetworkMapping)), None)
        lists = table is not None and table.has_focus and table.row in missing(table.networks, table.targets)
        enter = ("enter", "List" if lists else "Go on")
        return [("← →", "Choose"), ("=", "Same for all"), enter, ("tab", "Next"), CANCEL]

    def before_key(self, event: events.Key) -> bool:
        """The keys of the table work from the buttons too: the line below promises them."""
        table = self.query_one(NetworkMapping)
        if table.has_focus:
            return False
        if event.key in ("left", "right"):
            self.set_focus(table)  # the key goes there, and chooses
            return False
        return table.takes(event.key)

    def resized(self) -> None:
        self._say()

    def on_network_mapping_changed(self, event: NetworkMapping.Changed) -> None:
        self.targets = dict(event.mapping.targets)
        self._say()

    def on_network_mapping_settled(self, event: NetworkMapping.Settled) -> None:
        button = self.query_one("#next", Push)
        if event.behind_same:
            self.pressed(button)
        else:
            button.focus()

    def _say(self) -> bool:
        open_ones = missing(self.domain.networks, self.targets)
        text = f"Choose a recovery network for {', '.join(map(clean, open_ones))}"
        lines = [((part, "warn"),) for part in wrap(text, self.text_width)] if open_ones else []
        self.query_one("#todo", Lines).put([(), *lines, ((CHOOSING if open_ones else HOW_TO_CHANGE, "dim"),)])
        self.draw_keys()
        return not open_ones

    def pressed(self, push: Push) -> None:
        if push.id == "back" or self._say():
            super().pressed(push)
        else:
            self.query_one(NetworkMapping).focus()


class SummaryPage(Page):
    """All that was chosen, what the site says to it; the last button has to be gone to.

    Cancel has the focus, as wherever something is started; the form as it was filled in is kept.
    """

    AUTO_FOCUS = "#cancel"
    GUARD = True

    def __init__(
        self, page: str, pages: Sequence[str], domain: Domain, networks: Mapping[str, str], preview: Preview
    ) -> None:
        super().__init__(page, pages, domain)
        self.targets, self.preview = dict(networks), preview

    def content(self) -> Iterable[Widget]:
        lines = [
            fact("Protected Domain", clean(self.domain.name)),
            fact("VMs", str(len(self.preview.vms) or self.domain.vms_total)),
            fact("PITR", pitr_text(self.domain)),
        ]
        for source, target in self.targets.items():
            lines.append(fact("Network", f"{clean(source)} → {clean(target)}"))
            if place := self.domain.networks.places.get(target):
                lines.append(fact("", clean(place)))
        yield Lines(*lines, ())
        yield from (paragraph(text) for text in self.preview.says)
        yield from (paragraph(f"Not checked: {text}") for text in self.preview.not_checked)
        if self.preview.refusal:
            yield paragraph(f"Not possible now: {self.preview.refusal}", "bad")

    def buttons(self) -> Iterable[Push]:
        yield Push("Back", id="back")
        yield Push("Cancel", id="cancel")
        yield Push("Continuous Failover", id="next", disabled=self.preview.refusal is not None)
