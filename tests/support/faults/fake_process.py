"""`drdeck controller serve` over the site that asks; run as a module in place of drdeck."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from drdeck.__main__ import main
from drdeck.controller.process import serve
from tests.support.faults.asking_site import AskingSite


def make_site(name: str, settings: object, state: Path, password: object) -> Any:
    site = AskingSite(state / "burnt")
    site.name = name
    return site


if __name__ == "__main__":
    serve.make_site = make_site  # type: ignore[assignment, attr-defined]
    main()
