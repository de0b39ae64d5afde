"""`holdfast permissions`: the least-privilege IAM policy of what the bot does in AWS."""

from __future__ import annotations

import json
from pathlib import Path

import click

from bot.policy import load_policy
from bot.terminal.iam import ANY, build_policy_document, explain_open, group_rights, list_rights
from bot.terminal.session import guarded


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print the policy as IAM takes it.")
@click.option(
    "--file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    envvar="HOLDFAST_POLICY",
    help="Another policy than that of HOLDFAST_POLICY.",
)
@guarded
def permissions(as_json: bool, file: Path | None) -> None:
    """Print the AWS rights that the recovery actions, the checks and the channels need, and nothing more."""
    policy = load_policy(file)
    if as_json:
        click.echo(json.dumps(build_policy_document(policy), indent=2))
        return
    for (service, resources), rights in group_rights(policy, list_rights()).items():
        click.echo("\n".join(rights))
        if resources == (ANY,):
            click.echo(f"    on * ({explain_open(service)})")
        else:
            click.echo("\n".join(f"    on {one}" for one in resources))
    click.echo("\n--json prints them as an IAM policy.")
