"""The first module of the one file (onefile.py): unpacks drdeck once, and runs it."""

import contextlib
import os
import re
import stat
import sys
import time
from pathlib import Path

from made_for import DIGEST, MACHINE, PYTHON

A_DAY_S = 24 * 3600.0
USED_BY = "used-by"
"""directory in an unpacked copy: a name for each host (and space of processes) that has started it"""


def unpacked() -> Path:
    """The directory of this file's copy, made where there is none. Raises OSError."""
    base = os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser()
    place = Path(base) / "drdeck" / DIGEST
    if place.is_dir():
        about = place.stat()
        if about.st_uid != os.geteuid() or about.st_mode & 0o022:
            sys.exit(f"drdeck: others can write to {place}, so it is not used; remove it")
        mark_used(place)
        return place
    import io
    import shutil
    import tempfile
    import zipfile

    place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(prefix=".unpacking-", dir=place.parent))
    try:
        with zipfile.ZipFile(sys.argv[0]) as bundle:
            packages = io.BytesIO(bundle.read("site.zip"))
        with zipfile.ZipFile(packages) as site:
            site.extractall(fresh / "site")
        with contextlib.suppress(OSError):  # another one was as quick
            (fresh / "site").rename(place)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    mark_used(place)
    prune(place)
    return place


def here() -> str:
    """A name for the processes that can be seen from here: this host's, or a container's."""
    try:
        space = Path("/proc/self/ns/pid").stat().st_ino
    except OSError:
        space = 0
    return f"{os.uname().nodename}-{space}"


def mark_used(place: Path) -> None:
    """Say that the copy was started here now; a cache that cannot be written to is not pruned either."""
    with contextlib.suppress(OSError):
        (place / USED_BY).mkdir(mode=0o700, exist_ok=True)
        (place / USED_BY / here()).touch()


def prune(kept: Path) -> None:
    """Remove the copies beside `kept` that nobody uses, and what a killed start has left half unpacked.

    A copy that was started within a day, or on another host that shares this cache, or that a process runs
    from, stays. It is renamed before it is removed: nobody ever runs from a part of one.
    """
    import shutil

    running = words_of_processes()
    now = time.time()
    for place in kept.parent.iterdir():
        try:
            about = place.lstat()
            if not stat.S_ISDIR(about.st_mode) or about.st_uid != os.geteuid() or place == kept:
                continue
            if place.name.startswith(".unpacking-"):
                if now - about.st_mtime > A_DAY_S:
                    shutil.rmtree(place, ignore_errors=True)
                continue
            marks = list((place / USED_BY).iterdir()) if re.fullmatch("[0-9a-f]{20}", place.name) else []
            if [mark.name for mark in marks] != [here()] or now - marks[0].stat().st_mtime < A_DAY_S:
                continue
            if running is None or place.name.encode() in running:
                continue
            leaving = place.with_name(f".unpacking-{place.name}")
            place.rename(leaving)
            shutil.rmtree(leaving, ignore_errors=True)
        except OSError:  # it is gone, or is not ours to look into
            continue


def words_of_processes() -> "bytes | None":
    """What processes of this user run and have loaded, as one text; None where that cannot be read."""
    texts = []
    try:
        processes = [entry for entry in Path("/proc").iterdir() if entry.name.isdigit()]
        for process in processes:
            try:
                if process.stat().st_uid != os.geteuid():
                    continue
                line = (process / "cmdline").read_bytes()
                texts.append(line)
                try:
                    texts.append((process / "maps").read_bytes())
                except PermissionError:
                    if b"python" in line:
                        return None
            except (FileNotFoundError, ProcessLookupError):
                continue  # it has ended meanwhile
    except OSError:
        return None
    return b"\n".join(texts) or None


if sys.version_info[:2] != PYTHON:
    wanted, own = ".".join(map(str, PYTHON)), ".".join(map(str, sys.version_info[:2]))
    sys.exit(f"drdeck: this file is for Python {wanted}, and this is {own}; run it with python{wanted}")
if os.uname().machine != MACHINE:
    own = os.uname().machine
    sys.exit(f"drdeck: this file is for {MACHINE}, and this is {own}; make it on a machine like this")
try:
    place = unpacked()
except (OSError, RuntimeError) as error:  # without a home directory it is the latter
    sys.exit(f"drdeck: it cannot unpack itself: {error}; set XDG_CACHE_HOME to a directory of yours")
sys.path[0] = str(place)  # and no more this file, in which every import would look first
from drdeck.__main__ import main  # noqa: E402

try:
    main()
except ImportError as error:
    if not (error.path or "").endswith(".so"):
        raise
    sys.exit(
        f"drdeck: a library cannot be loaded: {error}; set XDG_CACHE_HOME to a directory on a file system"
        " that is not mounted noexec, or make this file on a system like this one"
    )
