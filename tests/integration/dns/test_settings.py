"""How Cloudflare watches the primary: as the document has it, seen by the check and put right by the action."""

from __future__ import annotations

from bot.diagnostics.check import Surroundings
from bot.diagnostics.checks.network_dns_failover import CHECK
from bot.recovery.action import World
from bot.store.documents import Finding
from tests.integration.dns.conftest import Dns
from tests.integration.rds.driver import bad, perform, refusal

ACTION = "dns_failover_settings"
WRONG = {"path": "/", "interval": 120, "consecutive_down": 0}


def look(world: World) -> Finding:
    return CHECK.run(Surroundings(world.policy, dict(world.environment), world.now, "traitortrack"))


def test_as_the_document_has_it(dns: Dns) -> None:
    dns.balance()
    assert look(dns.world).state == "ok"
    assert "as the policy has them" in refusal(dns.world, ACTION)


def test_what_is_wrong_is_seen_and_put_right(dns: Dns) -> None:
    balancer = dns.balance(monitor=WRONG)
    balancer["fallback_pool"] = balancer["default_pools"][0]
    finding = look(dns.world)
    assert finding.state == "warning"
    assert "path, interval, consecutive_down, fallback_pool" in finding.summary
    assert [one.action for one in finding.suggests] == [ACTION]
    done, evidence = perform(dns.world, ACTION)
    assert bad(evidence) == []
    assert dns.changes[0] == {"path": "/health", "interval": 60, "consecutive_down": 3}
    assert look(dns.world).state == "ok"
    done.again()
    assert len(dns.changes) == 2


def test_an_answer_that_got_lost(dns: Dns) -> None:
    dns.balance(monitor=WRONG)
    dns.api.lost = 1
    perform(dns.world, ACTION)
    assert len(dns.changes) == 1


def test_without_a_load_balancer_nothing_fails_over_by_itself(dns: Dns) -> None:
    finding = look(dns.world)
    assert (finding.state, finding.suggests) == ("warning", [])
    assert "nothing fails over by itself" in finding.summary
    assert "nothing fails over by itself" in refusal(dns.world, ACTION)


def test_what_the_bot_does_not_make(dns: Dns) -> None:
    balancer = dns.balance()
    dns.account.pools[balancer["default_pools"][0]]["monitor"] = ""
    assert look(dns.world).suggests == []
    assert "The bot does not put this right: monitor" in refusal(dns.world, ACTION)


def test_without_a_token_it_is_unknown(dns: Dns) -> None:
    finding = look(World(dns.world.policy, {}, dns.world.now))
    assert (finding.state, "CLOUDFLARE_API_TOKEN is not set" in finding.summary) == ("unknown", True)
