"""What a change of the password does, step by step, that an application's role has on its database.

The secret gets a version beside the present one first; then the server is told, and only then is that version current.
"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime

from pydantic import Field, SecretStr

from bot.outcome import Failed
from bot.recovery.action import Context, Facts, Parameters, World
from bot.recovery.application_restart import ask_starts, restart_hosts
from bot.recovery.backups import settings_of
from bot.recovery.environment_file import write_everywhere
from bot.recovery.on_hosts import open_application_hosts
from bot.recovery.secret_versions import (
    VERSION,
    Entry,
    find_entry,
    keep_version,
    move_current,
    put_version,
    tell_version,
)
from bot.systems.role_password import (
    end_older_sessions,
    logs_in,
    password_of,
    replace_password,
    set_password,
)
from bot.systems.secrets import read_url, token_for

STARTS = "starts"


class RotatePassword(Parameters):
    database: str = Field(title="Database", description="Whose application's role gets a new password.")
    version: str | None = Field(
        default=None, title="Or the password of this earlier version of the secret", pattern=VERSION
    )


def keep(context: Context[RotatePassword]) -> Facts:
    return keep_version(context, entry_of(context), version_before(context))


def prepare(context: Context[RotatePassword]) -> Facts:
    """An earlier version is there already."""
    if context.parameters.version:
        return tell_version(entry_of(context), context.parameters.version)
    entry, before = entry_of(context), version_before(context)
    return put_version(context, entry, lambda: replace_password(entry.secrets.read(entry.name, before), entry.name))


def change(context: Context[RotatePassword]) -> Facts:
    """Whether it has been done, perhaps before a crash, is seen by logging in."""
    old, new = value_of(context, version_before(context)), value_of(context, version_wanted(context))
    at = context.world.now()
    if not logs_in(url_of(context, new)):
        if not logs_in(url_of(context, old)):
            raise Failed(
                f"{context.plan.observed['place']} lets {context.plan.observed['role']} in with neither password.",
                "The server may be away, or somebody else changed it.", "`/dr diagnose database` shows which.",
            )  # fmt: skip
        at = set_password(url_of(context, old), password_of(new, entry_of(context).name))
        if not logs_in(url_of(context, new)):
            raise Failed("The new password does not lead in.", "It was set.", "Look at the server's log.")
    return {"at": at.isoformat(), "words": f"{context.plan.observed['role']} logs in with it"}


def switch(context: Context[RotatePassword]) -> Facts:
    return move_current(context, entry_of(context), version_before(context), version_wanted(context))


def switched(context: Context[RotatePassword]) -> Facts | None:
    entry, wanted = entry_of(context), version_wanted(context)
    return tell_version(entry, wanted, "is AWSCURRENT") if entry.look().current == wanted else None


def environment(context: Context[RotatePassword]) -> Facts:
    if not has_file(context.world, application_of(context)):
        return {"words": "the policy names no file on a host"}
    lasting = replace(context, cancelled=lambda: False)  # begun with the password, it is finished
    return write_everywhere(lasting, application_of(context))


def application(context: Context[RotatePassword]) -> Facts:
    """In which start each host was when the step began lasts, so that after a crash no host is restarted twice."""
    key = application_of(context)
    if not has_file(context.world, key):
        service = context.world.policy.applications[key].service
        return {"restarted": False, "words": f"to be restarted by hand: systemctl restart {service}"}
    kept = context.memory.recall(STARTS) or json.dumps(ask_starts(context.world, key)[0])
    context.memory.keep(STARTS, kept)
    starts, lasting = json.loads(kept), replace(context, cancelled=lambda: False)
    hosts = [one for one in open_application_hosts(context.world, key) if one.key in starts]
    left_out = {one.key: "" for one in open_application_hosts(context.world, key) if one.key not in starts}
    return {"restarted": True, "left_out": {**left_out}, **restart_hosts(lasting, key, starts, hosts=hosts)}


def list_left_out(context: Context[RotatePassword]) -> list[str]:
    """Keys of the hosts that could not be given the password, or not be restarted with it."""
    outputs = [context.outputs.get(step, {}) for step in ("environment", "application")]
    found = [facts.get("left_out") for facts in outputs]
    return list(dict.fromkeys(key for one in found if isinstance(one, dict) for key in one))


def sessions(context: Context[RotatePassword]) -> Facts:
    """Only once the application has other ones; it would be cut off otherwise."""
    if not context.outputs["application"].get("restarted"):
        return {"ended": None, "words": "left alone: the application was not restarted"}
    at = datetime.fromisoformat(str(context.outputs["change"]["at"]))
    count = end_older_sessions(url_of(context, value_of(context, version_wanted(context))), at)
    return {"ended": count, "words": f"{count} ended" if count else "there were none"}


def entry_of(context: Context[RotatePassword]) -> Entry:
    return find_entry(context.world, settings_of(context.world, context.parameters.database).connection_env)


def application_of(context: Context[RotatePassword]) -> str:
    return settings_of(context.world, context.parameters.database).application


def has_file(world: World, application: str) -> bool:
    hosts = any(host.application == application for host in world.policy.hosts.values())
    return hosts and world.policy.applications[application].environment_file is not None


def version_before(context: Context[RotatePassword]) -> str:
    return str(context.plan.observed["current_version"])


def version_wanted(context: Context[RotatePassword]) -> str:
    return context.parameters.version or token_for(context.mark)


def value_of(context: Context[RotatePassword], version: str) -> SecretStr:
    entry = entry_of(context)
    return entry.secrets.read(entry.name, version)


def url_of(context: Context[RotatePassword], value: SecretStr) -> str:
    return read_url(value, entry_of(context).name)
