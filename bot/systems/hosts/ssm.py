"""A host through AWS Systems Manager: Run Command with the document AWS-RunShellScript.

Facts (SSM API reference, SendCommand, GetCommandInvocation): `TimeoutSeconds` is about delivery, `executionTimeout`
about the command; output is cut at 24,000 characters, errors at 8,000; for the first seconds an invocation may not
exist; there is no token that makes a call idempotent, so who calls keeps the command's id before anything else.
"""

from __future__ import annotations

import shlex
import time
from collections.abc import Callable
from typing import Any

from bot.systems.aws import ACTING, READING, AwsRefused, AwsUnclear, act, ask, open_client
from bot.systems.hosts.command import NOT_KEPT, HostUnclear, HostUnreachable, Output, Sent
from bot.systems.outcomes import SystemCancelled
from bot.systems.servers import Servers

DOCUMENT = "AWS-RunShellScript"
DELIVERY_S = 30
"""The least that SSM takes."""
POLL_S = 0.5
APPEARS_WITHIN_S = 20.0
OUTPUT_LIMIT, ERRORS_LIMIT = 24_000, 8_000
NOT_DELIVERED = ("DeliveryTimedOut", "Undeliverable", "Terminated", "InvalidPlatform", "AccessDenied")
"""Status details of a command that never began on the host."""
NOT_RUNNING = "InvalidInstanceId"
ENDED = ("Success", "Failed")
PERMISSIONS = ("ssm:SendCommand", "ssm:GetCommandInvocation", "ssm:CancelCommand", "ec2:DescribeInstances")

Pace = Callable[[float], None]


class SsmMachine:
    """One instance that runs the SSM agent."""

    def __init__(self, title: str, instance_id: str, region: str, *, sleep: Pace = time.sleep) -> None:
        self.title, self.instance_id, self.sleep = title, instance_id, sleep
        self._servers = Servers(region)
        self._acting = open_client("ssm", region_name=region, config=ACTING)
        self._reading = open_client("ssm", region_name=region, config=READING)

    def run(
        self,
        words: list[str],
        timeout_s: float,
        cancelled: Callable[[], bool] = lambda: False,
        sent: Sent = NOT_KEPT,
    ) -> Output:
        if sent.before is not None:
            command_id, _, instance = sent.before.partition("@")
            self.instance_id = instance or self.instance_id
            return self.finish(command_id, words[0], timeout_s, cancelled)
        try:
            answer = act(f"run {words[0]} on {self.title}", lambda: self._send(words, timeout_s))
        except AwsRefused as refusal:
            if refusal.code == NOT_RUNNING and self._follow_replacement():
                return self.run(words, timeout_s, cancelled, sent)
            raise HostUnreachable(refusal.reason, refusal.next_step) from refusal
        command_id = str(answer["Command"]["CommandId"])
        sent.keep(f"{command_id}@{self.instance_id}")
        return self.finish(command_id, words[0], timeout_s, cancelled)

    def finish(
        self, command_id: str, name: str, timeout_s: float, cancelled: Callable[[], bool] = lambda: False
    ) -> Output:
        """Wait for a command that was sent before."""
        began = time.monotonic()
        is_cancelling = False
        while True:
            found = self._find(command_id)
            waited_s = time.monotonic() - began
            status, detail = (found["Status"], found.get("StatusDetails", "")) if found else ("", "")
            if found and status in ENDED and detail not in NOT_DELIVERED:
                return _read(found)
            if detail in NOT_DELIVERED:
                raise HostUnreachable(f"SSM could not hand {name} to {self.title}: {detail}.", "Nothing was run there.")
            if status == "Cancelled":
                raise SystemCancelled(f"{name} on {self.title} was stopped.")
            if status == "TimedOut" or waited_s > timeout_s + DELIVERY_S:
                raise self._unclear(name, f"it did not end within {timeout_s:.0f} s")
            if found is None and waited_s > APPEARS_WITHIN_S:
                raise self._unclear(name, "SSM does not know the command it was given")
            if cancelled() and not is_cancelling:
                act(f"cancel {name}", lambda: self._acting.cancel_command(CommandId=command_id))
                is_cancelling = True
            self.sleep(POLL_S)

    def _follow_replacement(self) -> bool:
        """Go on with the instance that was put in the place of this one, if one was."""
        try:
            current = self._servers.find_current(self.instance_id)
        except (AwsRefused, AwsUnclear):  # that the instance does not run is what has to be told
            return False
        replaced, self.instance_id = current != self.instance_id, current
        return replaced

    def _send(self, words: list[str], timeout_s: float) -> Any:
        return self._acting.send_command(
            InstanceIds=[self.instance_id],
            DocumentName=DOCUMENT,
            Comment="Holdfast",
            TimeoutSeconds=DELIVERY_S,
            Parameters={"commands": [shlex.join(words)], "executionTimeout": [str(int(max(1, timeout_s)))]},
        )

    def _find(self, command_id: str) -> Any:
        """None while SSM is not consistent yet."""
        try:
            return ask(
                "see how a command goes",
                lambda: self._reading.get_command_invocation(CommandId=command_id, InstanceId=self.instance_id),
            )
        except AwsRefused as refusal:
            if refusal.code == "InvocationDoesNotExist":
                return None
            raise

    def _unclear(self, name: str, why: str) -> HostUnclear:
        return HostUnclear(
            f"It is not known how {name} on {self.title} ended: {why}.", "It may have run, or may still run.",
            "Look at the host before you try again.",
        )  # fmt: skip


def _read(found: Any) -> Output:
    output, errors = str(found.get("StandardOutputContent", "")), str(found.get("StandardErrorContent", ""))
    is_cut = len(output) >= OUTPUT_LIMIT or len(errors) >= ERRORS_LIMIT
    status: int = found.get("ResponseCode", -1)
    return Output(status, output, errors, left_out_bytes=1 if is_cut else 0)
