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
START = Path(__file__).with_name("onefile_start.py")


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
    facts = f"DIGEST, PYTHON, MACHINE = {digest.hexdigest()[:20]!r}, {python!r}, {machine!r}\n"
    with target.open("wb") as out:
        out.write(b"#!/usr/bin/env python3\n")
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as bundle:
            bundle.writestr("__main__.py", START.read_text())
            bundle.writestr("made_for.py", facts)
            # one entry: Python reads the whole list of a zip file at each start
            inner = io.BytesIO()
            with zipfile.ZipFile(inner, "w", zipfile.ZIP_DEFLATED) as packages:
                for path in files:
                    packages.write(path, str(path.relative_to(site)))
            bundle.writestr("site.zip", inner.getvalue(), zipfile.ZIP_STORED)
    target.chmod(target.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)
    assert zipapp.get_interpreter(target) == "/usr/bin/env python3"


main()
