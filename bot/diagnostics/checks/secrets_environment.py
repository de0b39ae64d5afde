"""Do the environment files on the hosts hold what the application is to be started with?

The hosts answer with names and fingerprints, never with values; compared is with Secrets Manager and with the URL that
the bot itself was given. (Document: Retrieve secrets during recovery.)
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from pydantic import JsonValue

from bot.diagnostics.check import Surroundings
from bot.diagnostics.points import Point, PointCheck
from bot.outcome import Failed, Refused
from bot.policy import Application
from bot.store.documents import Suggestion
from bot.systems.aws import AwsRefused, AwsUnclear
from bot.systems.hosts.opening import OpenHost
from bot.systems.hosts.ssm import PERMISSIONS
from bot.systems.secrets import Secrets, SecretUnusable, fingerprint, fingerprint_text

PROGRAM, MARK, OWN_ALONE = "write_environment", "look", "600"
LOOK_S = 12.0
NORMAL = "Each host has what Secrets Manager has."
Known = dict[str, set[str]]
"""By variable: fingerprints of the values that are right; empty where none is known."""


class SecretsEnvironment(PointCheck):
    name = "secrets_environment"
    title = "Environment files on the hosts"
    scope = "secrets"
    permissions = ("secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue", *PERMISSIONS)
    once = False
    timeout_s = 30.0

    def look(self, surroundings: Surroundings) -> Iterator[Point]:
        application = surroundings.policy.applications[surroundings.settings.application]
        hosts = surroundings.hosts() if application.environment_file else []
        if not hosts:
            yield Point("unknown", "The policy names no environment file of the application, or no host.")
            return
        variables = list(dict.fromkeys([surroundings.settings.connection_env, *application.environment_secrets]))
        with ThreadPoolExecutor(max_workers=len(hosts) + 1) as pool:
            known = pool.submit(_find_known, surroundings, variables)
            answers = list(pool.map(lambda host: _read(host, application, variables), hosts))
        named: dict[str, JsonValue] = {"application": surroundings.settings.application}
        write = Suggestion(action="write_environment", label="Write the environment files", parameters=named)
        for host, answer in zip(hosts, answers, strict=True):
            if isinstance(answer, Refused | Failed):
                yield Point("unknown", f"{host.host.title}: {answer.reason}")
                continue
            for point in judge_file(host.host.title, answer, known.result(), surroundings.settings.connection_env):
                yield point if point.state == "ok" else replace(point, suggests=(write,))


def judge_file(title: str, answer: Mapping[str, JsonValue], known: Known, url: str) -> Iterator[Point]:
    """`url`: the variable without which the application finds no database."""
    there = answer.get("variables")
    found = there if isinstance(there, dict) else {}
    if not answer.get("present"):
        yield Point("critical", f"{title} has no environment file.", signs=("environment wrong",), normal=NORMAL)
        return
    if url not in found:
        words = f"{title}: {url} is not in the environment file. What starts there finds no database."
        yield Point("critical", words, signs=("environment wrong",), normal=NORMAL)
    for name in (name for name, value in found.items() if known.get(name) and value not in known[name]):
        words = f"{title}: {name} in the environment file is not what Secrets Manager has; what starts there uses it."
        if name == url:
            yield Point("critical", words, signs=("environment wrong",), normal=NORMAL)
        else:
            yield Point("warning", words, signs=("secret wrong",), normal=NORMAL)
    if answer.get("mode") != OWN_ALONE:
        words = f"{title}: others may read the environment file (mode {answer.get('mode')}, should be {OWN_ALONE})."
        yield Point("warning", words, signs=("secrets exposed",), normal=NORMAL)
    yield Point("ok", f"{title}: {len(found)} of the secrets are in the environment file.", normal=NORMAL)


def _find_known(surroundings: Surroundings, variables: list[str]) -> Known:
    """What cannot be had is told by the inventory of secrets."""
    secrets = Secrets(surroundings.policy.infrastructure.regions.primary)
    known: Known = {name: set() for name in variables}
    url = surroundings.environment.get(surroundings.settings.connection_env)
    for name in (name for name in variables if name in surroundings.policy.secrets):
        kept = surroundings.policy.secrets[name].name
        try:
            found = secrets.observe(kept)
            if found.current is not None and found.deleted_at is None:
                known[name].add(fingerprint(secrets.read(kept, found.current)))
        except (SecretUnusable, AwsRefused, AwsUnclear):
            continue
    if url:
        known[surroundings.settings.connection_env].add(fingerprint_text(url))
    return known


def _read(host: OpenHost, application: Application, variables: list[str]) -> dict[str, JsonValue] | Refused | Failed:
    named: list[JsonValue] = [{"variable": name} for name in variables]
    spec = {"path": str(application.environment_file), "fixed": {}, "secrets": named, "mark": MARK}
    try:
        return host.read_with(PROGRAM, "look", json.dumps(spec), timeout_s=LOOK_S)
    except (Refused, Failed) as trouble:
        return trouble


CHECK = SecretsEnvironment()
