"""The name goes to the backup and home again, by record and by load balancer; what answers then is really asked."""

from __future__ import annotations

import pytest

from bot.outcome import Failed, Refused
from bot.recovery.action import World
from bot.systems.cloudflare import CloudflareUnclear
from tests.integration.dns.conftest import AWAY, BACKUP, HOME, NAME, Dns
from tests.integration.rds.driver import Performance, bad, perform, prepare, refusal

ACTION = "fail_over_dns"


def undo(world: World, there: Performance) -> Performance:
    back = there.action.undo(there.context.parameters, there.plan, there.context.outputs)
    assert back is not None
    return perform(world, back.action, **back.parameters)[0]


def test_by_its_record_there_and_home(dns: Dns) -> None:
    before = dict(dns.record())
    there, evidence = perform(dns.world, ACTION)
    assert bad(evidence) == []
    assert dns.record() == {**before, "content": AWAY}, "TTL and proxying are kept"
    assert dns.changes == [{"content": AWAY}]
    assert any(AWAY in verdict.found for verdict in evidence.verdicts if verdict.name.startswith("A request"))
    undo(dns.world, there)
    assert dns.record() == before


def test_by_a_cname(dns: Dns) -> None:
    dns.record().update(type="CNAME", content="home.example.localhost")
    dns.account.put_record({"type": "A", "name": "home.example.localhost", "content": HOME})
    there, evidence = perform(dns.world, ACTION)
    assert (bad(evidence), dns.record()["content"]) == ([], BACKUP)
    undo(dns.world, there)
    assert dns.record()["content"] == "home.example.localhost"


def test_a_load_balancer_comes_before_the_record(dns: Dns) -> None:
    balancer = dns.balance()
    before, record = dict(balancer), dict(dns.record())
    there, evidence = perform(dns.world, ACTION)
    assert bad(evidence) == []
    assert balancer["default_pools"] == [before["fallback_pool"]], "nobody is sent back to what may be fenced"
    assert dns.record() == record, "editing the record would do nothing"
    undo(dns.world, there)
    assert balancer == before


def test_a_proxied_name_has_an_address_of_cloudflares(dns: Dns) -> None:
    dns.balance(proxied=True)
    _, evidence = perform(dns.world, ACTION)
    assert bad(evidence) == []
    assert "an address of Cloudflare's" in str(evidence)


def test_a_name_server_that_still_says_the_old_is_a_verdict(dns: Dns) -> None:
    dns.names.remember(NAME, BACKUP)
    dns.record()["ttl"] = 60
    performance = prepare(dns.world, ACTION)
    performance.run(until="spread")
    verdicts = bad(performance.prove())
    assert [one.name for one in verdicts] == [f"Name server {dns.names.address}"]
    assert HOME in verdicts[0].found


def test_what_does_not_answer_is_led_to_by_nobody(dns: Dns) -> None:
    dns.down.add(AWAY)
    performance = prepare(dns.world, ACTION)
    with pytest.raises(Failed, match="Nothing answers as healthy"):
        performance.run()
    assert dns.changes == []
    assert f"A {HOME}" in performance.action.clean_up(performance.context)


def test_after_a_crash_and_a_lost_answer(dns: Dns) -> None:
    dns.api.lost = 1
    performance, _ = perform(dns.world, ACTION)
    performance.again()
    assert dns.changes == [{"content": AWAY}]


def test_cloudflare_asks_to_wait(dns: Dns) -> None:
    dns.api.limited = ["0", "0"]
    prepare(dns.world, ACTION)
    dns.api.limited = ["300"]
    assert "no requests for 300 s" in refusal(dns.world, ACTION)


def test_refused(dns: Dns) -> None:
    def why(**given: str) -> str:
        return refusal(dns.world, ACTION, **given)

    assert "leads there already" in why(to="primary", before=f"A={HOME}")
    assert "none of normal times" in why(to="primary")
    dns.account.put_record({"type": "AAAA", "name": NAME, "content": "::1"})
    assert "has a record AAAA" in why()
    dns.account.put_record({"type": "A", "name": BACKUP, "content": "127.0.0.3"})
    assert "several records" in why()
    dns.balance(region_pools={"WNAM": ["x"]})
    assert "come before its default pools" in why()
    wrong = World(dns.world.policy, {"CLOUDFLARE_API_TOKEN": "wrong"}, dns.world.now)
    assert "Authentication error (10000)" in refusal(wrong, ACTION)
    assert "CLOUDFLARE_API_TOKEN is not set" in refusal(World(dns.world.policy, {}, dns.world.now), ACTION)


def test_cloudflare_is_away(dns: Dns) -> None:
    rules = dns.world.policy.infrastructure
    moved = rules.dns.model_copy(update={"api_url": "http://127.0.0.1:9"})
    policy = dns.world.policy.model_copy(update={"infrastructure": rules.model_copy(update={"dns": moved})})
    with pytest.raises(CloudflareUnclear, match="did not answer"):
        prepare(World(policy, dns.world.environment, dns.world.now), ACTION)


def test_moved_since_the_plan(dns: Dns) -> None:
    performance = prepare(dns.world, ACTION)
    dns.record()["content"] = "127.0.0.7"
    action, parameters = performance.action, performance.context.parameters
    assert "now was" in str(action.moved(performance.plan.observed, action.observe(dns.world, parameters)))


def test_records_are_typed_strictly(dns: Dns) -> None:
    for text in ("A=1;rm -rf", "TXT=x", "A", "A=a b", "pool=x"):
        with pytest.raises(Refused, match="before"):
            prepare(dns.world, ACTION, to="primary", before=text)
