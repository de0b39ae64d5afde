"""GnuPG's symmetric cipher, in memory and pipes: plaintext and passphrase are in no file and no argument.

gpg keeps its keys and its agent in a folder; here that is an empty one of its own, which goes with the call.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import SecretStr

from bot.systems.outcomes import SystemFailed, SystemRefused

PROGRAM = "gpg"
LIMIT_S = 60.0
OPTIONS = [
    "--batch", "--no-tty", "--quiet", "--pinentry-mode", "loopback", "--no-symkey-cache", "--no-options",
    "--compress-algo", "none",
]  # fmt: skip
DERIVATION = ["--s2k-mode", "3", "--s2k-digest-algo", "SHA512", "--s2k-count", "65011712"]
"""As much work as gpg can ask of whoever tries passphrases."""


class GpgMissing(SystemRefused):
    """There is no gpg on this machine."""


class GpgFailed(SystemFailed):
    """gpg did not do it; for decryption that means a wrong passphrase or a damaged file."""


def require_gpg() -> str:
    """The program. Raises GpgMissing."""
    found = shutil.which(PROGRAM)
    if found is None:
        raise GpgMissing("There is no gpg on this machine.", "Install GnuPG (Debian, Ubuntu: the package gnupg).")
    return found


def encrypt(plaintext: bytes, passphrase: SecretStr, cipher: str) -> bytes:
    """Raises GpgMissing or GpgFailed."""
    return _run(["--symmetric", "--cipher-algo", cipher, *DERIVATION], plaintext, passphrase, "encrypt")


def decrypt(ciphertext: bytes, passphrase: SecretStr) -> bytes:
    """Raises GpgMissing or GpgFailed."""
    return _run(["--decrypt"], ciphertext, passphrase, "decrypt")


def _run(words: list[str], given: bytes, passphrase: SecretStr, what: str) -> bytes:
    program = require_gpg()
    with _own_home() as home, _pipe_with(passphrase) as descriptor:
        command = [program, "--homedir", str(home), *OPTIONS, "--passphrase-fd", str(descriptor), *words]
        try:
            done = subprocess.run(
                command, input=given, capture_output=True, pass_fds=[descriptor], timeout=LIMIT_S, check=False,
                env={"PATH": os.environ.get("PATH", ""), "LC_ALL": "C"},
            )  # fmt: skip
        except subprocess.TimeoutExpired as error:
            raise GpgFailed(f"gpg did not {what} within {LIMIT_S:.0f} s.", "It was stopped.") from error
        if done.returncode != 0:
            said = done.stderr.decode("utf-8", "replace").strip().splitlines()
            raise GpgFailed(
                f"gpg could not {what}: {said[-1] if said else 'it said nothing'}.", "Nothing was changed.",
                "Is the passphrase right, and the file the one that it belongs to?" if what == "decrypt" else "",
            )  # fmt: skip
        return done.stdout


@contextmanager
def _own_home() -> Iterator[Path]:
    """Its agent, which it starts by itself, ends with it."""
    home = Path(tempfile.mkdtemp(prefix="hf-gpg-"))  # mode 0700; short, since the agent's socket lies in it
    try:
        yield home
    finally:
        ender = shutil.which("gpgconf")
        if ender is not None:
            subprocess.run(
                [ender, "--homedir", str(home), "--kill", "all"], capture_output=True, timeout=LIMIT_S, check=False
            )
        shutil.rmtree(home, ignore_errors=True)


@contextmanager
def _pipe_with(passphrase: SecretStr) -> Iterator[int]:
    """What reads from the descriptor gets the passphrase, and then the end."""
    reading, writing = os.pipe()
    try:
        os.write(writing, passphrase.get_secret_value().encode() + b"\n")
        os.close(writing)
        yield reading
    finally:
        os.close(reading)
