"""The bytes of a plain dump: unpacked from gzip on the way in, checked to the end, read ahead of whoever uses them."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from bot.systems.dumps.streams import ArchiveDamaged

GZIP_MAGIC = b"\x1f\x8b"
# zlib's own number for "with a gzip header and trailer": it then checks the trailer's CRC and length itself.
GZIP_WBITS = 31
CHUNK_BYTES = 1024 * 1024


class Gunzipped:
    """Gives a gzip file unpacked, at most 1 MiB at a time; afterwards knows both sizes and the file's SHA-256.

    A file of several gzip members one after the other is one text, as for gunzip. `told` gets the packed bytes of each
    chunk. Raises ArchiveDamaged, at the latest after the last chunk: only a stream read to its end is a whole one.
    """

    def __init__(
        self, chunks: Iterable[bytes], *, place: str, told: Callable[[int], None] = lambda count: None
    ) -> None:
        self._chunks, self._place, self._told = chunks, place, told
        self._hash = hashlib.sha256()
        self._member: zlib._Decompress | None = None
        self.size_bytes = self.script_bytes = 0

    @property
    def sha256(self) -> str:
        """Of the packed bytes read so far, in hex."""
        return self._hash.hexdigest()

    def __iter__(self) -> Iterator[bytes]:
        try:
            for chunk in self._chunks:
                self._hash.update(chunk)
                self.size_bytes += len(chunk)
                self._told(len(chunk))
                yield from self._unpack(chunk)
        except zlib.error as error:
            raise ArchiveDamaged(f"{self._place} cannot be unpacked ({error}). Choose another dump.") from error
        if self.size_bytes == 0:
            raise ArchiveDamaged(f"{self._place} is empty. Choose another dump.")
        if self._member is not None:
            raise ArchiveDamaged(f"{self._place} ends too early: it was cut short. Choose another dump.")

    def _unpack(self, packed: bytes) -> Iterator[bytes]:
        while packed:
            if self._member is None:
                packed = self._begin_member(packed)
                continue
            text = self._member.decompress(packed, CHUNK_BYTES)
            packed = self._member.unconsumed_tail or self._member.unused_data
            if self._member.eof:
                self._member = None
            self.script_bytes += len(text)
            if text:
                yield text

    def _begin_member(self, packed: bytes) -> bytes:
        """What is left after the zeros with which some media fill up a file."""
        rest = packed.lstrip(b"\0") if self.script_bytes else packed
        if rest:
            if not GZIP_MAGIC.startswith(rest[:2]) and not rest.startswith(GZIP_MAGIC):
                what = "goes on after its end with something else" if self.script_bytes else "is not a gzip file"
                raise ArchiveDamaged(f"{self._place} {what}. Choose another dump.")
            self._member = zlib.decompressobj(wbits=GZIP_WBITS)
        return rest


@contextmanager
def reading_ahead(chunks: Iterable[bytes]) -> Iterator[Iterator[bytes]]:
    """The same chunks; while one is used, the next is fetched and unpacked by another thread, which ends with this."""
    with ThreadPoolExecutor(1, thread_name_prefix="read-ahead") as pool:
        yield _take_in_turn(pool, iter(chunks))


def _take_in_turn(pool: ThreadPoolExecutor, source: Iterator[bytes]) -> Iterator[bytes]:
    coming = pool.submit(next, source, None)
    while (chunk := coming.result()) is not None:
        coming = pool.submit(next, source, None)
        yield chunk
