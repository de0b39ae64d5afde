"""Streams of an archive: squeezed and counted on the way out, unpacked and checked on the way in.

An object is a row of zstd frames, each with its own checksum; `zstd -dc` reads them as one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from typing import IO

import zstandard

from bot.systems.outcomes import SystemFailed
from bot.systems.processes import Child

# Level 1 costs a tenth of gzip's CPU and comes out smaller; higher levels cost more time than they save.
LEVEL = 1
# Uncompressed bytes of one frame. Whoever reads it holds it until its checksum is known to be right.
FRAME_BYTES = 512 * 1024
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
        compressor = zstandard.ZstdCompressor(level=LEVEL, write_checksum=True)
        while True:
            content = self._source.read(FRAME_BYTES)
            if not content and self.size_bytes:
                return
            self.dump_bytes += len(content)
            self._told(len(content))
            frame = compressor.compress(content)
            self._hash.update(frame)
            self.size_bytes += len(frame)
            yield frame


def unpack(chunks: Iterable[bytes], *, place: str, sha256: str, told: Callable[[int], None]) -> Iterator[bytes]:
    """Decompress an object on the way from S3, calling `told` with the compressed bytes of each chunk.

    What comes out of a frame is given on once the frame's checksum is right, so that nobody works with garbage.
    Raises ArchiveDamaged, at the latest after the last chunk: only a stream that was read to its end is a whole one.
    """
    digest, frames = hashlib.sha256(), _Frames()
    try:
        for chunk in chunks:
            digest.update(chunk)
            told(len(chunk))
            yield from frames.read(chunk)
    except zstandard.ZstdError as error:
        raise ArchiveDamaged(f"{place} cannot be unpacked ({error}). Choose another backup.") from error
    if not frames.complete:
        raise ArchiveDamaged(f"{place} ends too early. Choose another backup.")
    if digest.hexdigest() != sha256:
        raise ArchiveDamaged(f"{place} is not what its manifest describes: its SHA-256 differs. Choose another backup.")


class _Frames:
    """Unpacks frame after frame; a frame larger than ours, as older archives are one, is given on as it comes."""

    def __init__(self) -> None:
        # One for all frames: a new one for each takes a fifth more CPU.
        self._decompressor = zstandard.ZstdDecompressor()
        self._frame: zstandard.ZstdDecompressionObj | None = None
        self._held: list[bytes] = []
        self._held_bytes = 0
        self.complete = False

    def read(self, chunk: bytes) -> Iterator[bytes]:
        """The content of the frames that this chunk completes. Raises ZstdError."""
        for start in range(0, len(chunk), SLICE_BYTES):
            rest = chunk[start : start + SLICE_BYTES]
            while rest:
                self._frame = self._frame or self._decompressor.decompressobj()
                content = self._frame.decompress(rest)
                rest, self.complete = self._frame.unused_data, self._frame.eof
                self._held.append(content)
                self._held_bytes += len(content)
                if self.complete:
                    self._frame = None
                if self.complete or self._held_bytes > FRAME_BYTES:
                    yield self._release()

    def _release(self) -> bytes:
        content = b"".join(self._held)
        self._held.clear()
        self._held_bytes = 0
        return content


def feed(child: Child, chunks: Iterator[bytes]) -> None:
    """Write everything into a child and close its pipe. A child that ends early is left to tell why itself."""
    try:
        for chunk in chunks:
            child.stdin.write(chunk)
        child.stdin.close()
    except BrokenPipeError:
        return
