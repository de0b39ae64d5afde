"""Scenes of the actions at Cloudflare, on a stand-in that is started with the first of them and lives as long as we."""

from __future__ import annotations

import atexit
from contextlib import ExitStack
from functools import cache
from typing import Any

from bot.sandbox.cloudflare.account import Account, Object
from bot.sandbox.cloudflare.names import NameServer, serve_names
from bot.sandbox.cloudflare.server import Api, serve_api
from bot.store.tables import Run
from tests.crash.rig import Rig
from tests.crash.scenes import Scene
from tests.integration.dns.conftest import AWAY, BACKUP, HOME, NAME, TOKEN, serve_application
from tests.stage_fixtures import SharedStage

ACTIONS = ("fail_over_dns", "dns_failover_settings")

WATCHED = {"path": "/health", "interval": 60, "consecutive_down": 3}


@cache
def stand_in() -> tuple[Api, NameServer, int]:
    """The API, the name server, and the port of the application at both addresses."""
    stack = ExitStack()
    atexit.register(stack.close)
    account = Account("example.localhost", [])
    return (
        stack.enter_context(serve_api(account, TOKEN)),
        stack.enter_context(serve_names(account)),
        stack.enter_context(serve_application(set())),
    )


def adapt(text: dict[str, Any]) -> None:
    """Let a policy lead there."""
    api, names, port = stand_in()
    text["infrastructure"]["dns"] |= {
        "primary": f"http://{NAME}:{port}/health", "backup": f"http://{BACKUP}:{port}", "api_url": api.url,
        "resolvers": [names.address], "failover_time": {"at_least": "0 seconds", "at_most": "1 second"},
    }  # fmt: skip


def fail_over_dns(_stack: ExitStack, _shared: SharedStage) -> Scene:
    """By its record, which is changed once."""
    account = start_afresh()
    record = account.put_record({"type": "A", "name": NAME, "content": HOME, "ttl": 60})
    account.put_record({"type": "A", "name": BACKUP, "content": AWAY, "ttl": 60})
    return _judge({}, record, "content", HOME, AWAY)


def dns_failover_settings(_stack: ExitStack, _shared: SharedStage) -> Scene:
    """One figure of the monitor is wrong."""
    account = start_afresh()
    monitor = account.put_monitor({**WATCHED, "interval": 120})
    pools = [
        account.put_pool({"name": at, "monitor": monitor["id"], "origins": [{"name": at, "address": at}]})["id"]
        for at in (HOME, AWAY)
    ]
    account.put_record({"type": "A", "name": BACKUP, "content": AWAY, "ttl": 60})
    account.put_balancer({"name": NAME, "default_pools": pools, "fallback_pool": pools[1]})
    return _judge({}, monitor, "interval", 120, 60)


def start_afresh() -> Account:
    api = stand_in()[0]
    for among in (api.account.records, api.account.balancers, api.account.pools, api.account.monitors, api.changes):
        among.clear()
    return api.account


def _judge(given: dict[str, Any], one: Object, field: str, before: object, after: object) -> Scene:
    def done(rig: Rig, run: Run) -> None:
        assert one[field] == after
        assert [body for _, _, body in stand_in()[0].changes] == [{field: after}]

    def untouched(rig: Rig, run: Run) -> None:
        assert one[field] == before
        assert stand_in()[0].changes == []

    return Scene(given, done, untouched)
