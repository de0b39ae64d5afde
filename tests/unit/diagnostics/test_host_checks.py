"""What hosts print, read: logs counted by kind, disks, memory; nothing secret comes through."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from bot.diagnostics.checks.application_log import kind_of, read_log
from bot.diagnostics.checks.application_workers import read_workers
from bot.diagnostics.checks.system_resources import read_disks, read_load, read_memory
from bot.policy import Host, HostCommands, load_policy
from bot.systems.hosts.command import Output, Tail
from bot.systems.hosts.opening import OpenHost
from bot.systems.redaction import HIDDEN, Redactor

POLICY = load_policy(None)
REDACTOR = Redactor({"SESSION_SECRET": "geheimnis-42"}, POLICY.secrets)


class Answering:
    """A machine that always prints the same."""

    title = "app 1"

    def __init__(self, text: str) -> None:
        self.text = text

    def run(self, words: list[str], timeout_s: float, cancelled: object = None, sent: object = None) -> Output:
        return Output(0, self.text, "")


def host(text: str = "2") -> OpenHost:
    return OpenHost(
        "app_1",
        Host(title="App 1", application="traitortrack", reach="local"),
        POLICY.applications["traitortrack"],
        Answering(text),
    )


def printed(text: str, status: int = 0) -> Output:
    return Output(status, text, "")


def test_errors_are_counted_by_kind_with_the_newest_shown() -> None:
    lines = [f"10:0{n} INFO fine" for n in range(5)]
    lines += [f"10:1{n} ERROR order {n * 1111} failed for 'bag-{n}'" for n in range(3)]
    lines += ["10:20 ERROR token=geheimnis-42 refused", "10:21 INFO fine"]
    found = read_log(host(), printed("\n".join(lines)), REDACTOR)
    assert found.state == "warning"
    assert "4 errors in the newest 10 lines" in found.words
    assert "3 times ERROR order … failed for …" in found.evidence
    assert found.evidence[0].startswith("Newest: 10:20 ERROR")
    assert "geheimnis" not in str(found)
    assert HIDDEN in str(found)


def test_many_errors_lately_are_critical_old_ones_a_warning() -> None:
    errors = ["ERROR x"] * 20
    assert read_log(host(), printed("\n".join(["INFO y"] * 400 + errors)), REDACTOR).state == "critical"
    assert read_log(host(), printed("\n".join(errors + ["INFO y"] * 400)), REDACTOR).state == "warning"
    assert read_log(host(), printed("\n".join(["INFO no errors, terror"] * 9)), REDACTOR).state == "ok"
    assert read_log(host(), printed("10:00 INFO uvicorn.error: Started"), REDACTOR).state == "ok"
    assert read_log(host(), printed("10:00 ERROR uvicorn.error: Stopped"), REDACTOR).state == "warning"


def test_what_the_log_tells_of_is_no_sign_once_it_is_silent() -> None:
    errors = printed("\n".join(["ERROR permission denied for table bag"] * 20))
    now, later = read_log(host(), errors, REDACTOR), read_log(host(), errors, REDACTOR, timedelta(minutes=5))
    assert (now.state, now.signs) == ("critical", ("rights gone", "errors logged"))
    assert (later.state, later.signs) == ("warning", ("errors logged",))
    assert "none for 5 min" in later.words


def test_no_process_is_said_by_the_status_too() -> None:
    assert read_workers(host(), printed("none\n", status=1)).state == "critical"
    assert read_workers(host(), printed("4242 gunicorn\n")).state == "ok"


def test_a_log_that_cannot_be_read_is_unknown() -> None:
    assert read_log(host(), Output(1, "", "tail: cannot open: No such file"), REDACTOR).state == "unknown"


@given(st.text())
def test_any_log_is_read(text: str) -> None:
    read_log(host(), printed(text), REDACTOR)
    kind_of(text)


DF = """Filesystem     1024-blocks      Used Available Capacity Mounted on
tmpfs              1000000    990000     10000      99% /run
/dev/nvme0n1p1   100000000  {used}  {free}      {percent}% /
/dev/nvme1n1     100000000  10000000  90000000      10% /var/lib/with space
"""


@pytest.mark.parametrize(("percent", "state"), [(10, "ok"), (85, "warning"), (95, "critical"), (100, "critical")])
def test_the_fullest_disk_decides_and_memory_file_systems_do_not(percent: int, state: str) -> None:
    found = read_disks(host(), printed(DF.format(used=0, free=1000, percent=percent)))
    assert (found.state, f"{percent} % full" in found.words) == (state, True)
    assert any("/var/lib/with space" in line for line in (found.words, *found.evidence))


@pytest.mark.parametrize(("available", "state"), [(900, "ok"), (90, "warning"), (30, "critical")])
def test_memory(available: int, state: str) -> None:
    text = f"MemTotal: {1000} kB\nMemFree: 1 kB\nMemAvailable: {available} kB\n"
    assert read_memory(host(), printed(text)).state == state


@pytest.mark.parametrize(("load", "state"), [("0.50", "ok"), ("3.50", "warning"), ("9.00", "warning")])
def test_load_is_judged_for_each_processor(load: str, state: str) -> None:
    assert read_load(host("2\n"), printed(f"9.00 {load} 1.00 1/200 4242")).state == state


@given(st.text())
def test_whatever_a_host_prints_is_an_answer(text: str) -> None:
    for read in (read_disks, read_memory, read_load, read_workers):
        assert read(host(text), printed(text)).state in ("ok", "warning", "critical", "unknown")


def test_no_process_is_critical() -> None:
    assert read_workers(host(), printed("", 1)).state == "critical"
    assert read_workers(host(), printed("42 gunicorn: master\n43 gunicorn: worker\n")).state == "ok"


@given(st.lists(st.binary(max_size=50)), st.integers(1, 40))
def test_the_end_of_a_stream_is_kept(pieces: list[bytes], limit: int) -> None:
    tail, whole = Tail(limit), b"".join(pieces)
    for piece in pieces:
        tail.add(piece)
    assert tail.text == whole[-limit:].decode("utf-8", "replace")
    assert tail.left_out == max(0, len(whole) - limit)


@pytest.mark.parametrize("word", ["{password}", "{service.__class__}", "{", "{0}", "{}"])
def test_a_command_holds_facts_of_the_policy_and_nothing_else(word: str) -> None:
    with pytest.raises(ValidationError):
        HostCommands(restart=["systemctl", word])


@pytest.mark.parametrize(("reach", "missing"), [("ssm", "instance_id"), ("ssh", "address")])
def test_a_host_without_what_it_is_reached_by_is_refused(reach: str, missing: str) -> None:
    with pytest.raises(ValidationError, match=missing):
        Host.model_validate({"title": "x", "application": "traitortrack", "reach": reach})


def test_commands_are_filled_from_the_policy() -> None:
    assert host().command("restart") == ["sudo", "systemctl", "restart", "traitortrack"]
    assert host().command("newest_log") == ["tail", "-n", "500", "/var/log/traitortrack/app.log"]
