"""How many healthy servers are enough, and what is said of those that are not."""

from __future__ import annotations

import pytest

from bot.diagnostics.checks.infrastructure_load_balancer import (
    MEANINGS,
    describe_ill,
    find_left_out,
    judge_sizes,
    judge_targets,
    suggest,
)
from bot.diagnostics.checks.infrastructure_servers import judge_machine
from bot.diagnostics.checks.infrastructure_way_in import judge_path
from bot.policy import Host, load_policy
from bot.systems.servers import Health
from bot.systems.target_health import Door, Group, Target, short_name

WANTED = load_policy(None).infrastructure.auto_scaling

SERVER_1 = Host(
    title="Server 1", application="traitortrack", reach="ssm", instance_id="i-0123456789abcdef0", region="us-east-1"
)


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
    ill, well = Target("i-0123456789abcdef0", "unhealthy", ""), Target("i-1", "healthy", "")
    helps = suggest([ill, well], {"app_1": SERVER_1}, "traitortrack")
    assert [(one.action, one.parameters) for one in helps] == [
        ("replace_server", {"host": "app_1"}),
        ("restart_application", {"application": "traitortrack"}),
    ]
    assert suggest([well], {"app_1": SERVER_1}, "traitortrack") == []


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


@pytest.mark.parametrize("code", MEANINGS)
def test_what_a_reason_means_is_told(code: str) -> None:
    (point,) = describe_ill([Target("i-1", "unhealthy", "In AWS's words", code)])
    assert point.words == f"i-1 is unhealthy: In AWS's words; {MEANINGS[code]}."


@pytest.mark.parametrize(
    ("health", "state", "words"),
    [
        (None, "critical", "does not exist any more"), (Health("pending", "", ""), "warning", "is being started"),
        (Health("stopped", "", ""), "critical", "somebody stopped it"), (Health("terminated", "", ""), "critical",
         "gone for good"), (Health("running", "impaired", "ok"), "critical", "comes up on other hardware"),
        (Health("running", "ok", "impaired"), "critical", "it has crashed"), (Health("running", "ok", "ok"), "ok",
         "runs"), (Health("running", "initializing", "initializing"), "ok", "runs"),
    ],
)  # fmt: skip
def test_a_machine_is_judged_by_its_state_and_by_both_of_its_checks(
    health: Health | None, state: str, words: str
) -> None:
    point = judge_machine("app_1", SERVER_1, "i-1", health)
    assert (point.state, words in point.words) == (state, True)
    assert bool(point.suggests) == (state == "critical")


@pytest.mark.parametrize(
    ("path", "states", "state"),
    [("/health", ["unhealthy"], "ok"), ("/other", ["healthy", "healthy"], "ok"), ("", ["unhealthy"], "ok"),
     ("/other", ["healthy", "unhealthy"], "warning"), ("/other", ["unhealthy"] * 2, "critical")],
)  # fmt: skip
def test_another_health_path_is_a_fault_only_where_servers_are_ill_by_it(
    path: str, states: list[str], state: str
) -> None:
    assert judge_path(Door("web", "arn", path, 5000, ()), "/health", targets(*states)).state == state


def test_names_of_target_groups() -> None:
    arn = "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/web/50dc6c495c0c9188"
    assert short_name(arn) == "web"
    assert short_name("odd") == "odd"
