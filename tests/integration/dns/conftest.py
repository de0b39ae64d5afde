"""A zone at a Cloudflare on loopback, its name server, and an application at each of two addresses."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from bot.clock import utc_now
from bot.policy import load_policy
from bot.policy.plain_yaml import dump_plain, load_plain
from bot.recovery.action import World
from bot.sandbox.cloudflare.account import Account, Object
from bot.sandbox.cloudflare.names import NameServer, serve_names
from bot.sandbox.cloudflare.server import Api, serve_api
from bot.sandbox.demo_policy import write_demo_policy

NAME, BACKUP = "traitortrack.example.localhost", "backup.traitortrack.example.localhost"
HOME, AWAY = "127.0.0.1", "127.0.0.2"
TOKEN = "sandbox-token"


@dataclass
class Dns:
    """Everything that the tests look at. `down` holds addresses whose application does not answer well."""

    world: World
    api: Api
    account: Account
    names: NameServer
    down: set[str]

    @property
    def changes(self) -> list[Object]:
        return [body for _, _, body in self.api.changes]

    def record(self, name: str = NAME) -> Object:
        return next(one for one in self.account.records.values() if one["name"] == name)

    def balance(self, *, proxied: bool = False, **changes: Any) -> Object:
        """Put a load balancer on the name, as the document has it, but for the changes."""
        account = self.account
        monitor = {"type": "http", "path": "/health", "interval": 60, "consecutive_down": 3}
        watched = account.put_monitor({**monitor, **changes.pop("monitor", {})})["id"]
        pools = {
            name: account.put_pool({"name": name, "monitor": watched, "origins": [{"name": "one", "address": at}]})[
                "id"
            ]
            for name, at in (("home", HOME), ("away", AWAY))
        }
        balancer = {"name": NAME, "default_pools": list(pools.values()), "fallback_pool": pools["away"]}
        return account.put_balancer({**balancer, "proxied": proxied, **changes})


Open = Callable[..., Dns]


@contextmanager
def serve_application(down: set[str]) -> Iterator[int]:
    """At two addresses and one port: 200 on /health, unless it is down."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            good = self.connection.getsockname()[0] not in down and self.headers["Host"].startswith(NAME)
            self.send_response(200 if good else 503)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ExitStack() as stack:
        first = stack.enter_context(ThreadingHTTPServer((HOME, 0), Handler))
        for server in (first, stack.enter_context(ThreadingHTTPServer((AWAY, first.server_port), Handler))):
            threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
            stack.callback(server.shutdown)
        yield first.server_port


@pytest.fixture
def dns(tmp_path: Path) -> Iterator[Dns]:
    """Records of both names, not proxied; no load balancer."""
    account, down = Account("example.localhost", []), set[str]()
    account.put_record({"type": "A", "name": NAME, "content": HOME, "ttl": 60})
    account.put_record({"type": "A", "name": BACKUP, "content": AWAY, "ttl": 60})
    with serve_api(account, TOKEN) as api, serve_names(account) as names, serve_application(down) as port:
        account.name_servers.append(names.address)
        path, _ = write_demo_policy(tmp_path, "http://127.0.0.1:9")
        text = load_plain(path)
        text["infrastructure"]["dns"] |= {
            "primary": f"http://{NAME}:{port}/health", "backup": f"http://{BACKUP}:{port}", "api_url": api.url,
            "resolvers": ["authoritative"], "failover_time": {"at_least": "0 seconds", "at_most": "1 second"},
        }  # fmt: skip
        dump_plain(path, text)
        world = World(load_policy(path), {"CLOUDFLARE_API_TOKEN": TOKEN}, utc_now)
        yield Dns(world, api, account, names, down)
