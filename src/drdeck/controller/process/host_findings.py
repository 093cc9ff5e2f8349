"""Findings about this host: storage that other hosts share, and a system that kills what a logout leaves."""

from __future__ import annotations

import configparser
import os
import pwd
import re
from pathlib import Path

from drdeck.model.alarms import Finding

from .paths import Paths
from .site_lock import holder_of

SHARED = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "ceph", "fuse.sshfs", "fuse.glusterfs", "fuse.s3fs",
     "gfs2", "gpfs", "lustre", "ocfs2", "beegfs", "virtiofs"}
)  # fmt: skip
"""File systems on which locks or the shared memory of SQLite may not hold for all hosts."""
_LOGIND = ("usr/lib/systemd/logind.conf", "etc/systemd/logind.conf")
_ESCAPE = re.compile(r"\\(\d{3})")


def host_findings(paths: Paths, root: Path = Path("/")) -> list[Finding]:
    """Findings about the state directory and a logout; `root` is where the system's files are."""
    user = _user()
    return [_storage(paths, root), *_logout(user, root)]


def _storage(paths: Paths, root: Path) -> Finding:
    kind = file_system(paths.state, root / "proc/self/mountinfo")
    holder = holder_of(paths.lock)
    if holder is not None and not holder.is_here:
        return Finding.warn(
            "state",
            f"{paths.state} was used last by {holder.says()}",
            "use one host, or a --state of its own on a local disk for each",
        )
    if kind in SHARED:
        return Finding.warn(
            "state",
            f"{paths.state} is on {kind}, which other hosts may share and not lock",
            "use --state (or DRDECK_STATE) on a local disk",
        )
    return Finding.ok("state", f"{paths.state}{f' on {kind}' if kind else ''}")


def file_system(path: Path, mounts: Path) -> str:
    """The kind of the file system of `path`, by the longest mount point above it; empty where not known."""
    try:
        lines = mounts.read_text("utf-8", "replace").splitlines()
    except OSError:
        return ""
    best, kind = "", ""
    for line in lines:
        fields, _, after = line.partition(" - ")
        parts = fields.split()
        if len(parts) < 5 or not after:
            continue
        point = _ESCAPE.sub(lambda match: chr(int(match[1], 8)), parts[4])
        if len(point) >= len(best) and path.absolute().is_relative_to(point):
            best, kind = point, after.split()[0]
    return kind


def _logout(user: str, root: Path) -> list[Finding]:
    """Nothing where no systemd looks after logins."""
    if not (root / "run/systemd/system").is_dir():
        return []
    if not _kills(user, root):
        return [Finding.ok("logout", "leaves the controller running")]
    lingers = (root / "var/lib/systemd/linger" / user).exists()
    first = "" if lingers else f"loginctl enable-linger {user}; "
    start = "systemd-run --user --scope drdeck controller start"
    return [
        Finding.warn(
            "logout",
            f"KillUserProcesses=yes: the controller is killed when {user} logs out",
            f"{first}then start it outside the login: {start}",
        )
    ]


def _kills(user: str, root: Path) -> bool:
    """True where logind ends a user's processes at the logout (logind.conf(5), with its drop-ins)."""
    login: dict[str, str] = {}
    for main in _LOGIND:
        for file in [root / main, *sorted((root / f"{main}.d").glob("*.conf"))]:
            parser = configparser.ConfigParser(strict=False, interpolation=None)
            try:
                parser.read(file, "utf-8")
            except (configparser.Error, UnicodeDecodeError):
                continue
            login |= dict(parser["Login"]) if parser.has_section("Login") else {}
    if login.get("killuserprocesses", "no").lower() not in ("1", "yes", "true", "on"):
        return False
    only = login.get("killonlyusers", "").split()
    return user in only if only else user not in login.get("killexcludeusers", "root").split()


def _user() -> str:
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return str(os.geteuid())
