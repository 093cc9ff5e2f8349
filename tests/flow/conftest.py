"""What the flows share: a maker of flows that ends their controllers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.flow import Flow

MakeFlow = Callable[..., Flow]


@pytest.fixture
def make_flow(tmp_path: Path) -> Iterator[MakeFlow]:
    made: list[Flow] = []

    def make(*args: Any, **kwargs: Any) -> Flow:
        directory = tmp_path / f"deck{len(made)}"
        directory.mkdir()
        made.append(Flow(directory, *args, **kwargs))
        return made[-1]

    yield make
    for flow in made:
        flow.stop()
