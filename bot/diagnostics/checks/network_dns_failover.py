"""Would the product's name fail over by itself, as the document has it? (Document: DNS Failover.)"""

from __future__ import annotations

from bot.diagnostics.check import Check, Surroundings
from bot.outcome import Failed, Refused
from bot.store.documents import Finding, Suggestion
from bot.systems.dns_failover import (
    Setup,
    describe,
    find_monitor,
    find_present,
    list_wrong,
    observe_setup,
    open_cloudflare,
)

PUT_RIGHT = Suggestion(action="dns_failover_settings", label="Put it right")
BY_HAND = ("monitor", "enabled")


class NetworkDnsFailover(Check):
    name = "network_dns_failover"
    title = "DNS failover"
    scope = "network"
    timeout_s = 30.0
    once = True

    def run(self, surroundings: Surroundings) -> Finding:
        dns = surroundings.policy.infrastructure.dns
        try:
            cloudflare = open_cloudflare(dns, surroundings.environment)
            setup = observe_setup(cloudflare, dns)
            wrong = list_wrong(dns, setup, find_monitor(cloudflare, setup))
        except (Refused, Failed) as error:
            return self.finding("unknown", error.words)
        evidence = [f"{setup.hostname} leads to: {describe(setup, find_present(setup))}", *_list_facts(setup)]
        if setup.balancer is None:
            words = f"No load balancer is on {setup.hostname}: nothing watches it, nothing fails over by itself."
            return self.finding("warning", words, evidence)
        evidence += [f"{name}: {found}, wanted {wanted}" for name, (wanted, found) in wrong.items()]
        if wrong:
            suggests = [] if any(name in BY_HAND for name in wrong) else [PUT_RIGHT]
            return self.finding("warning", f"Not as the policy has it: {', '.join(wrong)}.", evidence, suggests)
        return self.finding("ok", "Watched, with a fallback, as the policy has it.", evidence)


def _list_facts(setup: Setup) -> list[str]:
    return [f"Proxied: {'yes' if setup.proxied else 'no'}; TTL {'automatic' if setup.ttl == 1 else setup.ttl}"]


CHECK = NetworkDnsFailover()
