"""The terminal: the same services as in Slack, for when Slack is down, and the bot's own start."""

from __future__ import annotations

import logging

import click

from bot.terminal import (  # noqa: F401 (their commands join those of `dr` and `incident`)
    approvals,
    bulletins,
    incident_life,
    incident_tasks,
    incident_web,
    on_call,
    run_desk,
)
from bot.terminal.alerts import alerts
from bot.terminal.charts import chart
from bot.terminal.dr import dr
from bot.terminal.incident import incident
from bot.terminal.permissions import permissions
from bot.terminal.playbooks import playbook
from bot.terminal.records import ledger, policy
from bot.terminal.secrets import secrets
from bot.terminal.serve import serve
from bot.terminal.session import Parts, TerminalSession
from bot.terminal.status_site import status_site
from bot.terminal.templates import templates


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="holdfast")
def holdfast() -> None:
    """Incident response and disaster recovery: plan, approve, run, verify, prove."""


dr.add_command(playbook)
dr.add_command(chart)
for command in (incident, alerts, dr, policy, ledger, permissions, templates, secrets, status_site, serve):
    holdfast.add_command(command)


def run(parts: Parts, *more: click.Command) -> None:
    """Parse the command line and act. `more` are commands of rooms above this one."""
    logging.getLogger("slack_sdk").setLevel(logging.CRITICAL)  # what it reports, we report in our own words
    for command in more:
        holdfast.add_command(command)
    holdfast(obj=TerminalSession(parts))
