"""What `systemctl` is on a real host: asks a machine's init, over a socket, to restart the application or how it is.

`python -m bot.sandbox.service SOCKET start|restart|stop|kill|is-running|is-healthy|started|workers`
"""

from __future__ import annotations

import socket
import sys

TIMEOUT_S = 60.0


def ask(path: str, verb: str) -> tuple[int, str]:
    """Say it to init; the exit status, and its words. Raises OSError where no init listens."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(TIMEOUT_S)
        connection.connect(path)
        connection.sendall(f"{verb}\n".encode())
        answer = connection.makefile(encoding="utf-8").read()
    status, _, words = answer.partition(" ")
    return int(status), words.strip()


def main(path: str, verb: str) -> int:
    """Ask; print the answer; its first word is the exit status."""
    status, words = ask(path, verb)
    print(words)
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2]))
