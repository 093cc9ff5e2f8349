"""The first start without settings, and a site added from the console."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from drdeck.cli.context import Context
from drdeck.cli.host import site_adding
from drdeck.config.settings import SettingsError, VSphereSettings
from drdeck.config.settings_file import load
from drdeck.console.dialogs.choose_lesson import LessonRow
from drdeck.controller.ipc.client import ControllerError, UnknownCertificate
from drdeck.model.certificates import Certificate
from tests.support.console.console_deck import Deck, running
from tests.support.console.fake_client import FakeClient, domain, operation
from tests.support.vcenter.vcsim import VCenter

WORD = "No settings yet: this is the training site"
SHA = ":".join(f"{number:02X}" for number in range(32))


class Adder:
    """What the form hands over; `refuses` are the answers before the last one."""

    def __init__(self, *refuses: str, met: bool = False) -> None:
        self.site_answers: list[dict[str, Any]] = []
        self.refuses, self.met = list(refuses), met

    async def __call__(self, answers: dict[str, Any]) -> str:
        self.site_answers.append(answers)
        if self.refuses and self.met:
            raise UnknownCertificate(self.refuses.pop(0), Certificate(thumbprint=SHA, subject="vc"))
        if self.refuses:
            raise ControllerError("unreachable", self.refuses.pop(0))
        return "west answers: 3 Protected Domains\nit was written"


def training(**more: Any) -> FakeClient:
    return FakeClient(domain(), kind="training", **more)


async def test_the_list_has_the_focus_and_the_word_stands_above_it() -> None:
    async with running(training(), fresh=True, add_site=Adder(), lessons=lessons) as deck:
        await deck.sees(WORD, "S Add a vCenter site", "L Training lessons", "erp-prod")
        assert deck.focused() == "domains"
        await deck.press("enter")
        await deck.sees("Protected VMs")
        await deck.press("escape")
        await deck.sees(WORD)
        await deck.press("escape")
        await deck.until(lambda: WORD not in deck.text, "hidden")
        await deck.sees("erp-prod")


@pytest.mark.parametrize(
    ("client", "fresh"),
    [
        (training(), False),
        (FakeClient(domain()), True),
        (training(operations=(operation("cfo_start", state="done", ended_at=None),)), True),
    ],
    ids=["settings", "no training site", "something was done"],
)
async def test_the_word_is_for_the_first_start_only(client: FakeClient, fresh: bool) -> None:
    async with running(client, fresh=fresh) as deck:
        await deck.sees("erp-prod")
        assert WORD not in deck.text


def lessons() -> list[LessonRow]:
    return [
        LessonRow("1", "The whole flow", "finished", "enter begins it anew", 5),
        LessonRow("2", "Find the last good point", "1 of 4", "enter continues it", 3),
        LessonRow("3", "The site is lost", "-", "enter begins it"),
    ]


async def test_a_lesson_is_chosen_by_key_or_in_the_palette_and_the_console_ends_for_it() -> None:
    async with running(training(), fresh=True, lessons=lessons) as deck:
        await deck.press("L")
        await deck.sees("Training lessons", "> 2 (3 min)    Find the last good point", "enter continues it")
        await deck.press("down")
        await deck.sees("> 3            The site is lost", "enter begins it")
        await deck.press("escape")
        assert deck.app.lesson is None
        await deck.press("colon")
        await deck.type("lessons")
        await deck.press("enter")
        await deck.sees("The whole flow")
        await deck.press("up", "enter")
        await deck.until(lambda: deck.app.lesson == "1", "chosen")
        await deck.until(lambda: deck.app._exit, "ended")


async def test_lessons_are_for_training_sites() -> None:
    async with running(FakeClient(domain()), lessons=lessons) as deck:
        await deck.press("L")
        await deck.sees("lessons are for training sites")
        await deck.press("question_mark")
        await deck.sees("Keys of this screen")
        assert "Training lessons" not in deck.text


async def fill(deck: Deck, **more: str) -> None:
    await deck.press("S")
    await deck.sees("Add a vCenter site", "Name of the site")
    answers = {"name": "west", "url": "https://vc/sdk", "username": "u@v", "root": "/DC0/vm/x", **more}
    for name in ("name", "url", "username", "root", "ca_file", "thumbprint", "password"):
        await deck.type(answers.get(name, ""))
        await deck.press("enter")
    assert deck.focused() == "add"


async def test_adding_a_site() -> None:
    add = Adder()
    async with running(training(), fresh=True, add_site=add) as deck:
        await fill(deck, password="secret")
        assert "secret" not in deck.text
        await deck.press("enter")
        await deck.sees("A site was added", "west answers: 3 Protected Domains", "it was written")
        await deck.press("enter")
        assert WORD not in deck.text
    assert add.site_answers == [
        {
            "name": "west", "url": "https://vc/sdk", "username": "u@v", "root": "/DC0/vm/x",
            "ca_file": "", "thumbprint": "", "password": "secret", "insecure": False,
            "protected_url": "", "protected_username": "", "protected_root": "", "network": "",
        }
    ]  # fmt: skip


@pytest.mark.parametrize("size", [(80, 24), (60, 16)])
async def test_what_is_missing_is_said_and_what_the_site_says_too(size: tuple[int, int]) -> None:
    """Also where the end of the form stands below the edge."""
    add = Adder("no answer in time")
    async with running(training(), size=size, add_site=add) as deck:
        await fill(deck, url="")
        await deck.press("enter")
        await deck.sees("vCenter address is missing")
        assert deck.focused() == "url"
        await deck.type("https://vc/sdk")
        await deck.press(*["tab"] * 12, "enter")
        await deck.sees("no answer in time")
        assert len(add.site_answers) == 1


@pytest.mark.parametrize(("keys", "pinned"), [(("enter",), False), (("tab", "enter"), True)])
async def test_a_certificate_met_first_is_shown_and_pinned_only_when_told_so(
    keys: tuple[str, ...], pinned: bool
) -> None:
    untrusted = f"the certificate of vc (SHA-256 {SHA}) is not trusted: self-signed; set ca_file"
    add = Adder(untrusted, met=True)
    async with running(training(), add_site=add) as deck:
        await fill(deck)
        await deck.press("enter")
        await deck.sees("Unknown certificate", SHA[:40])
        assert deck.focused() == "cancel"
        await deck.press(*keys)
        if pinned:
            await deck.sees("A site was added")
            assert add.site_answers[-1]["thumbprint"] == SHA
        else:
            await deck.sees("is not trusted", "Test and add")
            assert len(add.site_answers) == 1


async def test_a_changed_certificate_cannot_be_pinned_in_passing() -> None:
    add = Adder(f"the certificate of vc has the SHA-256 thumbprint {SHA}, and another is pinned")
    async with running(training(), add_site=add) as deck:
        await fill(deck, thumbprint="AB" * 32)
        await deck.press("enter")
        await deck.sees("another is pinned", "Test and add")


def site_answers(**more: Any) -> dict[str, Any]:
    fields = {"name": "west", "url": "https://vc/sdk", "username": "u", "root": "/DC0/vm/x", "password": "p"}
    return {**fields, "ca_file": "", "thumbprint": "", "insecure": False, **more}


@pytest.fixture
def answering(monkeypatch: pytest.MonkeyPatch) -> None:
    async def look(name: str, settings: object, ask: Any) -> str:
        ask()
        return f"{name} answers: 3 Protected Domains"

    monkeypatch.setattr(site_adding, "look", look)


@pytest.mark.usefixtures("answering")
async def test_both_ways_write_the_same(tmp_path: Path) -> None:
    config = tmp_path / "new" / "settings.toml"
    outcome = await site_adding.add_from_console(config, site_answers())
    assert "3 Protected Domains" in outcome
    assert "drdeck --site west" in outcome
    assert load(config).default_site == "west"
    await site_adding.add(config, site_answers(name="east", insecure=True), lambda: "p")
    assert set(load(config).sites) == {"west", "east"}
    assert load(config).default_site == "west"
    assert '"p"' not in config.read_text()
    with pytest.raises(SettingsError, match="already"):
        await site_adding.add(config, site_answers(), lambda: "p")


@pytest.mark.usefixtures("answering")
async def test_the_protected_site_and_the_networks_are_written_with_it(tmp_path: Path) -> None:
    config = tmp_path / "settings.toml"
    more = {"protected_url": "https://prod/sdk", "protected_root": "/DC0/vm/prod", "network": "DRSeg"}
    outcome = await site_adding.add_from_console(config, site_answers(**more))
    assert "its protected site was not tried: drdeck --site west doctor" in outcome
    site = load(config).site("west")
    assert isinstance(site, VSphereSettings) and site.protected is not None
    protected = site.protected
    assert (protected.url, protected.username, protected.root) == ("https://prod/sdk", "u", "/DC0/vm/prod")
    assert site.networks == {"*": "DRSeg"}


@pytest.mark.usefixtures("answering")
@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"url": "http://vc"}, "sites.west.url: 'http://vc' is not"),
        ({"name": "a b"}, "a site's name has letters"),
        ({"password": ""}, "needs the password"),
        ({"protected_root": "/DC0/vm/prod"}, "the address of the protected vCenter is missing"),
        ({"insecure": True, "ca_file": "/x"}, "exclude each other"),
    ],
)
async def test_a_wrong_form_is_told_without_a_place_in_a_file(
    tmp_path: Path, more: dict[str, Any], says: str
) -> None:
    config = tmp_path / "settings.toml"
    with pytest.raises(ControllerError) as caught:
        await site_adding.add_from_console(config, site_answers(**more))
    assert says in str(caught.value)
    assert str(config) not in str(caught.value)
    assert not config.exists()


def test_what_counts_as_a_first_start(tmp_path: Path) -> None:
    config = tmp_path / "settings.toml"

    def context(site: str | None = None) -> Context:
        return Context(config, False, site, tmp_path, False)

    assert context().fresh
    assert not Context(config, False, None, tmp_path, False, scenario="ransomware").fresh, "asked for"
    config.write_text("")
    assert not context().fresh


async def test_a_real_vcenter_met_first(vcenter: VCenter, tmp_path: Path) -> None:
    """Its certificate is nobody's: shown, pinned, and from then on the only one that is taken."""
    root = vcenter.layout({"erp-prod": ["erp-db01"]})
    config = tmp_path / "settings.toml"

    async def add(answers: dict[str, Any]) -> str:
        return await site_adding.add_from_console(config, answers)

    async with running(training(), fresh=True, add_site=add) as deck:
        fields = {"url": vcenter.url, "username": vcenter.user, "root": root, "password": vcenter.password}
        await fill(deck, **fields)
        await deck.press("enter")
        await deck.sees("Unknown certificate", vcenter.thumbprint[:47])
        assert not config.exists()
        await deck.press("tab", "enter")
        await deck.sees("A site was added", "west answers: 1 Protected Domains")
    site = load(config).site("west")
    assert isinstance(site, VSphereSettings)
    assert site.thumbprint == vcenter.thumbprint
