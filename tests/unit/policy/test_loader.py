"""A policy file that cannot be used is refused with everything that is wrong with it, and where."""

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.policy import PolicyError, check_policy, default_policy_path, load_policy
from bot.policy.hosts import HostCommands
from bot.policy.keys import list_keys, matches
from bot.policy.section import require_web_address
from bot.policy.yaml_source import read_yaml
from tests.unit.policy.policy_files import find_line, list_problems, write_variation


def test_the_shipped_policy_is_right() -> None:
    assert check_policy(default_policy_path()) == []


def test_a_misspelt_key_is_named_with_its_place_and_the_nearest_name(tmp_path: Path) -> None:
    path = write_variation(tmp_path, ("    quorum: 0", "    quorrum: 0"))
    line = find_line(path, "quorrum")
    missing, unknown = list_problems(path)
    assert unknown.startswith(f':{line}:5: approvals.low.quorrum is unknown; did you mean "quorum"?')
    assert missing.startswith(
        f":{find_line(path, '  low:')}:3: approvals.low.quorum is required; for example: quorum: 0"
    )


def test_every_leaf_key_when_misspelt_is_found_on_its_line(tmp_path: Path) -> None:
    text = default_policy_path().read_text(encoding="utf-8")
    source, lines = read_yaml(text), text.splitlines()
    for key in list_keys():
        if any(other.path[: len(key.path)] == key.path and other != key for other in list_keys()):
            continue
        path = next((path for path in source.key_places if matches(key.path, path)), None)
        if path is not None:
            place = source.key_places[path]
            before = lines[place.line - 1]
            lines[place.line - 1] = before.replace(f"{path[-1]}:", f"{path[-1]}zz:", 1)
    broken = tmp_path / "broken.yml"
    broken.write_text("\n".join(lines), encoding="utf-8")
    problems = list_problems(broken)
    for number, line in enumerate(lines, 1):
        for name in (word.strip("{ ,").split("zz:")[0] for word in line.split() if "zz:" in word):
            expected = f'{name}zz is unknown; did you mean "{name}"?'
            assert any(problem.startswith(f":{number}:") and expected in problem for problem in problems), line


def test_an_unknown_key_like_no_other_lists_what_is_known(tmp_path: Path) -> None:
    path = write_variation(tmp_path, ("  channel_prefix: inc", "  channel_prefix: inc\n  zzzz: 1"))
    (problem,) = list_problems(path)
    assert "slack.zzzz is unknown; known here: incidents_channel, channel_prefix, invite_roles" in problem


@pytest.mark.parametrize(
    ("address", "rule"),
    [
        ("http://shop.example.org", "is not encrypted; write it with https://, such as https://"),
        ("http://10.0.0.1:5000", "is not encrypted"),
        ("http://localhost.example.org", "is not encrypted"),
        ("https://me:hunter2@shop.example.org", "the address of shop.example.org has a name or password before its @"),
        ("http://me:hunter2@127.0.0.1", "has a name or password"),
        ("https://hunter2@shop.example.org/x", "has a name or password"),
        ("https://me:hunter2@[::1", "is not a web address"),
        ("ftp://me:hunter2@shop.example.org", "is not a web address"),
        ("https://me:hunt/er2@shop.example.org", "is not a web address"),
        ("https:///path", "is not a web address"),
    ],
)
def test_an_address_in_the_open_or_with_a_login_is_refused_and_the_login_not_shown(address: str, rule: str) -> None:
    with pytest.raises(ValueError, match=re.escape(rule)) as refused:
        require_web_address(address)
    assert "hunt" not in str(refused.value)


@pytest.mark.parametrize(
    "address",
    [
        "https://shop.example.org/x?y=a@b",
        "http://127.0.0.1:80",
        "http://[::1]",
        "http://localhost",
        "http://a.localhost",
    ],
)
def test_an_encrypted_address_or_one_of_this_machine_is_taken_as_it_is(address: str) -> None:
    assert require_web_address(address) == address


@pytest.mark.parametrize(
    ("old", "new", "path", "rule"),
    [
        ("quorum: 2", 'quorum: "2"', "approvals.destructive.quorum", "must be a whole number"),
        ("quorum: 2", "quorum: -1", "approvals.destructive.quorum", "must be greater than or equal to 0"),
        ("typed_confirmation: true", "typed_confirmation: yes", "destructive.typed_confirmation", "must be true or"),
        ("expires_after: 30 minutes", "expires_after: 30", "approvals.destructive.expires_after", "with its unit"),
        ("expires_after: 30 minutes", "expires_after: 0 minutes", "destructive.expires_after", "must be greater than"),
        ("ongoing: 1 hour", "ongoing: hourly", "severities.P2.cadence.ongoing", "is not a duration"),
        ("response_time: immediate", "response_time: at once", "categories.security.response_time", "is not a"),
        ("default_severity: P3", "default_severity: P5", "application.default_severity", "one of P1, P2, P3 or P4"),
        ("time_zone: UTC", "time_zone: Mars/Olympus", "time_zone", "is not an IANA time zone"),
        ("time_zone: UTC", "time_zone: Europe", "time_zone", "is not an IANA time zone"),
        ("time_zone: UTC", "time_zone: ../etc", "time_zone", "is not an IANA time zone"),
        ("time_zone: UTC", "time_zone:", "time_zone", "must be text (put numbers in quotes); nothing is written"),
        ("    health_path: /health", "    health_path: health", "applications.traitortrack.health_path", "beginning"),
        ("url: https://traitor", "url: ftp://traitor", "applications.traitortrack.url", "is not a web address"),
        ("provider: cloudflare", "provider: cloudflare\n    api_url: http://x.example.org", "api_url", "not encrypted"),
        ("storage_class: STANDARD_IA", "storage_class: GLACIER", "backups.storage_class", "must be one of STANDARD"),
        ("  prefix: wal/", "  prefix: wal", "backups.wal.location.prefix", "ends with /"),
        ("region: us-east-1", "region: useast1", "databases.traitortrack.backups.region", "is not an AWS region"),
        ("incidents_channel: traitor", 'incidents_channel: "#traitor', "", "not readable as YAML"),
        ("amara.okafor@example.com", "amara.okafor", "people.0.email", "is not an e-mail address"),
        ("  SESSION_SECRET:", "  session-secret:", "secrets.session-secret", "not a name allowed here"),
        ("min_size: 2", "min_size: 9", "infrastructure.auto_scaling", "sizes must be in order"),
        ("at_least: 4 hours", "at_least: 9 hours", "drills.full_simulation.duration", "is longer than"),
        ("secondary: us-west-2", "secondary: us-east-1", "infrastructure.regions", "same region"),
        ("revenue_loss_per_day_usd_low: 5000", "revenue_loss_per_day_usd_low: 50000", "business_impact", "above"),
        ("Restore, expected: 20 min", "Restore, expected: 26 min", "database_corruption", "1 hour 1 minute"),
        ("roles:\n  dr_coordinator:", "roles:\n  - dr_coordinator:", "", "not readable as YAML"),
        ("P4: [dr_coordinator]", "P4: dr_coordinator", "slack.invite_roles.P4", "must be a list"),
        ("{ENVIRONMENT: pro", '{A: "postgres://u:p@h/d", B: ', "traitortrack", "A in `environment_fixed` holds a pass"),
        *(
            ("/opt/traitortrack/maintenance.html", path, "maintenance_file", "is not an absolute path")
            for path in ("/opt/../etc/passwd", "/opt/.", "opt/x", '"/opt/a\\nb"')
        ),
    ],
)  # fmt: skip
def test_wrong_values_are_named_with_the_rule(tmp_path: Path, old: str, new: str, path: str, rule: str) -> None:
    problems = list_problems(write_variation(tmp_path, (old, new)))
    assert any(path in problem and rule in problem for problem in problems), problems


@pytest.mark.parametrize("word", ["{service!r}", "{service:>99999999}", "{service.x}", "{secret}", "{service"])
def test_what_stands_in_the_braces_of_a_command_is_a_fact_and_nothing_else(word: str) -> None:
    with pytest.raises(ValueError, match=r"brace|is not one of"):
        HostCommands(restart=["systemctl", word])


@pytest.mark.parametrize(
    ("old", "new", "path", "rule"),
    [
        ("requesters: [dr_c", "requesters: [dr_k", "requesters.0", '"dr_koordinator" is not in `roles`; did you mean'),
        ("[database_corruption]", "[corruption]", "categories.database.disaster_types.0", "not in `disasters`"),
        ("rpo: database_primary", "rpo: db", "databases.traitortrack.rpo", "not in `rpo`"),
        ("disaster: database_c", "disaster: c", "databases.traitortrack.disaster", "not in `disasters`"),
        ("component: database", "component: data", "databases.traitortrack.component", "not in `components`"),
        ("application: traitor", "application: warehouse_", "databases.traitortrack.application", "not in `appl"),
        ("depends_on: [database,", "depends_on: [databse,", "components.application.depends_on.0", '"database"?'),
        ("[users, management", "[users, managers", "severities.P1.audiences.1", 'did you mean "management"?'),
        ("holds: [SESSION_S", "holds: [SESSIONS_S", "secrets_offline_copy.holds.0", "not in `secrets`"),
        ("participants: [database_admin]", "participants: [dba]", "drills.database_restore.participants.0", "`roles`"),
        ("P4: [dr_coordinator]", "P4: [boss]", "slack.invite_roles.P4.0", "not in `roles`"),
        ("    P4: [dr_coordinator]", "", "slack.invite_roles.P4", "is required"),
        ("key: diego", "key: amara", "people.1.key", "already belongs to Amara Okafor"),
        ("diego.alvarez@", "Amara.Okafor@", "people.1.email", "already belongs to Amara Okafor"),
        ("os_user: diego", "os_user: amara", "people.1.os_user", "already belongs to Amara Okafor"),
        ("    depends_on: []", "    depends_on: [application]", "depends_on", "goes in a circle"),
        ("{ENVIRONMENT: pro", "{ADMIN_PASSWORD: x, A: pro", "environment_fixed.ADMIN_PASSWORD", "is one of `secrets`"),
    ],
)  # fmt: skip
def test_sections_that_contradict_one_another(tmp_path: Path, old: str, new: str, path: str, rule: str) -> None:
    file = write_variation(tmp_path, (old, new))
    (problem,) = list_problems(file)
    assert path in problem
    assert rule in problem
    assert "; for example: " in problem


def test_a_value_on_a_line_is_reported_at_its_column(tmp_path: Path) -> None:
    path = write_variation(tmp_path, ("email: mei.tanaka@example.com", "email: mei"))
    line = find_line(path, "email: mei,")
    column = path.read_text(encoding="utf-8").splitlines()[line - 1].index("email: mei,") + len("email: ") + 1
    assert list_problems(path)[0].startswith(f":{line}:{column}: people.2.email ")


def test_a_key_written_twice_is_refused_even_when_the_rest_is_right(tmp_path: Path) -> None:
    path = write_variation(tmp_path, ("time_zone: UTC", "time_zone: UTC\ntime_zone: Europe/Paris"))
    first = find_line(path, "time_zone: UTC")
    (problem,) = list_problems(path)
    assert problem.startswith(f":{first + 1}:1: time_zone is there twice; first on line {first}")


def test_all_problems_come_at_once_in_the_order_of_the_file(tmp_path: Path) -> None:
    path = write_variation(
        tmp_path,
        ("product: TraitorTrack", "produkt: TraitorTrack"),
        ("quorum: 2", "quorum: two"),
        ("time_zone: UTC", "time_zone: UTC\ntime_zone: UTC"),
        ("frequency: monthly", "frequency: daily"),
    )
    problems = list_problems(path)
    lines = [int(problem.split(":")[1]) for problem in problems]
    assert len(problems) == 5
    assert lines == sorted(lines)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("product:", "colour: red\nproduct:"),
        ("product:", "produkt:"),
        ("expires_after: 30 minutes", "expires_after: soon"),
        ("email: diego.alvarez@example.com", "email: diego"),
    ],
)
def test_single_wrong_values_do_not_hide_contradictions(tmp_path: Path, old: str, new: str) -> None:
    problems = list_problems(write_variation(tmp_path, (old, new), ("rpo: database_primary", "rpo: db")))
    assert len(problems) >= 2
    assert any('databases.traitortrack.rpo "db" is not in `rpo`' in problem for problem in problems)


def test_nothing_is_said_about_what_may_rest_on_a_wrong_value(tmp_path: Path) -> None:
    path = write_variation(tmp_path, ("    requester_may_approve: false\n", "    requester_may_approve: maybe\n"))
    path.write_text(path.read_text().replace("high:\n    quorum: 1", "high:\n    quorum: 4"), encoding="utf-8")
    (problem,) = list_problems(path)
    assert "requester_may_approve must be true or false" in problem


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "must be a mapping"),
        (b"- a\n- b\n", "must be a mapping"),
        (b"a: [1, 2\n", "not readable as YAML"),
        (b"a: &x 1\nb: *x\n", "anchors"),
        (b"a: !!python/object:os.system x\n", "tags"),
        (b"a: 1\n---\nb: 2\n", "not readable as YAML"),
        (b"a: \x07\n", "a character that YAML does not allow"),
        (b"a: \xff\n", "not UTF-8"),
        (b"a:\tb\n\tc: d", "not readable as YAML"),
    ],
)
def test_files_that_are_no_policy_at_all(tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "policy.yml"
    path.write_bytes(content)
    assert any(reason in problem for problem in list_problems(path))


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match=r"nowhere\.yml: cannot be read: No such file"):
        load_policy(tmp_path / "nowhere.yml")


def test_words_that_yaml_takes_for_something_else_stay_words(tmp_path: Path) -> None:
    path = write_variation(tmp_path, ('at: "02:00"', "at: 02:00"), ('archive_mode: ["on"]', "archive_mode: [on]"))
    policy = load_policy(path)
    assert policy.backups.manual_weekly.at == "02:00"
    assert policy.backups.wal.expected_settings["archive_mode"] == ["on"]


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=80))
def test_any_text_gives_problems_and_no_accident(text: str) -> None:
    source = read_yaml(text)
    assert source.faults or source.value_places or source.value is None


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_a_file_cut_before_its_last_section_is_refused(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    text = default_policy_path().read_text(encoding="utf-8")
    cut = data.draw(st.integers(0, text.index("\ndrills:")))
    path = tmp_path_factory.mktemp("cut") / "policy.yml"
    path.write_text(text[:cut], encoding="utf-8")
    assert check_policy(path)
