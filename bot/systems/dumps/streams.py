"""Streams of an archive: squeezed and counted on the way out, unpacked and checked on the way in."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from typing import IO

import zstandard

from bot.systems.outcomes import SystemFailed
from bot.systems.processes import Child

# Level 1 costs a tenth of gzip's CPU and comes out smaller; higher levels cost more time than they save.
LEVEL = 1
CHUNK_BYTES = 512 * 1024
# What goes into the decompressor at once: a hundred times as much may come out.
SLICE_BYTES = 64 * 1024


class ArchiveDamaged(SystemFailed):
    """The stored object is not what was stored: cut short, changed, or not an archive at all."""


class Squeezed:
    """Reads a pipe and gives it compressed; afterwards knows both sizes and the SHA-256 of what it gave."""

    def __init__(self, source: IO[bytes], told: Callable[[int], None]) -> None:
        self._source, self._told = source, told
        self._hash = hashlib.sha256()
        self.dump_bytes = self.size_bytes = 0

    @property
    def sha256(self) -> str:
        """Of everything given so far, in hex."""
        return self._hash.hexdigest()

    def __iter__(self) -> Iterator[bytes]:
        compressor = zstandard.ZstdCompressor(level=LEVEL, write_checksum=True).compressobj()
        while chunk := self._source.read(CHUNK_BYTES):
            self.dump_bytes += len(chunk)
            self._told(len(chunk))
            yield from self._count(compressor.compress(chunk))
        yield from self._count(compressor.flush())

    def _count(self, squeezed: bytes) -> Iterator[bytes]:
        if squeezed:
            self._hash.update(squeezed)
            self.size_bytes += len(squeezed)
            yield squeezed


def unpack(chunks: Iterable[bytes], *, place: str, sha256: str, told: Callable[[int], None]) -> Iterator[bytes]:
    """Decompress an object on the way from S3, calling `told` with the compressed bytes of each chunk.

    Raises ArchiveDamaged, at the latest after the last chunk: only a stream that was read to its end is a whole one.
    """
    digest, decompressor = hashlib.sha256(), zstandard.ZstdDecompressor().decompressobj()
    try:
        for chunk in chunks:
            digest.update(chunk)
            told(len(chunk))
            if decompressor.eof:
                raise ArchiveDamaged(f"{place} goes on after its end. Choose another backup.")
            for start in range(0, len(chunk), SLICE_BYTES):
                yield decompressor.decompress(chunk[start : start + SLICE_BYTES])
    except zstandard.ZstdError as error:
        raise ArchiveDamaged(f"{place} cannot be unpacked ({error}). Choose another backup.") from error
    if not decompressor.eof:
        raise ArchiveDamaged(f"{place} ends too early. Choose another backup.")
    if digest.hexdigest() != sha256:
        raise ArchiveDamaged(f"{place} is not what its manifest describes: its SHA-256 differs. Choose another backup.")


def feed(child: Child, chunks: Iterator[bytes]) -> None:
    """Write everything into a child and close its pipe. A child that ends early is left to tell why itself."""
    try:
        for chunk in chunks:
            child.stdin.write(chunk)
        child.stdin.close()
    except BrokenPipeError:
        return
