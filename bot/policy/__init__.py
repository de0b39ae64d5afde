"""What the organisation decided: typed, immutable, from one YAML file."""

from bot.policy.alerts import PLACEHOLDER, AlertRule, Alerts, CloudwatchSource, Prober, SecretSource, compile_pattern
from bot.policy.applications import Application
from bot.policy.approval import ApprovalException, ApprovalRule, Plannable, Risk, Scope, list_rules, rule_for
from bot.policy.blackouts import Closure, find_closure
from bot.policy.business_days import BusinessDays, find_business_days, find_due_time
from bot.policy.channels import (
    Channels,
    EmailSettings,
    OpsgenieSettings,
    PagerDutySettings,
    StatuspageSettings,
    StatusSiteSettings,
    TeamsSettings,
    Way,
    WebhookSettings,
)
from bot.policy.communication import FollowUp
from bot.policy.databases import BackupLocation, Database
from bot.policy.durations import Deadline, format_duration, parse_duration
from bot.policy.hosts import Host, HostCommands, fill_command
from bot.policy.infrastructure import DnsFailover, Leftovers
from bot.policy.keys import default_policy_path
from bot.policy.loader import check_policy, load_policy
from bot.policy.metrics import Metrics
from bot.policy.people import Person, Role
from bot.policy.playbooks import ConditionName, Playbook, PlaybookStep, ReferenceName
from bot.policy.policy import Policy
from bot.policy.problems import PolicyError, Problem
from bot.policy.rendering import render_policy
from bot.policy.severities import Audience, Cadence, Category, Severity, SeverityName, cadence_for
from bot.policy.targets import Disaster, Phase, RpoTarget
from bot.policy.updates import Calendar, Rota, Updates
from bot.policy.verification import Verification, VerificationStep

__all__ = [
    "PLACEHOLDER",
    "AlertRule",
    "Alerts",
    "Application",
    "ApprovalException",
    "ApprovalRule",
    "Audience",
    "BackupLocation",
    "BusinessDays",
    "Cadence",
    "Calendar",
    "Category",
    "Channels",
    "Closure",
    "CloudwatchSource",
    "ConditionName",
    "Database",
    "Deadline",
    "Disaster",
    "DnsFailover",
    "EmailSettings",
    "FollowUp",
    "Host",
    "HostCommands",
    "Leftovers",
    "Metrics",
    "OpsgenieSettings",
    "PagerDutySettings",
    "Person",
    "Phase",
    "Plannable",
    "Playbook",
    "PlaybookStep",
    "Policy",
    "PolicyError",
    "Prober",
    "Problem",
    "ReferenceName",
    "Risk",
    "Role",
    "Rota",
    "RpoTarget",
    "Scope",
    "SecretSource",
    "Severity",
    "SeverityName",
    "StatusSiteSettings",
    "StatuspageSettings",
    "TeamsSettings",
    "Updates",
    "Verification",
    "VerificationStep",
    "Way",
    "WebhookSettings",
    "cadence_for",
    "check_policy",
    "compile_pattern",
    "default_policy_path",
    "fill_command",
    "find_business_days",
    "find_closure",
    "find_due_time",
    "format_duration",
    "list_rules",
    "load_policy",
    "parse_duration",
    "render_policy",
    "rule_for",
]
