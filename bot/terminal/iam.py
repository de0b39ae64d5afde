"""The least that the bot may do in AWS, as an IAM policy on what the policy names.

It is what actions, checks and channels declare, and what it takes to keep the ledger's head beside the backups.

Which rights can be narrowed to which resources: AWS Service Authorization Reference. The account stays `*`: the bot
does not know its number, and a bucket's name is unique without it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from pydantic import JsonValue

from bot.comms.channels import list_aws_rights
from bot.diagnostics.check import all_checks
from bot.diagnostics.cloud_series import PERMISSIONS as CHARTS
from bot.policy import Policy
from bot.postmortem.ledger_heads import PREFIX as LEDGER_PREFIX
from bot.recovery.registry import all_actions

ANY = "*"
OWN_RIGHTS = ("s3:PutObject",)
"""Of the bot itself: the ledger's head is stored beside the backups (`bot.postmortem.ledger_heads`)."""
BUCKET_WIDE = ("s3:ListBucket", "s3:ListBucketVersions", "s3:ListBucketMultipartUploads")
"""Rights on a bucket itself; the other ones of S3 are on objects."""
RDS_KINDS = ("snapshot", "pg", "og", "subgrp", "secgrp", "auto-backup")
"""What restoring, copying and changing an instance touches besides instances; their names are not the policy's."""


def list_rights() -> list[str]:
    """Every right that an action, a check, a chart or the bot itself needs, each once, sorted."""
    actions = {right for action in all_actions().values() for right in action.permissions}
    checks = {right for check in all_checks().values() for right in check.permissions}
    return sorted(actions | checks | set(OWN_RIGHTS) | set(CHARTS))


def find_resources(right: str, policy: Policy) -> tuple[str, ...]:
    """On what the right is needed, as ARNs; `*` where IAM cannot narrow it, or the names are not known before."""
    service, _, operation = right.partition(":")
    if right in BUCKET_WIDE:
        return tuple(sorted({f"arn:aws:s3:::{bucket}" for bucket, _ in _list_places(policy)}))
    if service == "s3":
        return tuple(sorted({f"arn:aws:s3:::{bucket}/{prefix}*" for bucket, prefix in _list_places(policy)}))
    if service == "secretsmanager" and operation != "ListSecrets":
        return tuple(f"arn:aws:secretsmanager:*:*:secret:{name}-??????" for name in _list_secrets(policy))
    if service == "rds" and not operation.startswith("Describe"):
        return (*_list_instances(policy), *(f"arn:aws:rds:*:*:{kind}:*" for kind in RDS_KINDS))
    return (ANY,)


def group_rights(policy: Policy, rights: Iterable[str]) -> dict[tuple[str, tuple[str, ...]], list[str]]:
    """The rights by service and by what they are on, and those of the channels that the policy sets up."""
    grouped: dict[tuple[str, tuple[str, ...]], list[str]] = defaultdict(list)
    for right in sorted(rights):
        grouped[right.partition(":")[0], find_resources(right, policy)].append(right)
    for right, resources in list_aws_rights(policy).items():
        grouped[right.partition(":")[0], resources].append(right)
    return dict(grouped)


def build_policy_document(policy: Policy) -> dict[str, JsonValue]:
    """As IAM takes it (IAM JSON policy reference, version 2012-10-17)."""
    statements: list[JsonValue] = [
        {
            "Sid": f"Holdfast{service.capitalize()}{number}",
            "Effect": "Allow",
            "Action": list(rights),
            "Resource": list(resources),
        }
        for number, ((service, resources), rights) in enumerate(group_rights(policy, list_rights()).items(), 1)
    ]
    return {"Version": "2012-10-17", "Statement": statements}


def explain_open(service: str) -> str:
    """Why a right of this service is on everything."""
    if service == "rds":
        return "describing lists whatever there is, restored instances among it"
    return "IAM knows no narrower resource for it"


def _list_places(policy: Policy) -> list[tuple[str, str]]:
    """Bucket and prefix of everything that is backed up there."""
    archives = [(one.backups.bucket, one.backups.prefix) for one in policy.databases.values()]
    heads = [(bucket, LEDGER_PREFIX) for bucket, _ in archives]
    return [*archives, *heads, (policy.backups.wal.location.bucket, policy.backups.wal.location.prefix)]


def _list_instances(policy: Policy) -> list[str]:
    """The instances of the policy, and those whose names begin with theirs: a restore makes such ones."""
    rds = policy.infrastructure.rds
    return [f"arn:aws:rds:*:*:db:{name}*" for name in (rds.instance, rds.restored_instance, rds.read_replica)]


def _list_secrets(policy: Policy) -> list[str]:
    """The secrets that hold the databases' addresses."""
    named = [policy.secrets.get(one.connection_env) for one in policy.databases.values()]
    return sorted({secret.name for secret in named if secret})
