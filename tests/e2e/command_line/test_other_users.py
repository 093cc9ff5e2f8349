"""Other users of the jump host: they cannot attach, read or write, nor put anything in drdeck's way."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from drdeck import private_files
from drdeck.cli.host import site_adding
from drdeck.config.settings import SettingsError
from drdeck.config.settings_file import load
from drdeck.controller.ipc import protocol as p
from drdeck.controller.ipc.client import Client, ControllerError
from drdeck.controller.journal.event_store import Journal, JournalError
from tests.support.deck import Deck
from tests.support.serving import served
from tests.support.stranger import NOBODY, as_nobody, needs_root, open_directory
from tests.support.waiting import eventually

DOMAIN = "erp-prod"
VCENTER = """
[sites.west]
kind = "vsphere"
url = "https://vcsa/sdk"
username = "drdeck"
root = "/DC0/vm/drdeck"
"""


@pytest.fixture
def anywhere() -> Iterator[Path]:
    yield from open_directory()


@pytest.fixture
def loose_umask() -> Iterator[None]:
    """As loose as a login can be."""
    old = os.umask(0)
    yield
    os.umask(old)


class Placed(Deck):
    """A deck whose state is where --state says, or (`state` None) where the system wants it."""

    usual = False

    @property
    def arguments(self) -> list[str]:
        return super().arguments[:2] if self.usual else super().arguments

    def use_usual(self, **env: Path) -> None:
        self.usual = True
        for name in ("XDG_STATE_HOME", "XDG_CONFIG_HOME", "XDG_RUNTIME_DIR"):
            self.env.pop(name, None)
        self.env |= {name: str(path) for name, path in env.items()}

    def work(self) -> None:
        """Have drdeck write all that it writes on a training site and in a lesson."""
        mapping = [f"--network=VM_{number}=DRSeg" for number in (3510, 3520, 3530)]
        self.run("cfo", "start", DOMAIN, *mapping)
        self.run("domains")
        self.run("audit", "verify")
        self.run("train", "1", "--judge", "--result", str(self.directory / "result.json"))

    def stop(self) -> None:
        self.run("train", "1", "--", "controller", "stop", "--force", code=None)
        super().stop()


@pytest.fixture
def deck(tmp_path: Path, anywhere: Path) -> Iterator[Placed]:
    new_deck = Placed(tmp_path)
    yield new_deck
    new_deck.stop()


@needs_root
@pytest.mark.parametrize("where", ["given", "usual", "without a runtime directory"])
def test_nothing_of_it_is_for_others(deck: Placed, anywhere: Path, loose_umask: None, where: str) -> None:
    home, run = anywhere / "home", anywhere / "run"
    home.mkdir(mode=0o755)
    run.mkdir(mode=0o700)
    deck.directory, deck.state = anywhere, anywhere / "state"
    if where == "usual":
        deck.use_usual(HOME=home, XDG_RUNTIME_DIR=run)
    elif where != "given":
        run.chmod(0o1777)
        deck.use_usual(HOME=home, TMPDIR=run)
    deck.work()
    mine = [path for path in anywhere.rglob("*") if path not in (home, run)]
    doors = [path for path in mine if path.is_socket()]
    assert len(doors) == (2 if where == "given" else 3), "the site's controller's, and the lesson's"
    names = {path.name for path in mine}
    assert {"journal.db", "journal.db-wal", "journal.db-shm", "controller.log", "controller.lock"} <= names
    assert {"training-ransomware.db", "progress.json", "settings.toml", "result.json"} <= names
    assert [str(path) for path in mine if stat.S_IMODE(path.lstat().st_mode) & 0o077] == []

    def try_all() -> list[str]:
        got = []
        for path in mine:
            for mode in ("rb", "ab"):
                with contextlib.suppress(OSError), path.open(mode):
                    got.append(f"opened {path}")
            with contextlib.suppress(OSError):
                got.append(f"listed {list(path.iterdir())}")
            with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as sock:
                sock.connect(str(path))
                got.append(f"connected {path}")
            with contextlib.suppress(OSError):
                path.unlink()
                got.append(f"removed {path}")
        return got

    assert as_nobody(try_all) == "[]"


@needs_root
async def test_who_is_at_the_other_end_is_asked_too(anywhere: Path) -> None:
    """Also where somebody has opened the doors of the file system, nobody else is served."""
    async with served(anywhere) as rig:
        rig.path.parent.chmod(0o777)
        rig.path.chmod(0o666)

        def attach() -> bytes:
            with socket.socket(socket.AF_UNIX) as sock:
                sock.settimeout(60)
                sock.connect(str(rig.path))
                with contextlib.suppress(OSError):
                    sock.sendall(p.line(p.Hello(version=p.VERSION, who="mallory@here")))
                    sock.sendall(p.line(p.Ask(id=1, what="listing")))
                reply = b""
                with contextlib.suppress(ConnectionResetError):
                    while data := sock.recv(65536):
                        reply += data
                return reply

        reply = await asyncio.to_thread(as_nobody, attach)
        assert "serves another user" in reply and "erp" not in reply and reply.count("\\n") == 1
        assert not rig.server.consoles


# -- what another user has put there before


def stays_empty(directory: Path) -> None:
    assert sorted(path.name for path in directory.iterdir()) == []


@needs_root
@pytest.mark.parametrize("what", ["directory", "site's directory", "link", "loose", "loose above"])
def test_a_directory_in_the_way_is_refused(deck: Placed, anywhere: Path, what: str) -> None:
    target = anywhere / "target"
    if what == "directory":
        deck.state = anywhere / "state"
        as_nobody(lambda: deck.state.mkdir(mode=0o777))
        target, blamed = deck.state, f"{deck.state} belongs to another user ({NOBODY})"
    elif what == "site's directory":
        deck.state = anywhere
        target = anywhere / "training-ransomware"
        as_nobody(lambda: target.mkdir(mode=0o777))
        blamed = f"{target} belongs to another user ({NOBODY})"
    elif what == "link":
        target.mkdir()  # of ours, where nothing of ours shall be written
        deck.state = anywhere / "state"
        as_nobody(lambda: deck.state.symlink_to(target))
        blamed = f"the link {deck.state} belongs to another user ({NOBODY})"
    elif what == "loose":
        deck.state = target
        target.mkdir()
        target.chmod(0o777)
        blamed = f"other users can write to the directory {target}"
    else:
        above = anywhere / "above"
        above.mkdir()
        above.chmod(0o777)
        deck.state = target = above / "state"
        blamed = f"other users can write to the directory {above}"
    lesson = [] if what == "site's directory" else [("train", "1", "--judge")]
    for words in [("domains",), ("controller", "start"), ("controller", "status"), *lesson]:
        refusal = deck.run(*words, code=1).stderr
        assert blamed in refusal and len(refusal.splitlines()) == 1, refusal
    if target.exists():
        stays_empty(target)


@needs_root
def test_the_usual_place_for_sockets_taken_by_another_user(deck: Placed, anywhere: Path) -> None:
    """Without XDG_RUNTIME_DIR it is a name in /tmp that anybody can guess."""
    deck.use_usual(TMPDIR=anywhere)
    taken = anywhere / "runtime-0"
    as_nobody(lambda: taken.mkdir(mode=0o777))
    refusal = deck.run("domains", code=1).stderr
    assert str(taken) in refusal and len(refusal.splitlines()) == 1, refusal
    stays_empty(taken)


@needs_root
async def test_a_socket_of_another_user_is_told_nothing(anywhere: Path) -> None:
    """Neither where he could still swap it, nor where he could once."""
    place = anywhere / "run"
    place.mkdir()
    place.chmod(0o777)
    path = place / "controller.sock"
    aside = place / "not yet"
    heard = anywhere / "heard"

    def listen() -> None:
        with socket.socket(socket.AF_UNIX) as sock:
            sock.bind(str(aside))
            aside.chmod(0o777)
            sock.listen()
            aside.rename(path)  # there only once it answers
            sock.settimeout(60)
            client, _ = sock.accept()
            client.settimeout(60)
            heard.write_bytes(client.recv(65536))

    listening = asyncio.create_task(asyncio.to_thread(as_nobody, listen))
    await eventually(path.exists)
    with pytest.raises(ControllerError, match="other users can write to the directory"):
        await Client(path).connect()
    place.chmod(0o700)
    with pytest.raises(ControllerError, match=r"another user \(uid \d+\) answers"):
        await Client(path).connect()
    await listening
    assert heard.read_bytes() == b"", "not even a hello"


@needs_root
def test_files_in_the_way_are_refused(tmp_path: Path) -> None:
    theirs = tmp_path / "journal.db"
    theirs.write_bytes(b"")
    os.chown(theirs, 65534, 65534)
    with pytest.raises(JournalError, match=r"journal.db belongs to another user"):
        Journal(theirs)
    assert theirs.read_bytes() == b""


def test_links_and_pipes_in_the_way_are_refused(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.write_text("kept")
    link, pipe = tmp_path / "link", tmp_path / "pipe"
    link.symlink_to(precious)
    os.mkfifo(pipe)
    for path, reason in ((link, "is a symbolic link"), (pipe, "is no plain file")):
        with pytest.raises(JournalError, match=reason):
            Journal(path)
    assert precious.read_text() == "kept"


def test_what_was_loose_is_closed(tmp_path: Path) -> None:
    """As after an older drdeck, or after somebody's chmod."""
    state = tmp_path / "state"
    state.mkdir()
    state.chmod(0o755)
    private_files.make_private(state)
    assert stat.S_IMODE(state.stat().st_mode) == 0o700
    file = state / "journal.db"
    file.write_bytes(b"")
    file.chmod(0o644)
    Journal(file).close()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_ones_own_link_to_another_disk_is_followed(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "state").symlink_to(tmp_path / "disk")
    private_files.make_private(tmp_path / "state" / "site")
    assert (tmp_path / "disk" / "site").is_dir()
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    with pytest.raises(OSError, match="symbolic links"):
        private_files.refuse_strangers(tmp_path / "loop" / "x")


# -- settings


async def test_settings_are_written_for_this_user(
    tmp_path: Path, loose_umask: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def look(*_: object) -> str:
        return "it answers"

    monkeypatch.setattr(site_adding, "look", look)
    answers = {"url": "https://vcsa/sdk", "username": "drdeck", "root": "/DC0/vm/drdeck"}
    new = tmp_path / "config" / "drdeck" / "settings.toml"
    await site_adding.add(new, {"name": "west", **answers}, str)
    assert [stat.S_IMODE(path.stat().st_mode) for path in (new, new.parent, new.parent.parent)] == [
        0o600, 0o700, 0o700,
    ]  # fmt: skip

    shared = tmp_path / "shared.toml"
    shared.write_text(VCENTER)
    shared.chmod(0o644)
    link = tmp_path / "link.toml"
    link.symlink_to(shared)
    await site_adding.add(link, {"name": "east", **answers}, str)
    assert link.is_symlink() and set(load(shared).sites) == {"west", "east"}
    assert stat.S_IMODE(shared.stat().st_mode) == 0o644, "who shares his settings goes on sharing them"
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_settings_that_others_can_write_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.write_text(VCENTER)
    file.chmod(0o644)
    assert load(file).sites
    file.chmod(0o666)
    with pytest.raises(SettingsError, match="other users can write to the file"):
        load(file)
    file.write_text('[sites.lab]\nkind = "training"\n')
    assert load(file).sites, "a training site has nothing to steal"


@needs_root
def test_settings_of_another_user_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.write_text(VCENTER)
    os.chown(file, 65534, 65534)
    with pytest.raises(SettingsError, match=rf"belongs to another user \({NOBODY}\)"):
        load(file)
