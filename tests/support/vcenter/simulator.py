"""Builds the vCenter simulator of tests/vcsim, once per version of its source, and runs it."""

from __future__ import annotations

import atexit
import fcntl
import hashlib
import json
import os
import select
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.support import ROOT
from tests.support.vcenter import collector_patch

SOURCES = sorted((ROOT / "tests" / "vcsim").glob("*.go"))
GOPATH = "/usr/share/gocode"
STARTS_WITHIN = 60.0


class CannotBuild(Exception):
    """The simulator cannot be had on this machine; the text says why."""


def cache_dir() -> Path:
    """Where built simulators are kept: DRDECK_TEST_CACHE, else the system's temporary directory."""
    directory = os.environ.get("DRDECK_TEST_CACHE")
    path = Path(directory) if directory else Path(tempfile.gettempdir()) / f"drdeck-test-{os.getuid()}"
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


def binary() -> Path:
    """The simulator, built when this version of its source was not built before. Raises CannotBuild."""
    parts = [*SOURCES, Path(collector_patch.__file__)]
    digest = hashlib.sha256(b"".join(source.read_bytes() for source in parts)).hexdigest()[:16]
    target = cache_dir() / f"vcsim-{digest}"
    if target.exists():
        return target
    with (cache_dir() / "build.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # parallel test workers: one builds, the others wait
        if not target.exists():
            _build(target)
    return target


def _build(target: Path) -> None:
    go = shutil.which("go")
    if go is None:
        raise CannotBuild("the Go compiler is missing (Debian: golang-go)")
    if not (Path(GOPATH) / "src/github.com/vmware/govmomi/simulator").is_dir():
        raise CannotBuild("VMware's govmomi library is missing (Debian: golang-github-vmware-govmomi-dev)")
    fresh = target.with_suffix(f".{os.getpid()}")
    # HOME may be unset or read-only under a test runner; go wants a place for its cache
    env = os.environ | {"GO111MODULE": "off", "GOPATH": GOPATH, "GOFLAGS": ""}
    env.setdefault("GOCACHE", str(cache_dir() / "go"))
    plan = collector_patch.overlay(Path(GOPATH), cache_dir())
    extra = [] if plan is None else ["-overlay", str(plan)]
    done = subprocess.run(
        [go, "build", *extra, "-o", str(fresh), *(source.name for source in SOURCES)],
        cwd=SOURCES[0].parent,
        env=env,
        capture_output=True,
        text=True,
    )
    if done.returncode != 0:
        raise CannotBuild(f"go build failed: {done.stderr.strip()}")
    fresh.replace(target)


class Simulator:
    """One running simulator process. It ends with stop(), and by itself when this process ends."""

    def __init__(self, **flags: object) -> None:
        self.home = Path(tempfile.mkdtemp(prefix="drdeck-vcsim-"))  # its datastores; ours to remove
        self._log = (self.home / "stderr").open("w+b")
        arguments = [
            f"-{name}={str(value).lower() if isinstance(value, bool) else value}"
            for name, value in flags.items()
        ]
        self.process = subprocess.Popen(
            [str(binary()), f"-home={self.home}", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            start_new_session=True,  # a Ctrl-C at the tests is for the tests
        )
        atexit.register(self.stop)  # for the files; the process itself ends with its stdin
        try:
            self.ready: dict[str, Any] = json.loads(self._first_line())
        except BaseException:
            self.stop()
            raise

    def _first_line(self) -> bytes:
        assert self.process.stdout is not None
        fd = self.process.stdout.fileno()
        line, deadline = b"", time.monotonic() + STARTS_WITHIN
        while not line.endswith(b"\n"):
            readable, _, _ = select.select([fd], [], [], max(0.0, deadline - time.monotonic()))
            piece = os.read(fd, 65536) if readable else b""
            if not piece:
                self._log.seek(0)
                log_text = self._log.read().decode(errors="replace").strip() or "it said nothing"
                raise RuntimeError(f"the vCenter simulator did not start: {log_text}")
            line += piece
        return line

    def stop(self) -> None:
        """End it at once; safe to call again."""
        atexit.unregister(self.stop)
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout):
            if stream is not None:
                stream.close()
        self._log.close()
        shutil.rmtree(self.home, ignore_errors=True)
