"""Python imports this at its start where this folder is on the path: every AWS call is written down with who made it.

Who: the recovery action or check whose file is on the stack, or was when the thread was started that makes the call.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

ROOMS = ("bot.recovery.actions.", "bot.diagnostics.checks.")
FILE = "TEST_AWS_CALLS"
_thread = threading.local()


def find_actor() -> str:
    """Module of the action or check at work; empty for everybody else."""
    frame = sys._getframe(1)
    while frame is not None:
        name = str(frame.f_globals.get("__name__", ""))
        if name.startswith(ROOMS):
            return name
        if frame.f_back is None:
            break
        frame = frame.f_back
    return str(getattr(_thread, "actor", ""))


def install() -> None:
    """Record calls, and hand who makes them down to new threads."""
    from botocore.client import BaseClient  # noqa: PLC0415 (only where something is to be recorded)

    client: Any = BaseClient
    call, submit, start = client._make_api_call, ThreadPoolExecutor.submit, threading.Thread.start

    def recorded(self: Any, operation: str, arguments: dict[str, Any]) -> Any:
        _write_down(self.meta.service_model.service_name, operation, arguments)
        return call(self, operation, arguments)

    def submitted(self: ThreadPoolExecutor, function: Any, /, *arguments: Any, **named: Any) -> Any:
        return submit(self, _under, find_actor(), function, *arguments, **named)

    def started(self: threading.Thread) -> None:
        actor, run = find_actor(), self.run
        self.run = lambda: _under(actor, run)  # type: ignore[method-assign]
        start(self)

    client._make_api_call = recorded
    ThreadPoolExecutor.submit = submitted  # type: ignore[method-assign, assignment]
    threading.Thread.start = started  # type: ignore[method-assign]


def _under(actor: str, function: Any, *arguments: Any, **named: Any) -> Any:
    before, _thread.actor = getattr(_thread, "actor", ""), actor
    try:
        return function(*arguments, **named)
    finally:
        _thread.actor = before


def _write_down(service: str, operation: str, arguments: dict[str, Any]) -> None:
    line = {"actor": find_actor(), "service": service, "operation": operation, "given": sorted(arguments)}
    with open(os.environ[FILE], "a", encoding="utf-8") as file:  # one short line: appended as a whole
        file.write(json.dumps(line) + "\n")


if os.environ.get(FILE) and {"bot", "serve"} <= set(getattr(sys, "orig_argv", ())):
    install()
