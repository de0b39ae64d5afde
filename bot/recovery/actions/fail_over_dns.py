"""Let the product's name lead to the backup, or home again, at Cloudflare. (Document: DNS Failover.)

Where a load balancer is on the name its pools are moved, since editing the record would do nothing then. Proven by
asking name servers, and by a request to the name at the address that they say.
"""

from __future__ import annotations

from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field

from bot.outcome import Failed
from bot.recovery.action import Action, Context, Evidence, Facts, History, Needless, Parameters, Step, World
from bot.recovery.instances import look_for
from bot.recovery.side_plan import list_moved
from bot.store.documents import Loss, PlanDocument, Prediction, Suggestion, Verdict
from bot.systems.cloudflare import CloudflareUnclear, ttl_s
from bot.systems.dns_failover import (
    Direction,
    Setup,
    describe,
    find_present,
    find_wanted,
    host_of,
    list_before,
    list_targets,
    observe_setup,
    open_cloudflare,
    point,
)
from bot.systems.outcomes import SystemFailed
from bot.systems.rds_waiting import Pace, Watch, wait_until_seen
from bot.systems.resolvers import Answer, ask_servers, get_at, is_number
from bot.words import show_duration

AUTHORITATIVE = "authoritative"
LOOK_EVERY_S = 1.0
CONFIRMED_WITHIN_S = 10.0
HTTPS = 443
GIVEN = "Where it is to lead came with the request, not from the policy: see that it is yours."


class FailOverDns(Parameters):
    to: Literal["backup", "primary"] = Field(default="backup", title="To")
    before: str | None = Field(
        default=None,
        title="What it led to before",
        description="Of the way back: its records, such as A=203.0.113.10, or the load balancer's pool by its id.",
        pattern=r"^(pool=[0-9a-f]{32}|(A|AAAA|CNAME)=[0-9A-Za-z.:_-]{1,253}(,(A|AAAA|CNAME)=[0-9A-Za-z.:_-]{1,253})?)$",
    )


class FailOverTheName(Action[FailOverDns]):
    name = "fail_over_dns"
    purpose = "Let the product's name lead to the backup, or home again, at Cloudflare"
    risk = "high"
    permissions = ()
    parameters = FailOverDns

    def target(self, parameters: FailOverDns) -> str:
        return "dns"

    def choices(self, world: World, name: str, given: Facts) -> list[tuple[str, str]] | None:
        dns = world.policy.infrastructure.dns
        sides = [("backup", f"The backup, {host_of(dns.backup)}"), ("primary", "Home, to the primary")]
        return sides if name == "to" else None

    def application(self, world: World, parameters: FailOverDns) -> str | None:
        """The one that users reach by this name."""
        hostname = host_of(world.policy.infrastructure.dns.primary)
        return next((key for key, one in world.policy.applications.items() if host_of(str(one.url)) == hostname), None)

    def disaster(self, world: World, parameters: FailOverDns) -> str | None:
        return next((key for key in ("region_outage",) if key in world.policy.disasters), None)

    def observe(self, world: World, parameters: FailOverDns) -> Facts:
        """Where it leads and where it is to lead. Refuses what would do nothing, or leave some users behind."""
        setup = look(world)
        present, wanted = find_present(setup), _find_wanted(world, setup, parameters)
        if present == wanted:
            raise Needless(
                f"{setup.hostname} leads there already: {describe(setup, present)}.", "Nothing is to be done."
            )
        return {
            "hostname": setup.hostname,
            "by": "load balancer" if setup.balancer else "record",
            "now": describe(setup, present),
            "then": describe(setup, wanted),
            "before": ",".join(f"{kind}={content}" for kind, content in list_before(present)),
            "ttl": setup.ttl,
            "proxied": setup.proxied,
        }

    def plan(self, world: World, parameters: FailOverDns, observed: Facts, history: History) -> PlanDocument:
        expected = world.policy.infrastructure.dns.failover_time.at_most
        figure = Prediction(seconds=expected.total_seconds(), source="the policy's figure, at most")
        ttl = int(str(observed["ttl"]))
        return self.document(
            parameters,
            observed,
            title=f"Let {observed['hostname']} lead to the {parameters.to}",
            loss=Loss(seconds=0, rows=0, words="no data; whoever is sent to another database finds what that one has"),
            downtime=history.downtime or Prediction(seconds=0, source="both answer meanwhile, where both are up"),
            duration=history.duration or figure,
            way_back=f"`/dr undo`: {observed['now']}.",
            confirm=str(observed["hostname"]),
            notes=[
                *([GIVEN] if parameters.before else []),
                f"By its {observed['by']}: from {observed['now']} to {observed['then']}.",
                f"Proxied: {'yes' if observed['proxied'] else 'no'}. That and the TTL stay as they are.",
                f"Resolvers may give the old answer for {show_duration(ttl_s(ttl))} more (TTL).",
            ],
        )

    def moved(self, planned: Facts, now: Facts) -> list[str]:
        return list_moved(planned, now, ("hostname", "by", "now", "then", "proxied", "ttl"))

    def steps(self) -> list[Step[FailOverDns]]:
        return [
            Step(
                "look", "See that the other side answers", see_other_side, phase="retrieval",
                skipping="a look at whether anything answers where the name is to lead",
            ),
            Step("point", "Let the name lead there", move, moved, cancellable=False),
            Step(
                "spread", "Wait until name servers say so", wait_until_spread, phase="restart", cancellable=False,
                skipping="the wait for name servers; the proof asks them anyway",
            ),
        ]  # fmt: skip

    def verify(self, context: Context[FailOverDns]) -> Evidence:
        return measure(context)

    def clean_up(self, context: Context[FailOverDns]) -> str:
        setup = look(context.world)
        return f"{setup.hostname} leads to: {describe(setup, find_present(setup))}."

    def undo(self, parameters: FailOverDns, plan: PlanDocument, outputs: dict[str, Facts]) -> Suggestion | None:
        other = "primary" if parameters.to == "backup" else "backup"
        back = {"before": plan.observed["before"]} if other == "primary" else {}
        return Suggestion(action=self.name, label=f"Back to the {other}", parameters={"to": other, **back})


def look(world: World) -> Setup:
    dns = world.policy.infrastructure.dns
    return observe_setup(open_cloudflare(dns, world.environment), dns)


def _find_wanted(world: World, setup: Setup, parameters: FailOverDns) -> Direction:
    kept = dict(one.split("=", 1) for one in parameters.before.split(",")) if parameters.before else {}
    return find_wanted(setup, world.policy.infrastructure.dns, parameters.to, kept)


def see_other_side(context: Context[FailOverDns]) -> Facts:
    """As users will reach it. Raises `Failed` where it does not answer: the name stays where it is then."""
    world, setup = context.world, look(context.world)
    targets = list_targets(setup, _find_wanted(world, setup, context.parameters))
    servers = _list_servers(world, setup)
    tried = [_get(world, setup, address) for address in _resolve(targets, servers)]
    good = [words for answers, words in tried if answers]
    if not good:
        said = "; ".join(words for _, words in tried) or "no name server knows its address"
        raise Failed(
            f"Nothing answers as healthy where {setup.hostname} is to lead: {said}.", "The name was not touched.",
            "Bring the application up there first; then try again.",
        )  # fmt: skip
    return {"words": "; ".join(good)}


def move(context: Context[FailOverDns]) -> Facts:
    """May be done twice without harm; an answer that got lost is made up for by looking."""
    dns = context.world.policy.infrastructure.dns
    cloudflare, setup = open_cloudflare(dns, context.world.environment), look(context.world)
    try:
        point(cloudflare, setup, _find_wanted(context.world, setup, context.parameters))
    except CloudflareUnclear:
        if not look_for(lambda: moved(context) is not None, CONFIRMED_WITHIN_S):
            raise
    return _tell(context)


def moved(context: Context[FailOverDns]) -> Facts | None:
    setup = look(context.world)
    there = find_present(setup) == _find_wanted(context.world, setup, context.parameters)
    return _tell(context) if there else None


def _tell(context: Context[FailOverDns]) -> Facts:
    return {"words": str(context.plan.observed["then"])}


def wait_until_spread(context: Context[FailOverDns]) -> Facts:
    """No longer than the policy's time and the TTL; who still says something else then is a verdict."""
    world, setup = context.world, look(context.world)
    limit_s = world.policy.infrastructure.dns.failover_time.at_most.total_seconds() + ttl_s(setup.ttl)
    began = world.now()

    def all_say() -> bool:
        return all(one.good for one in _judge_servers(world, setup, context.parameters))

    try:
        wait_until_seen("name servers", all_say, Watch(Pace(LOOK_EVERY_S, limit_s), context.progress))
    except SystemFailed:
        return {"spread": False, "words": f"not everywhere within {show_duration(limit_s)}"}
    return {"spread": True, "words": f"everywhere after {show_duration(world.now() - began)}"}


def measure(context: Context[FailOverDns]) -> Evidence:
    """What Cloudflare has, what each name server says, and what answers a request to the name."""
    world, observed, setup = context.world, context.plan.observed, look(context.world)
    present = describe(setup, find_present(setup))
    kept = (setup.ttl, setup.proxied) == (observed["ttl"], observed["proxied"])
    servers = _list_servers(world, setup)
    answers = ask_servers(setup.hostname, servers)
    asked = [
        _get(world, setup, address) for address in dict.fromkeys(one for each in answers for one in each.addresses)
    ]
    verdicts = [
        Verdict(name="Cloudflare", expected=str(observed["then"]), found=present, good=present == observed["then"]),
        Verdict(
            name="TTL and proxying", expected="as before", found="as before" if kept else "changed meanwhile", good=kept
        ),
        *_judge_servers(world, setup, context.parameters),
        Verdict(
            name=f"A request to {setup.hostname}",
            expected="200",
            found="; ".join(words for _, words in asked) or "no address to ask at",
            good=bool(asked) and all(answers for answers, _ in asked),
        ),
    ]
    return Evidence(verdicts, words=f"{setup.hostname} leads to: {present}.")


def _judge_servers(world: World, setup: Setup, parameters: FailOverDns) -> list[Verdict]:
    servers = _list_servers(world, setup)
    targets = list_targets(setup, _find_wanted(world, setup, parameters))
    return [
        _judge(answer, setup, set() if setup.proxied else set(_resolve(targets, [server])))
        for server, answer in zip(servers, ask_servers(setup.hostname, servers), strict=True)
    ]


def _judge(answer: Answer, setup: Setup, expected: set[str]) -> Verdict:
    """A proxied name has Cloudflare's own addresses wherever it leads; then that it is answered is all there is."""
    if setup.proxied:
        wanted, good = "an address of Cloudflare's", bool(answer.addresses)
    else:
        wanted, good = (
            ", ".join(sorted(expected)) or "the new address",
            bool(expected) and {*answer.addresses} == expected,
        )
    return Verdict(name=f"Name server {answer.server}", expected=wanted, found=answer.words, good=good)


def _list_servers(world: World, setup: Setup) -> list[str]:
    named = world.policy.infrastructure.dns.resolvers
    return [one for name in named for one in (setup.zone.name_servers if name == AUTHORITATIVE else [name])]


def _resolve(targets: list[str], servers: list[str]) -> list[str]:
    """Numbers of what is named."""
    found = [target for target in targets if is_number(target)]
    for name in (target for target in targets if not is_number(target)):
        found += [one for answer in ask_servers(name, servers) for one in answer.addresses]
    return list(dict.fromkeys(found))


def _get(world: World, setup: Setup, address: str) -> tuple[bool, str]:
    """The policy's health address, asked for at a number."""
    parts = urlsplit(world.policy.infrastructure.dns.primary)
    secure = parts.scheme == "https"
    port = parts.port or (HTTPS if secure else 80)
    return get_at(address, hostname=setup.hostname, port=port, path=parts.path or "/", secure=secure)


ACTION = FailOverTheName()
