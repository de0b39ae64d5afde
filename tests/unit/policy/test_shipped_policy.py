"""The shipped policy says what the tables of the source document say."""

from datetime import timedelta

import pytest
from pydantic import ValidationError

from bot.policy import Policy, Risk, load_policy
from bot.policy.severities import SeverityName

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
TEAM = {"dr_coordinator", "database_admin", "devops_engineer", "security_officer", "communications_lead"}


@pytest.fixture(scope="module")
def policy() -> Policy:
    return load_policy(None)


@pytest.mark.parametrize(
    ("key", "label", "response"),
    [
        ("infrastructure", "High", "2 hours"),
        ("database", "Critical", "1 hour"),
        ("application", "Medium", "30 minutes"),
        ("security", "Critical", "immediate"),
        ("natural", "High", "4 hours"),
    ],
)
def test_disaster_categories(policy: Policy, key: str, label: str, response: str) -> None:
    category = policy.categories[key]
    assert (category.severity_label, str(category.response_time)) == (label, response)


def test_team_and_business_impact(policy: Policy) -> None:
    assert set(policy.roles) == TEAM
    assert policy.roles["database_admin"].contact == "Lead developer"
    assert policy.business_impact.revenue_loss_per_day_usd_low == 5_000
    assert policy.business_impact.revenue_loss_per_day_usd_high == 10_000


def test_recovery_point_objectives(policy: Policy) -> None:
    assert {key: target.target for key, target in policy.rpo.items()} == {
        "database_primary": 5 * MINUTE,
        "database_development": DAY,
        "application_code": timedelta(0),
        "configuration": HOUR,
        "audit_logs": 5 * MINUTE,
        "session_data": None,
    }


def test_recovery_time_objectives(policy: Policy) -> None:
    ours = {"security_breach"}
    """The document names it critical, and no objective."""
    assert {key: disaster.rto for key, disaster in policy.disasters.items() if key not in ours} == {
        "application_crash": 5 * MINUTE,
        "database_corruption": HOUR,
        "server_failure": 2 * HOUR,
        "region_outage": 4 * HOUR,
        "datacenter_loss": 8 * HOUR,
    }


def test_calculation_examples(policy: Policy) -> None:
    minutes = {
        key: [phase.expected // MINUTE for phase in disaster.phases]
        for key, disaster in policy.disasters.items()
        if disaster.phases
    }
    assert minutes == {"database_corruption": [5, 5, 10, 20, 5, 10], "server_failure": [2, 3, 5, 5, 2, 3]}
    assert policy.disasters["database_corruption"].expected_total == 55 * MINUTE
    assert policy.disasters["server_failure"].expected_total == 20 * MINUTE


def test_components_and_single_points_of_failure(policy: Policy) -> None:
    ordered = sorted(policy.components.items(), key=lambda item: item[1].recovery_priority)
    assert [(key, part.criticality) for key, part in ordered] == [
        ("database", "critical"),
        ("application", "critical"),
        ("static_assets", "medium"),
        ("session_storage", "medium"),
        ("email", "low"),
    ]
    assert policy.components["application"].depends_on == ["database", "session_storage"]
    assert [spof.risk for spof in policy.single_points_of_failure] == ["high", "high", "medium", "low", "low"]


@pytest.mark.parametrize(
    ("name", "title", "action", "first", "ongoing", "resolution"),
    [
        ("P1", "Critical", "immediate", 15 * MINUTE, 30 * MINUTE, "immediate"),
        ("P2", "High", "30 minutes", 30 * MINUTE, HOUR, "2 hours"),
        ("P3", "Medium", "4 hours", HOUR, 2 * HOUR, "4 hours"),
        ("P4", "Low", "next sprint", 4 * HOUR, DAY, "next business day"),
    ],
)
def test_severities_with_the_stricter_of_two_cadences(
    policy: Policy,
    name: SeverityName,
    title: str,
    action: str,
    first: timedelta,
    ongoing: timedelta,
    resolution: str,
) -> None:
    severity = policy.severities[name]
    assert (severity.title, str(severity.action_within)) == (title, action)
    cadence = severity.cadence
    assert (cadence.first_update, cadence.ongoing, str(cadence.resolution)) == (first, ongoing, resolution)


def test_customers_are_told_at_p1_and_p2_only(policy: Policy) -> None:
    told = [name for name, severity in policy.severities.items() if "customers" in severity.audiences]
    assert told == ["P1", "P2"]
    assert set(policy.audiences) == {"users", "management", "dr_team", "customers"}


def test_secrets_inventory(policy: Policy) -> None:
    assert {key: secret.name.rsplit("/", 1)[1] for key, secret in policy.secrets.items()} == {
        "SESSION_SECRET": "session-secret",
        "ADMIN_PASSWORD": "admin-password",
        "PRODUCTION_DATABASE_URL": "database-url",
        "SENDGRID_API_KEY": "sendgrid-api-key",
        "SENDGRID_FROM_EMAIL": "sendgrid-from-email",
    }
    assert str(policy.secrets_offline_copy.location) == "s3://traitortrack-backups/secrets/"


def test_backup_schedule(policy: Policy) -> None:
    backups = policy.backups
    assert (backups.automated_daily.window, backups.automated_daily.retention) == ("03:00-04:00", 7 * DAY)
    assert (backups.manual_weekly.weekday, backups.manual_weekly.at) == ("sunday", "02:00")
    assert (backups.manual_weekly.local_retention, backups.manual_weekly.s3_retention) == (28 * DAY, 92 * DAY)
    assert backups.wal.archive_timeout == policy.rpo["database_primary"].target
    assert backups.wal.expected_settings == {"wal_level": ["replica", "logical"], "archive_mode": ["on"]}


def test_test_schedule(policy: Policy) -> None:
    drills = policy.drills
    assert {key: (drill.frequency, str(drill.duration)) for key, drill in drills.items()} == {
        "database_restore": ("monthly", "1 hour"),
        "application_failover": ("quarterly", "2 hours"),
        "full_simulation": ("annually", "4 hours to 8 hours"),
        "communication": ("semi-annually", "30 minutes"),
    }
    assert drills["database_restore"].limits.restore_time == 5 * MINUTE
    assert (drills["full_simulation"].limits.rto, drills["full_simulation"].limits.rpo) == (4 * HOUR, 5 * MINUTE)
    assert set(drills["full_simulation"].participants) == TEAM


def test_infrastructure_figures(policy: Policy) -> None:
    infrastructure = policy.infrastructure
    assert str(infrastructure.rds.failover_time) == "1 minute to 2 minutes"
    group = infrastructure.auto_scaling
    assert (group.min_size, group.desired_capacity, group.max_size) == (2, 2, 5)
    assert group.health_check_grace == 5 * MINUTE
    assert (infrastructure.dns.check_interval, infrastructure.dns.failure_threshold) == (MINUTE, 3)


def test_follow_ups(policy: Policy) -> None:
    assert [follow_up.due for follow_up in policy.post_incident] == [HOUR] * 3 + [DAY] * 3 + [7 * DAY] * 3


def test_database_knows_its_objectives_and_its_application(policy: Policy) -> None:
    database = policy.databases["traitortrack"]
    assert policy.disasters[database.disaster].rto == HOUR
    assert policy.rpo[database.rpo].target == 5 * MINUTE
    assert policy.applications[database.application].health_expect == {"status": "ok"}
    assert str(database.backups) == "s3://traitortrack-backups/database/"
    assert (database.long_query_after, database.terminate_query_after) == (5 * MINUTE, 10 * MINUTE)


def test_every_risk_can_be_approved_whoever_asks(policy: Policy) -> None:
    risks: list[Risk] = ["low", "high", "destructive"]
    for risk in risks:
        rule = policy.approvals[risk]
        for requester in filter(policy.may_request, policy.people):
            others = [person for person in policy.who_may_approve(rule) if person != requester]
            assert len(others) >= rule.quorum
    assert policy.approvals["destructive"].quorum == 2
    assert policy.approvals["destructive"].typed_confirmation
    assert not policy.approvals["destructive"].requester_may_approve


def test_people_are_found_by_every_name_they_go_by(policy: Policy) -> None:
    diego = policy.person("diego")
    assert diego is not None
    assert policy.person_by_email("Diego.Alvarez@EXAMPLE.com") == diego
    assert policy.person_by_os_user("diego") == diego
    assert policy.holders_of("database_admin", "nobody") == [diego]
    strangers = [policy.person("x"), policy.person_by_email(""), policy.person_by_os_user("root")]
    assert [*strangers, policy.person_by_slack_id("U0")] == [None] * 4


def test_invitations_follow_the_severity(policy: Policy) -> None:
    assert len(policy.invitees("P1")) == len(policy.people)
    assert [person.key for person in policy.invitees("P4")] == ["amara"]


def test_the_policy_cannot_be_changed(policy: Policy) -> None:
    with pytest.raises(ValidationError):
        policy.product = "Other"  # type: ignore[misc]


def test_schedules_can_be_counted_in_the_time_zone(policy: Policy) -> None:
    assert policy.zone.key == policy.time_zone
