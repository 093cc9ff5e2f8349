"""Blocking work in threads, awaited: a thread that has ended its work takes the next one."""

from __future__ import annotations

import asyncio
import contextlib
import queue
import threading
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")

_IDLE_S = 2.0
"""A thread that finds no work for so long ends."""
_Work = Callable[[], None]
_idle: list[queue.SimpleQueue[_Work]] = []
"""of each thread that waits for work, the one that waits for the shortest time last"""
_lock = threading.Lock()


async def in_thread(work: Callable[[], T]) -> T:
    """Run blocking work in a thread that does nothing else meanwhile, and wait for it.

    There are as many threads as there is work: a call that hangs until its time-out keeps nobody waiting,
    and, the threads being daemons, holds up no exit. Cancelling stops the wait, not the work.
    """
    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()

    def settle(result: Any, failure: BaseException | None) -> None:
        if done.cancelled():
            return
        if failure is not None:
            done.set_exception(failure)
        else:
            done.set_result(result)

    def run() -> None:
        result: Any = None
        failure: BaseException | None = None
        try:
            result = work()
        except BaseException as exc:
            failure = exc
        with contextlib.suppress(RuntimeError):  # the loop has ended: nobody waits any more
            loop.call_soon_threadsafe(settle, result, failure)

    _hand_over(run)
    return await done


def _hand_over(run: _Work) -> None:
    """Give work to a thread that is idle, or to a new one."""
    with _lock:
        inbox = _idle.pop() if _idle else None
    if inbox is not None:
        inbox.put(run)
    else:
        threading.Thread(target=_serve, args=(run,), name="vsphere", daemon=True).start()


def _serve(run: _Work) -> None:
    inbox: queue.SimpleQueue[_Work] = queue.SimpleQueue()
    while True:
        run()
        with _lock:
            _idle.append(inbox)
        try:
            run = inbox.get(timeout=_IDLE_S)
        except queue.Empty:
            with _lock:
                if inbox in _idle:
                    _idle.remove(inbox)
                    return
            run = inbox.get()  # it was taken at this moment
