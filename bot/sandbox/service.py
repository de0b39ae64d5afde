"""What `systemctl` is on a real host: asks a machine's init, over a socket, to restart the application or how it is.

`python -m bot.sandbox.service SOCKET start|restart|stop|kill|is-running|is-healthy|started|workers`
"""

from __future__ import annotations

import socket
import sys

TIMEOUT_S = 60.0


def main(path: str, verb: str) -> int:
    """Ask; print the answer; its first word is the exit status."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(TIMEOUT_S)
        connection.connect(path)
        connection.sendall(f"{verb}\n".encode())
        answer = connection.makefile(encoding="utf-8").read()
    status, _, words = answer.partition(" ")
    print(words.strip())
    return int(status)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2]))
