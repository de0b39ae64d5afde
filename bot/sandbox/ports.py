"""Free TCP ports on loopback."""

import random
import socket

# Below the ephemeral ranges of Linux (32768-60999) and macOS (49152-65535): a port from port 0 would come
# from there, and an outgoing connection may take it before its server is started, or started again.
FIRST, LAST = 20_000, 32_000


def free_port() -> int:
    """Return a port on 127.0.0.1 on which nothing listens now."""
    for port in random.SystemRandom().sample(range(FIRST, LAST), k=100):
        if why_taken(port) is None:
            return port
    raise RuntimeError(f"no free port found between {FIRST} and {LAST}")


def why_taken(port: int) -> str | None:
    """What the operating system says when one wants to listen there, on 127.0.0.1; None where one may."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
        except OSError as error:
            return error.strerror
    return None
