"""A host over SSH: its key is known beforehand, and one that shows another is not spoken to."""

from __future__ import annotations

import io
import shlex
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import paramiko

from bot.systems.hosts.command import NOT_KEPT, HostUnclear, HostUnreachable, Output, Sent, Tail

CONNECT_S = 8.0
POLL_S = 0.1
PIECE = 64 * 1024
KEEPALIVE_S = 5


class SshMachine:
    """One connection for each command. SSH carries one string, so the words are quoted for the far shell."""

    def __init__(self, title: str, address: str, port: int, user: str, host_key: str, private_key: str) -> None:
        """`host_key` as in known_hosts, without the name; `private_key` in OpenSSH's or PEM's form."""
        self.title, self.address, self.port, self.user = title, address, port, user
        self._host_key, self._private_key = host_key, private_key

    def run(
        self,
        words: list[str],
        timeout_s: float,
        cancelled: Callable[[], bool] = lambda: False,
        sent: Sent = NOT_KEPT,
    ) -> Output:
        with self._connect() as transport:
            try:
                channel = transport.open_session(timeout=CONNECT_S)
                channel.exec_command(shlex.join(words))
            except (paramiko.SSHException, OSError, EOFError) as error:
                raise self._unclear(words, str(error) or type(error).__name__) from error
            return self._read(channel, words, timeout_s)

    @contextmanager
    def _connect(self) -> Iterator[paramiko.Transport]:
        client = paramiko.SSHClient()
        kind, _, encoded = self._host_key.partition(" ")
        known = paramiko.hostkeys.HostKeyEntry.from_line(f"{self._known_as} {kind} {encoded}")
        if known is None or known.key is None:
            raise HostUnreachable(f"The host key that the policy has for {self.title} cannot be read.")
        client.get_host_keys().add(self._known_as, kind, known.key)
        client.set_missing_host_key_policy(paramiko.RejectPolicy())
        try:
            client.connect(
                self.address, self.port, self.user, pkey=self._read_key(), timeout=CONNECT_S, banner_timeout=CONNECT_S,
                auth_timeout=CONNECT_S, allow_agent=False, look_for_keys=False,
            )  # fmt: skip
        except paramiko.BadHostKeyException as error:
            raise HostUnreachable(
                f"{self.title} shows another host key than the policy has; nothing was sent to it.",
                "Find out why before you change the policy: somebody may stand in between.",
            ) from error
        except (paramiko.SSHException, OSError, EOFError) as error:
            raise HostUnreachable(
                f"{self.title} cannot be reached by SSH: {str(error) or type(error).__name__}.",
                "Nothing was run there.",
            ) from error
        transport = client.get_transport()
        assert transport is not None  # connected above
        transport.set_keepalive(KEEPALIVE_S)
        try:
            yield transport
        finally:
            client.close()

    @property
    def _known_as(self) -> str:
        return self.address if self.port == paramiko.config.SSH_PORT else f"[{self.address}]:{self.port}"

    def _read_key(self) -> paramiko.PKey:
        for kind in (paramiko.Ed25519Key, paramiko.ECDSAKey, paramiko.RSAKey):
            try:
                return kind.from_private_key(io.StringIO(self._private_key))
            except (paramiko.SSHException, ValueError):
                continue
        raise HostUnreachable(f"The private key for {self.title} cannot be read.", "It must be the key itself, in PEM.")

    def _read(self, channel: paramiko.Channel, words: list[str], timeout_s: float) -> Output:
        """To its end, also when somebody cancels: SSH cannot stop it, and cancelled is only what has stopped."""
        output, errors, deadline = Tail(), Tail(), time.monotonic() + timeout_s
        while True:
            ended = channel.exit_status_ready() or channel.closed
            for ready, receive, tail in (
                (channel.recv_ready, channel.recv, output),
                (channel.recv_stderr_ready, channel.recv_stderr, errors),
            ):
                while ready() and time.monotonic() < deadline:
                    tail.add(receive(PIECE))
            if ended and not channel.recv_ready() and not channel.recv_stderr_ready():
                break
            if time.monotonic() > deadline:
                raise self._unclear(words, f"it did not end within {timeout_s:.0f} s")
            channel.status_event.wait(POLL_S)
        if not channel.exit_status_ready() or channel.exit_status < 0:
            raise self._unclear(words, "the connection broke before it ended")
        return Output(channel.exit_status, output.text, errors.text, output.left_out + errors.left_out)

    def _unclear(self, words: list[str], why: str) -> HostUnclear:
        return HostUnclear(
            f"It is not known how {words[0]} on {self.title} ended: {why}.", "It may have run, or may still run.",
            "Look at the host before you try again.",
        )  # fmt: skip
