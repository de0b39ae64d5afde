"""What runs touch, by the names that the policy has for it: no two runs work on the same thing at once.

A run locks all that its action names by these (`Action.touches`), not only its target.
"""

from __future__ import annotations

from bot.policy import Policy

AUTO_SCALING = "auto-scaling"
"""The policy's auto-scaling group."""


def touch_application(policy: Policy, application: str) -> frozenset[str]:
    """It and every host that it runs on."""
    return frozenset({application, *(key for key, host in policy.hosts.items() if host.application == application)})


def name_page(application: str) -> str:
    """The maintenance page of an application: a file on each host that nothing else there reads or writes."""
    return f"maintenance page of {application}"


def touch_server(policy: Policy, host: str) -> frozenset[str]:
    """One host, and its application, which has to go on with the others."""
    found = policy.hosts.get(host)
    return frozenset({host, found.application} if found else {host})


def touch_scaling_group(policy: Policy) -> frozenset[str]:
    """The group, and every host in its region: which of them it will touch is not known beforehand."""
    region = policy.infrastructure.regions.primary
    hosts = [touch_server(policy, key) for key, host in policy.hosts.items() if host.region == region]
    return frozenset({AUTO_SCALING}).union(*hosts)


def touch_instance(policy: Policy, instance: str) -> frozenset[str]:
    """A server in EC2, and the host that the policy has in it."""
    return frozenset({instance, *(key for key, host in policy.hosts.items() if host.instance_id == instance)})


def touch_database(policy: Policy, database: str) -> frozenset[str]:
    """It and the application that works with it."""
    found = policy.databases.get(database)
    return frozenset({database, found.application} if found else {database})


def touch_database_server(policy: Policy, instance: str) -> frozenset[str]:
    """An RDS instance; where it is the one of the policy, the database in it and its application, too."""
    rds = policy.infrastructure.rds
    behind = touch_database(policy, rds.database) if instance == rds.instance else frozenset[str]()
    return frozenset({instance}) | behind


def touch_connection(policy: Policy, database: str, application: str | None = None) -> frozenset[str]:
    """A database, the secret that leads to it, and the application that reads it, on every host of that."""
    found = policy.databases.get(database)
    if found is None:
        return frozenset({database})
    return frozenset({database, found.connection_env}) | touch_application(policy, application or found.application)
