"""Makes one runnable file of installed packages: `onefile.py SITE FILE`.

Compiled modules cannot be imported out of a zip file, so that the file unpacks itself once into the user's
cache, and runs from there; controllers are started from there, too.
"""

from __future__ import annotations

import compileall
import hashlib
import io
import os
import py_compile
import stat
import sys
import zipapp
import zipfile
from pathlib import Path

UNPACKED_MAIN = "from drdeck.__main__ import main\n\nmain()\n"
MAIN = '''"""Unpacks drdeck once, and runs it."""

import os
import sys
from pathlib import Path

DIGEST = "{digest}"
PYTHON, MACHINE = {python}, {machine!r}


def unpacked() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    place = Path(base) / "drdeck" / DIGEST
    if place.is_dir():
        about = place.stat()
        if about.st_uid != os.geteuid() or about.st_mode & 0o022:
            sys.exit(f"drdeck: others can write to {{place}}, so it is not used; remove it")
        return place
    import io
    import shutil
    import tempfile
    import zipfile

    place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(prefix=".unpacking-", dir=place.parent))
    try:
        with zipfile.ZipFile(sys.argv[0]) as bundle:
            with zipfile.ZipFile(io.BytesIO(bundle.read("site.zip"))) as site:
                site.extractall(fresh / "site")
        try:
            (fresh / "site").rename(place)
        except OSError:  # another one was as quick
            pass
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return place


if sys.version_info[:2] != PYTHON:
    wanted, own = ".".join(map(str, PYTHON)), ".".join(map(str, sys.version_info[:2]))
    sys.exit(f"drdeck: this file is for Python {{wanted}}, and this is {{own}}; run it with python{{wanted}}")
if os.uname().machine != MACHINE:
    own = os.uname().machine
    sys.exit(f"drdeck: this file is for {{MACHINE}}, and this is {{own}}; make it on a machine like this")
try:
    place = unpacked()
except OSError as error:
    sys.exit(f"drdeck: it cannot unpack itself: {{error}}; set XDG_CACHE_HOME to a directory of yours")
sys.path[0] = str(place)  # and no more this file, in which every import would look first
from drdeck.__main__ import main  # noqa: E402

try:
    main()
except ImportError as error:
    if not (error.path or "").endswith(".so"):
        raise
    sys.exit(
        f"drdeck: a library cannot be loaded: {{error}}; set XDG_CACHE_HOME to a directory on a file system"
        " that is not mounted noexec, or make this file on a system like this one"
    )
'''


def main() -> None:
    site, target = Path(sys.argv[1]), Path(sys.argv[2])
    (site / "__main__.py").write_text(UNPACKED_MAIN)
    # compiled here, since the cache may be read-only later; by no times, since unpacking changes those
    mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
    compileall.compile_dir(site, quiet=2, invalidation_mode=mode)
    files = sorted(path for path in site.rglob("*") if path.is_file())
    digest = hashlib.sha256()
    for path in files:
        digest.update(str(path.relative_to(site)).encode() + b"\0" + path.read_bytes())
    python, machine = tuple(sys.version_info[:2]), os.uname().machine
    text = MAIN.format(digest=digest.hexdigest()[:20], python=python, machine=machine)
    with target.open("wb") as out:
        out.write(b"#!/usr/bin/env python3\n")
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as bundle:
            bundle.writestr("__main__.py", text)
            # one entry: Python reads the whole list of a zip file at each start
            inner = io.BytesIO()
            with zipfile.ZipFile(inner, "w", zipfile.ZIP_DEFLATED) as packages:
                for path in files:
                    packages.write(path, str(path.relative_to(site)))
            bundle.writestr("site.zip", inner.getvalue(), zipfile.ZIP_STORED)
    target.chmod(target.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)
    assert zipapp.get_interpreter(target) == "/usr/bin/env python3"


main()
