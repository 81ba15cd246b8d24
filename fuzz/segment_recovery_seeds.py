#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the seeds of segment_recovery_fuzz: small journals, each with one thing in it.

    fuzz/segment_recovery_seeds.py fuzz/corpus/segment_recovery_fuzz
"""

import sys
from pathlib import Path

OWN, BEFORE = 0, 1  # As Program::a_segment() counts, backwards.
LAST, GONE = 0, 6  # As Program::an_earlier_segment() does.
HERE = 0  # Of a mark: up to where the segment is now.


def batch(segment: int = OWN, offset: int = HERE) -> bytes:
    return bytes([1, segment, offset])


def entry(owner: int = 0, length: int = 20, seq: int = 0) -> bytes:
    return bytes([2, owner, seq, length, 5])


def moved_entry(owner: int, origin: int) -> bytes:
    return bytes([4, owner, 0, origin])


def reference(owner: int, data: int = 0) -> bytes:
    return bytes([5, owner, 0, data])


def settle(owner: int, first: int, count: int, segment: int) -> bytes:
    return bytes([7, 0, owner, first, count, segment])


def moved(segment: int) -> bytes:
    return bytes([8, segment])


def delivered(owner: int, first: int, count: int) -> bytes:
    return bytes([9, 0, owner, first, count, OWN])


END, STOP, INDEX, NEXT = bytes([10]), bytes([11]), bytes([12]), bytes([0, 0])


def lie(what: int, which: int, number: int) -> bytes:
    return bytes([13, what, which, number])


def spoil(where: int, how: int) -> bytes:
    return bytes([14, where, how])


def cut(count: int) -> bytes:
    return bytes([15, count])


FULL = batch() + entry() + batch() + entry(1) + reference(2) + END + INDEX
SEEDS = {
    "stopped": FULL + NEXT + batch(BEFORE) + entry() + delivered(0, 1, 1) + STOP,
    "killed": FULL + NEXT + batch(BEFORE) + entry() + entry(),
    "torn": FULL + NEXT + batch(BEFORE) + entry() + batch() + entry() + entry() + spoil(11, 1),
    "damaged": batch() + entry() + entry() + batch() + entry() + batch() + END + spoil(5, 1) + NEXT + FULL,
    "settled": FULL + NEXT + batch(BEFORE) + settle(0, 1, 1, BEFORE) + settle(1, 0, 200, BEFORE) + END,
    "moved": FULL + NEXT + batch() + moved_entry(0, LAST) + moved(LAST) + END + INDEX + NEXT + entry(),
    "moved_from_gone": batch() + moved_entry(0, GONE) + entry(0) + END + NEXT + moved_entry(1, GONE),
    "passing": batch() + entry(250) + entry(251) + reference(3) + END + INDEX,
    "cut": FULL + NEXT + batch() + entry() + END + cut(20) + NEXT + batch(BEFORE) + entry(),
    "lying": FULL + lie(4, 0, 255) + NEXT + batch() + settle(0, 1, 1, BEFORE),
    "lying_entries": FULL + lie(7, 1, 9) + NEXT + batch() + settle(0, 1, 1, BEFORE),
    "spoilt_index": FULL + spoil(4, 1) + spoil(8, 1) + NEXT + batch() + settle(0, 1, 1, BEFORE),
}


def main() -> None:
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for step, (name, program) in enumerate(SEEDS.items()):
        (folder / name).write_bytes(bytes([step, step]) + program)


if __name__ == "__main__":
    main()
