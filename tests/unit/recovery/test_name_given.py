"""A name that is to lead to an address from the request says so to whoever approves it."""

from __future__ import annotations

from bot.clock import utc_now
from bot.policy import load_policy
from bot.recovery.action import Facts, History, World
from bot.recovery.actions.fail_over_dns import GIVEN, FailOverDns, FailOverTheName

SEEN: Facts = {
    "hostname": "app.example.com", "by": "record", "now": "A 203.0.113.10", "then": "A 198.51.100.66",
    "before": "A=203.0.113.10", "ttl": 300, "proxied": False,
}  # fmt: skip


def test_an_address_that_is_not_the_policys_is_pointed_out() -> None:
    world = World(load_policy(None), {}, utc_now)
    given = FailOverDns(to="primary", before="A=198.51.100.66")
    assert FailOverTheName().plan(world, given, SEEN, History()).notes[0] == GIVEN
    assert GIVEN not in FailOverTheName().plan(world, FailOverDns(to="primary"), SEEN, History()).notes
