"""Does a host keep old secrets, or more releases than are needed? (Document: secrets; Application Code.)"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from bot.diagnostics.check import Surroundings
from bot.diagnostics.points import Point, PointCheck
from bot.outcome import Failed, Refused
from bot.policy import Leftovers
from bot.store.documents import Suggestion
from bot.systems.hosts.leftovers import Left, count_leftovers, show_age
from bot.systems.hosts.opening import OpenHost
from bot.systems.hosts.ssm import PERMISSIONS
from bot.words import show_count, show_duration

COPIES = "copy of old secrets", "copies of old secrets"
NOTHING_OLD = "No copy of old secrets is older than {age}, and no release is one too many."


class CodeLeftovers(PointCheck):
    name = "code_leftovers"
    title = "What deploys leave on the hosts"
    scope = "code"
    permissions = PERMISSIONS
    timeout_s = 30.0
    once = False

    def look(self, surroundings: Surroundings) -> Iterator[Point]:
        hosts, rules = surroundings.hosts(), surroundings.policy.infrastructure.leftovers
        if not hosts:
            yield Point("unknown", "The policy names no host of the application (`hosts`).")
            return
        with ThreadPoolExecutor(max_workers=len(hosts)) as pool:
            yield from pool.map(lambda host: look_at(host, rules), hosts)


def look_at(host: OpenHost, rules: Leftovers) -> Point:
    """What one host keeps; what is more than the policy wants is a warning."""
    try:
        left = count_leftovers(host, rules)
    except (Refused, Failed) as trouble:
        return Point("unknown", f"{host.host.title}: {trouble.reason}")
    return judge_left(host, left, rules)


def judge_left(host: OpenHost, left: Left, rules: Leftovers) -> Point:
    secrets, releases = left.too_much["secrets"], left.too_much["release"]
    has = f"{host.host.title} keeps {show_count(left.releases, 'release')} and {show_count(left.secrets, *COPIES)}"
    if left.blind and not secrets:
        why = "Old releases stay, since where processes of others work cannot be seen"
        return Point("unknown", f"{has}. {why}: let `commands.python` of the policy run as root there.")
    if not secrets and not releases:
        return Point("ok", f"{has}.", normal=NOTHING_OLD.format(age=show_duration(rules.old_secrets_for)))
    said = [f"{show_count(releases, 'release')} more than are needed"] if releases else []
    if secrets:
        limit, oldest = show_duration(rules.old_secrets_for), show_age(left.oldest_secrets_s)
        said.append(f"{show_count(secrets, *COPIES)} for longer than {limit}, the oldest for {oldest}")
    prune = Suggestion(
        action="prune_hosts", label="Remove what is left over", parameters={"application": host.host.application}
    )
    return Point("warning", f"{has}: {'; '.join(said)}.", (prune,),
                 normal=NOTHING_OLD.format(age=show_duration(rules.old_secrets_for)))  # fmt: skip


CHECK = CodeLeftovers()
