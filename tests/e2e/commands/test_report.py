"""`drdeck report`: the evidence of one failover, out of the journal."""

from __future__ import annotations

import html
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.deck import Deck


@pytest.fixture(scope="module")
def deck(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deck]:
    """A site whose domain "files" would not go by plan, was forced, rolled back and left."""
    directory = tmp_path_factory.mktemp("report")
    deck = Deck(directory, '[sites.training]\nkind = "training"\nscenario = "stubborn-vm"\nspeed = 600\n')
    deck.here = True
    words = ("--run-pitr", "--network", "*=DRSeg", "--wait")
    deck.run("cfo", "complete", "files", "--type", "planned", *words, code=4)
    deck.run("answer", "files", "abort")
    deck.run("watch", "files", "--until", "synchronised", "--timeout", "60")
    consent = ("--confirm", "files", "--even-though", "answers,vms-running")
    deck.run("cfo", "complete", "files", "--type", "force", *words, *consent, code=4)
    deck.run("answer", "files", "skip")
    deck.run("watch", "files", "--until", "session", "--timeout", "60")
    point = deck.json("pitr", "points", "files")["points"][-1]["time"]
    deck.run("pitr", "run", "files", "--to", point, "--confirm", "files", "--wait")
    deck.run("pitr", "exit", "files", "--wait")
    yield deck
    deck.stop()


def report(deck: Deck, word: str = "files") -> dict[str, Any]:
    return deck.json("report", word)


def test_it_has_the_whole_failover(deck: Deck) -> None:
    evidence = report(deck)
    completion, planned = [op for op in deck.json("tasks")["operations"] if op["action"] == "cfo_complete"]
    assert {name: evidence[name] for name in completion} == completion
    assert evidence["request"]["networks"] and evidence["request"]["run_pitr"] is True
    assert [op["action"] for op in evidence["followed"]] == ["pitr_run", "pitr_exit"]
    assert evidence["result"]["rolled_back_to"] and evidence["result"]["unprotected_s"]
    (question,) = evidence["questions"]
    assert question["choice"] == "skip" and "did not power on" in question["text"]
    assert any("still answers" in fact for fact in evidence["against"])
    assert evidence["steps"] and evidence["journal"]["sound"]
    assert evidence["way_back"], "what is open of its way back"
    assert report(deck, evidence["id"]) == evidence

    before = report(deck, planned["id"])
    assert before["state"] == "aborted" and before["followed"] == []
    (question,) = before["questions"]
    assert question["choice"] == "abort" and question["by"] and "shut down" in question["text"]


def test_people_read_the_same_in_two_forms(deck: Deck, tmp_path: Path) -> None:
    text = deck.run("report", "files").stdout
    assert text.startswith(f"# {report(deck)['id']}: Failover (force) of files\n")
    for heading in ("Request", "Result", "What followed", "The way back, as it stands now"):
        assert f"\n## {heading}\n" in text
    assert "| Consented although | answers, vms-running |" in text
    file = tmp_path / "new" / "files.html"
    planned = deck.json("tasks", "--domain", "files")["operations"][-1]["id"]
    done = deck.run("report", planned, "--format", "html", "-o", str(file))
    assert (done.stdout, done.stderr) == ("", f"written to {file}\n")
    page = file.read_text("utf-8")
    (question,) = report(deck, planned)["questions"]
    assert html.escape(question["text"]) in page and page.endswith("</body></html>\n")
    assert file.stat().st_mode & 0o077 == 0


def test_neither_site_nor_controller_is_needed(deck: Deck) -> None:
    before = report(deck)
    deck.run("controller", "stop", "--force")
    after = json.loads(deck.run("report", "files", "--format", "json").stdout)
    assert after["way_back"] is None and after["result"] == before["result"]
    assert "Not asked: no controller of the site runs here" in deck.run("report", "files").stdout
    assert deck.run("controller", "status", code=None).returncode == 1, "none was started for it"


def test_what_is_not_in_the_journal_is_refused(deck: Deck) -> None:
    refusal = deck.run("report", "mail", code=2)
    assert 'no operation "mail"' in refusal.stderr and deck.typed("tasks") in refusal.stderr
