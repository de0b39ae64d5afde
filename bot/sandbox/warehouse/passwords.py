"""Password hashes of the warehouse's users."""

import hashlib
import hmac
import os

COST = {"n": 2**12, "r": 8, "p": 1}


def hash_password(password: str) -> str:
    """Return salt and scrypt hash, both in hexadecimal, joined by a dollar sign."""
    salt = os.urandom(16)
    return f"{salt.hex()}${hashlib.scrypt(password.encode(), salt=salt, **COST).hex()}"


def matches(password: str, stored: str) -> bool:
    """Whether the password belongs to the stored hash; a stored "!" belongs to none."""
    salt, _, expected = stored.partition("$")
    if not expected:
        return False
    found = hashlib.scrypt(password.encode(), salt=bytes.fromhex(salt), **COST).hex()
    return hmac.compare_digest(found, expected)
