"""An SSH server that runs what it is told, as sshd does: through the user's shell."""

from __future__ import annotations

import io
import os
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import paramiko
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

PIECE = 65536


def make_key() -> tuple[paramiko.PKey, str]:
    """A key pair: for the library, and as text."""
    text = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()).decode()
    return paramiko.Ed25519Key.from_private_key(io.StringIO(text)), text


@dataclass
class SshServer(paramiko.ServerInterface):
    """Lets in whoever has `user_key`; `drop` cuts the connection as soon as a command has begun."""

    host_key: paramiko.PKey
    user_key: paramiko.PKey
    port: int = 0
    drop: bool = False
    commands: list[str] = field(default_factory=list)

    @property
    def known_as(self) -> str:
        return f"{self.host_key.get_name()} {self.host_key.get_base64()}"

    def get_allowed_auths(self, username: str) -> str:
        return "publickey"

    def check_auth_publickey(self, username: str, key: paramiko.PKey) -> int:
        good = username == "holdfast" and key == self.user_key
        return paramiko.common.AUTH_SUCCESSFUL if good else paramiko.common.AUTH_FAILED

    def check_channel_request(self, kind: str, chanid: int) -> int:
        return paramiko.common.OPEN_SUCCEEDED

    def check_channel_exec_request(self, channel: paramiko.Channel, command: bytes) -> bool:
        self.commands.append(command.decode())
        threading.Thread(target=self._run, args=(channel, command.decode()), daemon=True).start()
        return True

    def _run(self, channel: paramiko.Channel, command: str) -> None:
        if self.drop:
            channel.get_transport().close()
            return
        with subprocess.Popen(["/bin/sh", "-c", command], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            assert process.stdout
            assert process.stderr
            try:
                while piece := os.read(process.stdout.fileno(), PIECE):
                    channel.sendall(piece)
                channel.sendall_stderr(process.stderr.read())
                channel.send_exit_status(process.wait())
                channel.close()
            except (OSError, EOFError):  # the client has gone
                process.kill()


@contextmanager
def serve_ssh(server: SshServer) -> Iterator[SshServer]:
    """Serve on a free port of the loopback interface."""
    listening = socket.create_server(("127.0.0.1", 0))
    server.port = listening.getsockname()[1]
    transports: list[paramiko.Transport] = []

    def accept() -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            transport = paramiko.Transport(connection)
            transport.add_server_key(server.host_key)
            transports.append(transport)
            try:
                transport.start_server(server=server)
            except (paramiko.SSHException, EOFError):
                continue

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        thread.join(timeout=5)
        for transport in transports:
            transport.close()
