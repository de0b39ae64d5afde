"""The IAM policy: every declared right, each on as little as the policy's names allow."""

from __future__ import annotations

import ast
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from bot.comms.channels import channel_modules
from bot.diagnostics.check import all_checks
from bot.diagnostics.cloud_series import PERMISSIONS as CHARTS
from bot.policy import EmailSettings, load_policy
from bot.policy.channels import StatusSiteSettings
from bot.policy.section import S3Location
from bot.recovery.registry import all_actions
from bot.terminal.iam import build_policy_document, find_resources, list_rights

POLICY = load_policy(None)


@pytest.fixture(scope="module")
def statements() -> list[dict[str, Any]]:
    document: dict[str, Any] = build_policy_document(POLICY)
    assert document["Version"] == "2012-10-17"
    return list(document["Statement"])


def test_every_declared_right_is_in_it_once_and_no_other(statements: list[dict[str, Any]]) -> None:
    declared = {right for action in all_actions().values() for right in action.permissions}
    declared |= {right for check in all_checks().values() for right in check.permissions}
    declared |= set(CHARTS)
    granted = [right for statement in statements for right in statement["Action"]]
    assert sorted(granted) == sorted(declared) == list_rights()
    assert not any("*" in right for right in granted)


def test_statements_are_as_iam_takes_them(statements: list[dict[str, Any]]) -> None:
    for statement in statements:
        assert set(statement) == {"Sid", "Effect", "Action", "Resource"}
        assert statement["Sid"].isalnum()
        assert len({right.partition(":")[0] for right in statement["Action"]}) == 1
        assert all(resource == "*" or resource.startswith("arn:aws:") for resource in statement["Resource"])
    assert len({statement["Sid"] for statement in statements}) == len(statements)


@pytest.mark.parametrize(
    ("right", "resources"),
    [
        ("s3:ListBucket", {"arn:aws:s3:::traitortrack-backups"}),
        (
            "s3:PutObject",
            {f"arn:aws:s3:::traitortrack-backups/{prefix}*" for prefix in ("database/", "ledger/", "wal/")},
        ),
        (
            "secretsmanager:PutSecretValue",
            {"arn:aws:secretsmanager:*:*:secret:traitortrack/production/database-url-??????"},
        ),
        ("rds:DescribeDBInstances", {"*"}),
        ("cloudwatch:GetMetricStatistics", {"*"}),
    ],
)
def test_what_a_right_is_on(right: str, resources: set[str]) -> None:
    assert set(find_resources(right, POLICY)) == resources


def test_instances_are_changed_by_name_only() -> None:
    resources = find_resources("rds:DeleteDBInstance", POLICY)
    assert "*" not in resources
    assert {one for one in resources if ":db:" in one} == {
        f"arn:aws:rds:*:*:db:{name}*"
        for name in ("traitortrack-primary", "traitortrack-restored", "traitortrack-replica-1")
    }


def test_a_status_page_in_a_bucket_may_be_written_there_and_nowhere_else() -> None:
    site = StatusSiteSettings(location=S3Location(bucket="status-example", prefix="site/"))
    channels = POLICY.channels.model_copy(update={"status_site": site})
    document: dict[str, Any] = build_policy_document(POLICY.model_copy(update={"channels": channels}))
    on = {right: one["Resource"] for one in document["Statement"] for right in one["Action"] if "status" in str(one)}
    files = ["arn:aws:s3:::status-example/site/*"]
    assert on == {
        "s3:DeleteObject": files, "s3:PutObject": files, "s3:ListBucket": ["arn:aws:s3:::status-example"],
    }  # fmt: skip
    assert "status-example" not in str(build_policy_document(POLICY))


def test_mail_through_ses_may_be_sent_as_the_sender_only() -> None:
    mail = EmailSettings(transport="ses", region="eu-west-1", sender="incidents@example.com")
    channels = POLICY.channels.model_copy(update={"email": mail})
    document: dict[str, Any] = build_policy_document(POLICY.model_copy(update={"channels": channels}))
    (statement,) = [one for one in document["Statement"] if one["Action"][0].startswith("ses:")]
    identities = [f"arn:aws:ses:eu-west-1:*:identity/{one}" for one in ("incidents@example.com", "example.com")]
    assert (statement["Action"], statement["Resource"]) == (["ses:SendEmail", "ses:SendRawEmail"], identities)


@pytest.mark.parametrize("name", channel_modules())
def test_a_channel_that_can_reach_aws_says_what_it_needs_there(name: str) -> None:
    module = channel_modules()[name]
    assert hasattr(module, "list_rights") == ("boto3" in find_imports(module.__name__))


def find_imports(name: str) -> set[str]:
    """Every module that a module of ours imports, by itself or through others of ours."""
    found, new = set[str](), [name]
    while new:
        spec = find_spec(new.pop())
        source = Path(spec.origin).read_text(encoding="utf-8") if spec and spec.origin else ""
        nodes = list(ast.walk(ast.parse(source)))
        named = {node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module}
        named |= {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
        new += [one for one in named - found if one.startswith("bot.") and one != "bot.systems"]
        found |= named
    return found
