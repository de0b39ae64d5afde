"""Commands on a host, by every way to reach it: what ran, what did not, and what is not known."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from bot.systems.hosts.command import KEPT_BYTES, HostUnclear, HostUnreachable, Machine, Sent
from bot.systems.hosts.local import LocalMachine
from bot.systems.hosts.ssm import SsmMachine
from bot.systems.outcomes import SystemCancelled
from tests.integration.hosts.conftest import reach
from tests.integration.hosts.ssh_server import SshServer, make_key
from tests.integration.hosts.ssm_service import Ssm

HOSTILE = [
    "$(touch {0})",
    "; touch {0}",
    "`touch {0}`",
    "| touch {0}",
    "&& touch {0}",
    "\ntouch {0}\n",
    "'; touch {0} #",
    "> {0}",
]


def test_output_errors_and_status(machine: Machine) -> None:
    found = machine.run(["/bin/sh", "-c", "echo seen; echo wrong >&2; exit 3"], 20)
    assert (found.status, found.text.strip(), found.errors.strip(), found.good) == (3, "seen", "wrong", False)
    assert machine.run(["true"], 20).good


@pytest.mark.parametrize("hostile", HOSTILE)
def test_words_stay_words(machine: Machine, tmp_path: Path, hostile: str) -> None:
    """No shell on the way makes anything of them: the program gets each exactly as it was given."""
    trap = tmp_path / "trap"
    word = hostile.format(trap)
    printed = machine.run([sys.executable, "-c", "import sys; print(ascii(sys.argv[1:]))", word, "two words", ""], 20)
    assert printed.text.strip() == ascii([word, "two words", ""])
    assert not trap.exists()


@pytest.mark.parametrize("machine", ["local", "ssh"], indirect=True)
def test_of_endless_output_the_end_is_kept_in_bounded_memory(machine: Machine) -> None:
    """What SSM keeps, SSM decides."""
    found = machine.run([sys.executable, "-c", "print('x' * 30_000_000); print('the end')"], 60)
    assert found.text.rstrip().endswith("the end")
    assert len(found.text) <= KEPT_BYTES
    assert found.left_out_bytes > 29_000_000


@pytest.mark.parametrize("machine", ["local", "ssh"], indirect=True)
def test_what_does_not_end_is_not_known(machine: Machine) -> None:
    with pytest.raises(HostUnclear, match="within 1 s"):
        machine.run(["sleep", "60"], 1)


def test_cancelled_here_with_all_that_it_started(tmp_path: Path) -> None:
    late = tmp_path / "late"
    with pytest.raises(SystemCancelled):
        LocalMachine("here").run(
            ["sh", "-c", f"(sleep 2; touch {late}) & touch {tmp_path}/begun; wait"], 60, (tmp_path / "begun").exists
        )
    with pytest.raises(HostUnclear):
        LocalMachine("here").run(["sleep", "60"], 3)
    assert not late.exists()


def test_over_ssh_it_is_waited_for(ssh: tuple[SshServer, str], tmp_path: Path) -> None:
    """SSH cannot stop it: until it has ended the run is cancelling, not cancelled."""
    assert reach(*ssh).run(["sh", "-c", f"sleep 1; touch {tmp_path}/done"], 60, lambda: True).good
    assert (tmp_path / "done").exists()


def test_no_such_program() -> None:
    with pytest.raises(HostUnreachable, match="cannot be started"):
        LocalMachine("here").run(["/no/such/program"], 5)


def test_another_host_key_is_not_spoken_to(ssh: tuple[SshServer, str]) -> None:
    server, private_key = ssh
    stranger = make_key()[0]
    with pytest.raises(HostUnreachable, match="another host key"):
        reach(server, private_key, f"{stranger.get_name()} {stranger.get_base64()}").run(["true"], 5)
    assert server.commands == []


def test_a_key_that_is_not_let_in(ssh: tuple[SshServer, str]) -> None:
    server, _ = ssh
    with pytest.raises(HostUnreachable, match="cannot be reached by SSH"):
        reach(server, make_key()[1]).run(["true"], 5)


def test_a_private_key_that_is_none(ssh: tuple[SshServer, str]) -> None:
    with pytest.raises(HostUnreachable, match="cannot be read"):
        reach(ssh[0], "/home/me/.ssh/id_ed25519").run(["true"], 5)


def test_a_connection_that_breaks_in_the_middle(ssh: tuple[SshServer, str]) -> None:
    server, private_key = ssh
    server.drop = True
    with pytest.raises(HostUnclear, match="It is not known how true on app 1 ended"):
        reach(server, private_key).run(["true"], 10)


def open_ssm() -> SsmMachine:
    return SsmMachine("app 1", "i-0123456789abcdef0", "us-east-1", sleep=lambda seconds: None)


def test_ssm_the_id_is_kept_before_anything_else_and_is_gone_on_with(ssm: Ssm) -> None:
    kept: list[str] = []
    open_ssm().run(["echo", "once"], 20, sent=Sent(keep=kept.append))
    again = open_ssm().run(["echo", "once"], 20, sent=Sent(before=kept[0]))
    assert (again.text.strip(), len(ssm.sent)) == ("once", 1)


@pytest.mark.parametrize("detail", ["DeliveryTimedOut", "Undeliverable", "Terminated"])
def test_ssm_what_was_not_delivered_did_not_run(ssm: Ssm, detail: str) -> None:
    ssm.detail = detail
    with pytest.raises(HostUnreachable, match=detail):
        open_ssm().run(["true"], 5)


def test_ssm_refuses(ssm: Ssm) -> None:
    ssm.refusal = "InvalidInstanceId"
    with pytest.raises(HostUnreachable, match="InvalidInstanceId"):
        open_ssm().run(["true"], 5)


def test_ssm_is_cancelled_only_when_it_says_so(ssm: Ssm) -> None:
    ssm.never_ends = True
    with pytest.raises(SystemCancelled):
        open_ssm().run(["sleep", "60"], 60, lambda: True)
    assert ssm.cancelled
