"""Put Cloudflare's monitor and fallback right, so that the name fails over by itself. (Document: DNS Failover.)"""

from __future__ import annotations

from pydantic import JsonValue

from bot.outcome import Refused
from bot.recovery.action import Action, Context, Evidence, Facts, History, Parameters, Step, World
from bot.recovery.instances import look_for
from bot.recovery.side_plan import list_moved
from bot.store.documents import Loss, PlanDocument, Prediction, Verdict
from bot.systems.cloudflare import Cloudflare, CloudflareUnclear, Monitor
from bot.systems.dns_failover import Setup, find_monitor, list_changes, list_wrong, observe_setup, open_cloudflare

BY_HAND = ("monitor", "enabled")
"""What the bot does not make: a monitor, and a load balancer that somebody switched off."""
CONFIRMED_WITHIN_S = 10.0


class NoParameters(Parameters):
    """What is wanted stands in the policy."""


class DnsFailoverSettings(Action[NoParameters]):
    name = "dns_failover_settings"
    purpose = "Put right how Cloudflare watches the primary and what it falls back to"
    risk = "low"
    permissions = ()
    parameters = NoParameters

    def target(self, parameters: NoParameters) -> str:
        return "dns"

    def observe(self, world: World, parameters: NoParameters) -> Facts:
        """What is not as the policy has it."""
        _, setup, monitor = look(world)
        if setup.balancer is None:
            raise Refused(
                f"No load balancer is on {setup.hostname}, so nothing watches it and nothing fails over by itself.",
                "Make one in Cloudflare's dashboard, or move the record with `/dr plan fail_over_dns`.",
            )
        wrong = list_wrong(world.policy.infrastructure.dns, setup, monitor)
        by_hand = [name for name in wrong if name in BY_HAND]
        if by_hand:
            found = "; ".join(f"{name}: {wrong[name][1]}, wanted {wrong[name][0]}" for name in by_hand)
            raise Refused(f"The bot does not put this right: {found}.", "Do it in Cloudflare's dashboard first.")
        if not wrong:
            raise Refused("The monitor and the fallback are as the policy has them.", "Nothing is to be done.")
        told: JsonValue = {name: f"{found} becomes {wanted}" for name, (wanted, found) in wrong.items()}
        return {"hostname": setup.hostname, "monitor": monitor.id if monitor else None, "wrong": told}

    def plan(self, world: World, parameters: NoParameters, observed: Facts, history: History) -> PlanDocument:
        wrong = observed["wrong"]
        assert isinstance(wrong, dict)
        return self.document(
            parameters,
            observed,
            title=f"Put right how {observed['hostname']} fails over",
            loss=Loss(seconds=0, rows=0, words="nothing"),
            downtime=Prediction(seconds=0, source="users are sent where they are sent now"),
            duration=history.duration or Prediction(seconds=None, source="not measured here yet"),
            way_back="Put the old values back in Cloudflare's dashboard; they stand here.",
            notes=[f"{name}: {words}." for name, words in wrong.items()],
        )

    def moved(self, planned: Facts, now: Facts) -> list[str]:
        return list_moved(planned, now, ("hostname", "monitor", "wrong"))

    def steps(self) -> list[Step[NoParameters]]:
        return [Step("change", "Change what is not as the policy has it", change, changed, cancellable=False)]

    def verify(self, context: Context[NoParameters]) -> Evidence:
        _, setup, monitor = look(context.world)
        wrong = list_wrong(context.world.policy.infrastructure.dns, setup, monitor)
        found = "; ".join(f"{name} is {found}" for name, (_, found) in wrong.items()) or "as the policy has it"
        return Evidence([Verdict(name="Failover", expected="as the policy has it", found=found, good=not wrong)])


def look(world: World) -> tuple[Cloudflare, Setup, Monitor | None]:
    dns = world.policy.infrastructure.dns
    cloudflare = open_cloudflare(dns, world.environment)
    setup = observe_setup(cloudflare, dns)
    return cloudflare, setup, find_monitor(cloudflare, setup)


def change(context: Context[NoParameters]) -> Facts:
    """May be done twice without harm."""
    try:
        _change(context.world)
    except CloudflareUnclear:
        if not look_for(lambda: changed(context) is not None, CONFIRMED_WITHIN_S):
            raise
    wrong = context.plan.observed["wrong"]
    assert isinstance(wrong, dict)
    return {"words": ", ".join(wrong)}


def _change(world: World) -> None:
    dns = world.policy.infrastructure.dns
    cloudflare, setup, monitor = look(world)
    changes = list_changes(dns, monitor) if monitor else {}
    if monitor and changes:
        cloudflare.change_monitor(setup.zone, monitor.id, changes)
    backup, balancer = setup.pools["backup"], setup.balancer
    if balancer and backup and balancer.fallback_pool != backup.id:
        cloudflare.point_load_balancer(setup.zone, balancer, list(balancer.default_pools), backup.id)


def changed(context: Context[NoParameters]) -> Facts | None:
    _, setup, monitor = look(context.world)
    wrong = list_wrong(context.world.policy.infrastructure.dns, setup, monitor)
    return None if wrong else {"words": "as the policy has it"}


ACTION = DnsFailoverSettings()
