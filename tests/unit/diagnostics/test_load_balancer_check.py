"""How many healthy servers are enough, and what is said of those that are not."""

from __future__ import annotations

import pytest

from bot.diagnostics.checks.infrastructure_load_balancer import (
    describe_ill,
    find_left_out,
    judge_sizes,
    judge_targets,
    suggest,
)
from bot.policy import Host, load_policy
from bot.systems.target_health import Group, Target, short_name

WANTED = load_policy(None).infrastructure.auto_scaling


def targets(*states: str) -> list[Target]:
    return [Target(f"i-{number}", state, "") for number, state in enumerate(states)]


@pytest.mark.parametrize(
    ("states", "state", "helps"),
    [
        (["healthy"] * 2, "ok", False),
        (["healthy", "healthy", "draining"], "ok", False),
        (["healthy", "healthy", "unhealthy"], "warning", True),
        (["healthy", "healthy", "unused"], "warning", True),
        (["healthy", "initial"], "critical", False),
        (["healthy", "unhealthy"], "critical", True),
        ([], "critical", False),
    ],
)
def test_healthy_servers_against_the_fewest(states: list[str], state: str, helps: bool) -> None:
    point = judge_targets("web", targets(*states), 2, suggest(targets(*states), {}, "traitortrack"))
    assert (point.state, bool(point.suggests)) == (state, helps)
    assert f"{states.count('healthy')} of {len(states)} servers are healthy; 2 are needed" in point.words


def test_an_ill_server_that_the_policy_knows_can_be_replaced() -> None:
    known = Host(
        title="Server 1", application="traitortrack", reach="ssm", instance_id="i-0123456789abcdef0", region="us-east-1"
    )
    ill, well = Target("i-0123456789abcdef0", "unhealthy", ""), Target("i-1", "healthy", "")
    helps = suggest([ill, well], {"app_1": known}, "traitortrack")
    assert [(one.action, one.parameters) for one in helps] == [
        ("replace_server", {"host": "app_1"}),
        ("restart_application", {"application": "traitortrack"}),
    ]
    assert suggest([well], {"app_1": known}, "traitortrack") == []


def test_servers_of_the_group_that_are_not_registered_are_told() -> None:
    group = Group("web", 2, 2, 5, (), ("i-0", "i-1"))
    assert list(find_left_out("web", group, targets("healthy", "healthy"))) == []
    (one,) = find_left_out("web", group, targets("healthy"))
    (all_of_them,) = find_left_out("web", group, [])
    assert (one.state, one.words) == ("warning", "Not registered with web, though in web: i-1.")
    assert (all_of_them.state, all_of_them.signs) == ("critical", ("servers left out",))


def test_no_healthy_server_is_critical_even_where_none_is_needed() -> None:
    assert judge_targets("web", targets("unhealthy"), 0).state == "critical"


@pytest.mark.parametrize(
    ("sizes", "state"), [((2, 2, 5), "ok"), ((3, 3, 9), "ok"), ((1, 2, 5), "warning"), ((2, 2, 4), "warning")]
)
def test_sizes_of_the_group_against_the_policy(sizes: tuple[int, int, int], state: str) -> None:
    assert judge_sizes(Group("web", *sizes, ()), WANTED).state == state


def test_the_reason_is_told_of_those_that_are_not_healthy() -> None:
    ill = [Target("i-1", "unhealthy", "Request timed out"), Target("i-2", "healthy", ""), Target("i-3", "initial", "")]
    assert [one.words for one in describe_ill(ill)] == ["i-1 is unhealthy: Request timed out.", "i-3 is initial."]


def test_names_of_target_groups() -> None:
    arn = "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/web/50dc6c495c0c9188"
    assert short_name(arn) == "web"
    assert short_name("odd") == "odd"
