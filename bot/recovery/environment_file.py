"""The file on a host that the application's environment is read from: written there, never seen here.

The host asks Secrets Manager itself, by the policy's command and with its own rights. What goes to it are names,
versions and fingerprints; what comes back are fingerprints again, which are compared with those of the bot: the proof
needs no value. (Document: Retrieve secrets during recovery.)
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from pydantic import JsonValue

from bot.outcome import Failed, Refused
from bot.policy import Application
from bot.recovery.action import Context, Facts, World
from bot.recovery.connection_secret import refuse_unusable
from bot.recovery.on_hosts import look_with, open_application_hosts, run_program
from bot.store.documents import Verdict
from bot.systems.hosts.command import HostUnreachable
from bot.systems.hosts.opening import OpenHost
from bot.systems.hosts.ssm import PERMISSIONS as HOST_PERMISSIONS
from bot.systems.secrets import Secrets, fingerprint, fingerprint_text

PERMISSIONS = ("secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue", *HOST_PERMISSIONS)
PROGRAM = "write_environment"
WRITE_S = 180.0
"""Several secrets, each asked for by a program of its own, on a machine that may have just started."""
MODE = "600"
BREAKS = re.compile("[\x00-\x08\x0a-\x1f\x7f\ufeff]")
"""What systemd and a shell would not read back from one line."""


@dataclass(frozen=True)
class Held:
    """A secret at one version; what its value is, is told by the fingerprint alone."""

    name: str
    version: str
    fingerprint: str


@dataclass(frozen=True)
class Wanted:
    """What an application's file is to hold."""

    path: str
    region: str
    secrets: dict[str, Held]
    fixed: dict[str, str]

    @property
    def fingerprints(self) -> dict[str, str]:
        """By variable, of what has to stand in the file."""
        fixed = {name: fingerprint_text(value) for name, value in self.fixed.items()}
        return fixed | {name: held.fingerprint for name, held in self.secrets.items()}

    @property
    def facts(self) -> Facts:
        """As a plan keeps it."""
        return {name: asdict(held) for name, held in self.secrets.items()}


def find_wanted(
    world: World, application: str, versions: Mapping[str, str] | None = None, region: str | None = None
) -> Wanted:
    """With the present versions, or those of `versions` by variable. Raises `Refused` where one cannot be had.

    `region` is where the secrets are; the primary one unless it is said.
    """
    settings = application_with_file(world, application)
    where = region or world.policy.infrastructure.regions.primary
    secrets = Secrets(where)
    held = {
        variable: _hold(world, secrets, variable, (versions or {}).get(variable))
        for variable in settings.environment_secrets
    }
    return Wanted(str(settings.environment_file), where, held, dict(settings.environment_fixed))


def application_with_file(world: World, application: str) -> Application:
    """Raises `Refused` where the policy does not know the application, or says nothing of such a file."""
    settings = world.policy.applications.get(application)
    if settings is None:
        known = ", ".join(world.policy.applications)
        raise Refused(f"{application!r} is not an application of the policy: {known}.", "Name one of them.")
    if settings.environment_file is None:
        raise Refused(
            f"The policy names no environment file of {settings.title}.",
            f"Add `environment_file` and `environment_secrets` to `applications.{application}`.",
        )
    return settings


def write_environment(context: Context[Any], host: OpenHost, wanted: Wanted | None = None) -> Facts:
    """Write the file on one host; may be done again. Returns what is in it now, by names and fingerprints.

    `wanted` is what was planned; without it the versions that are current now. Raises `Failed` in the host's words.
    """
    held = wanted or find_wanted(context.world, _application_of(context, host))
    found = run_program(context, host, PROGRAM, "write", _spec(host, held, context.mark), timeout_s=WRITE_S)
    refuse_wrong(host, held, found)
    return found


def write_everywhere(context: Context[Any], application: str) -> Facts:
    """Write it on each host that can be reached. One that cannot, dead or shut off, is left out and told of: the others
    must not be left with what no longer leads anywhere. Raises `Failed` where none can be reached.
    """
    done, away = list[str](), dict[str, str]()
    for host in open_application_hosts(context.world, application):
        context.progress(f"writing on {host.host.title}")
        try:
            write_environment(context, host)
        except HostUnreachable as error:
            away[host.key] = error.reason
        else:
            done.append(host.host.title)
    if not done:
        raise Failed(
            f"No host can be reached. {' '.join(away.values())}", "No environment file was written.",
            "`/dr diagnose infrastructure` looks at them; then try again.",
        )  # fmt: skip
    titles = [context.world.policy.hosts[key].title for key in away]
    left = f"; NOT on {', '.join(titles)}, which cannot be reached" if titles else ""
    return {"left_out": {**away}, "words": f"written on {', '.join(done)}{left}"}


def judge_left_behind(world: World, left_out: Iterable[str]) -> list[Verdict]:
    """Hosts by their keys that an action could not reach: what they have is not known."""
    told = "unknown: it could not be reached. When it is back, before users get there: write_environment, then restart"
    return [
        Verdict(name=world.policy.hosts[key].title, expected="taken along", found=told, good=False, unknown=True)
        for key in left_out
    ]


def put_back_environment(context: Context[Any], host: OpenHost, wanted: Wanted, kept: str) -> Facts:
    """Give the file what the run with the mark `kept` found there; what is there now is kept in its turn."""
    spec = _spec(host, wanted, context.mark, put_back=kept)
    return run_program(context, host, PROGRAM, "put_back", spec, timeout_s=WRITE_S)


def take_back_environment(context: Context[Any], host: OpenHost, wanted: Wanted) -> bool:
    """Undo what this very run has done to the file; False where there is nothing to be undone."""
    spec = _spec(host, wanted, context.mark)
    return bool(run_program(context, host, PROGRAM, "take_back", spec, timeout_s=WRITE_S)["changed"])


def look_at_environment(host: OpenHost, wanted: Wanted, mark: str = "look") -> Facts:
    """What is in the file, and whether there is what the run with this mark has kept of it; changes nothing."""
    return look_with(host, PROGRAM, "look", _spec(host, wanted, mark))


def list_wrong(wanted: Wanted, found: Facts) -> list[str]:
    """Variables that are not in the file as they are to be."""
    there = found.get("variables")
    variables = there if isinstance(there, dict) else {}
    return [name for name, expected in wanted.fingerprints.items() if variables.get(name) != expected]


def refuse_wrong(host: OpenHost, wanted: Wanted, found: Facts) -> None:
    """Raises `Failed` where what was written is not read back as it is to be."""
    wrong = list_wrong(wanted, found)
    if wrong:
        raise Failed(
            f"{wanted.path} on {host.host.title} does not hold {', '.join(wrong)} as it should.",
            "The file that was there before is kept beside it.", "Look at the file on the host.",
        )  # fmt: skip


def list_names(value: JsonValue | None) -> list[str]:
    """A list of names among a program's facts."""
    return [str(one) for one in value] if isinstance(value, list) else []


def _hold(world: World, secrets: Secrets, variable: str, version: str | None) -> Held:
    name = world.policy.secrets[variable].name
    if version is None:
        found = secrets.observe(name)
        refuse_unusable(found)
        version = str(found.current)
    value = secrets.read(name, version)
    if BREAKS.search(value.get_secret_value()):
        raise Refused(
            f"{variable} ({name}) holds a line break or a control character, which an environment file has no place "
            "for.",
            "Put a version on one line, for example in base64, or let the application read it from elsewhere.",
        )
    return Held(name, version, fingerprint(value))


def _spec(host: OpenHost, wanted: Wanted, mark: str, put_back: str = "") -> str:
    """What the program is told: no value of a secret is in it."""
    secrets = [
        {
            "variable": variable,
            "fingerprint": held.fingerprint,
            "command": host.command("read_secret", secret=held.name, version=held.version, region=wanted.region),
        }
        for variable, held in wanted.secrets.items()
    ]
    spec: dict[str, Any] = {"path": wanted.path, "mark": mark, "fixed": wanted.fixed, "secrets": secrets}
    return json.dumps({**spec, "put_back": put_back} if put_back else spec)


def _application_of(context: Context[Any], host: OpenHost) -> str:
    return next(key for key, one in context.world.policy.applications.items() if one is host.application)
