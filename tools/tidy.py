#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The habits of the house that a program can check; each failure says what to do instead.

Looks at every file that git tracks: how it begins and ends, how long it is, names that have a better
one here, documents whose headings or cited paths have gone stale. Rooms are held apart by
check_rooms.py, the C++ itself by clang-tidy.
"""

import argparse
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import tree

SPDX = "SPDX-License-Identifier: Apache-2.0"
FILE_BYTES_MAX = 1 << 20
SOURCE_LINES_MAX = 600
RATCHET = Path("tools/tidy_ratchet.txt")

CXX = {".h", ".cc"}
SOURCES = CXX | {".py", ".js", ".mjs", ".sh", ".cmake"}
TEXTS = SOURCES | {".md", ".txt", ".json", ".xml", ".yml", ".yaml", ".toml", ".def", ".conf", ".css",
                   ".html", ".sql"}
# Bytes that a test was given, kept as they were met.
KEPT_AS_MET = {"corpus", "golden", "testdata"}

TOP_FOLDERS = {"src", "client", "ctl", "perf", "webui", "tests", "fuzz", "bench", "tools", "cmake",
               "packaging", "docs", ".ci"}


@dataclass(frozen=True)
class File:
    """One tracked file. `text` is empty for what is not text."""

    path: Path
    size_bytes: int
    text: str

    @property
    def lines(self) -> list[str]:
        return self.text.splitlines()

    @property
    def is_script(self) -> bool:
        return self.path.suffix == "" and self.text.startswith("#!")

    @property
    def is_source(self) -> bool:
        return self.path.suffix in SOURCES or self.path.name == "CMakeLists.txt" or self.is_script

    @property
    def is_test(self) -> bool:
        return self.path.parts[0] in {"tests", "fuzz", "bench"} or "_test." in self.path.name


# A check yields (line number or 0, message).
Complaints = Iterator[tuple[int, str]]


def is_below(*folders: str) -> Callable[[File], bool]:
    return lambda file: any(file.path.is_relative_to(folder) for folder in folders)


@dataclass(frozen=True)
class BannedName:
    pattern: re.Pattern
    suffixes: set[str]
    instead: str
    may: Callable[[File], bool] = lambda file: False


BANNED_NAMES = (
    BannedName(
        re.compile(r"\b(steady|system|high_resolution)_clock::now\b|\bclock_gettime\s*\("),
        CXX,
        "a Clock (base/clock.h) that is handed in",
        lambda file: file.is_test or is_below("src/base/clock.h", "src/net", "perf")(file),
    ),
    BannedName(re.compile(r"\bs?rand\s*\("), CXX, "a seeded std::mt19937_64"),
    BannedName(
        re.compile(r"\b(sleep_for|sleep_until|usleep|nanosleep)\s*\(|(?<![\w.>])::sleep\s*\("),
        CXX,
        "a wait for the event itself, with a bound",
    ),
    BannedName(
        re.compile(r"\b(time|asyncio)\.sleep\s*\("),
        {".py"},
        "a wait for the event itself; a helper that polls until a deadline marks the line with "
        "'# bounded poll'",
    ),
    BannedName(
        re.compile(r"\bstd::cout\b"),
        CXX,
        "the log (base/log.h)",
        lambda file: file.path.name == "main.cc" or is_below("ctl", "perf", "client/examples")(file),
    ),
    BannedName(re.compile(r"\bassert\s*\(|<cassert>"), CXX, "LEVERET_ASSERT (base/assert.h)"),
    BannedName(re.compile(r"\batomic_(thread|signal)_fence\b"), CXX,
               "the order on the atomic itself; ThreadSanitizer does not see fences"),
    BannedName(re.compile(r"\busing\s+namespace\s+std\s*;"), CXX, "the name with its namespace"),
    BannedName(
        re.compile(r"\benable_shared_from_this\b"),
        CXX,
        "an owner and an id (shared lives belong to net, mgmt, server and client)",
        is_below("src/net", "src/mgmt", "src/server", "client"),
    ),
)

CXX_COMMENT_OR_STRING = re.compile(r'//.*|"(?:\\.|[^"\\])*"')
LEFTOVER = re.compile(r"\b(?:TODO|FIXME|XXX)\b(?!\(#\d+\))")
BANNER = re.compile(r"^\s*(//+|#+)\s*[-=*~#/]{5,}\s*$")
# This program and its test name what they forbid.
NAMES_WHAT_IT_FORBIDS = {Path("tools/tidy.py"), Path("tests/house/tidy_test.py")}


def check_names(file: File) -> Complaints:
    if file.path in NAMES_WHAT_IT_FORBIDS:
        return
    for banned in BANNED_NAMES:
        if file.path.suffix not in banned.suffixes or banned.may(file):
            continue
        for number, line in enumerate(file.lines, start=1):
            if file.path.suffix in CXX:
                line = CXX_COMMENT_OR_STRING.sub("", line)
            found = banned.pattern.search(line)
            if found and "# bounded poll" not in line:
                yield number, f"'{found[0].strip()}'; instead: {banned.instead}"


def check_leftovers(file: File) -> Complaints:
    if not file.is_source or file.path in NAMES_WHAT_IT_FORBIDS:
        return
    for number, line in enumerate(file.lines, start=1):
        found = LEFTOVER.search(line)
        if found:
            yield number, f"'{found[0]}' without the number of an issue: TODO(#12): ..."
        if BANNER.match(line):
            yield number, "a section banner is a missing file"


def check_head(file: File) -> Complaints:
    if not file.is_source:
        return
    lines = file.lines[1:] if file.text.startswith("#!") else file.lines
    mark = "//" if file.path.suffix in CXX | {".js", ".mjs"} else "#"
    if not lines or lines[0] != f"{mark} {SPDX}":
        yield 1, f"must begin with '{mark} {SPDX}' (below the interpreter line, if it has one)"
        return
    if file.path.suffix == ".h":
        if not re.match(r"//\n// \S", "\n".join(lines[1:3])):
            yield 2, "after the licence and an empty comment line, a header says what it is"
        if "#pragma once" not in lines:
            yield 1, "a header says #pragma once"


def check_ending(file: File) -> Complaints:
    if file.text and not file.text.endswith("\n"):
        yield len(file.lines), "the last line does not end"
    for number, line in enumerate(file.lines, start=1):
        if "\t" in line:
            yield number, "a tab; indent with spaces"
        if line != line.rstrip() and file.path.suffix != ".md":
            yield number, "white space at the end of the line"


def check_size(file: File) -> Complaints:
    if file.size_bytes > FILE_BYTES_MAX:
        yield 0, f"{file.size_bytes} bytes; the limit is {FILE_BYTES_MAX}"


def check_lock_file(file: File) -> Complaints:
    if file.path.name != "package-lock.json":
        return
    for number, line in enumerate(file.lines, start=1):
        if '"resolved"' in line:
            yield number, "names a registry; npm install --package-lock-only --omit-lockfile-registry-resolved"


def check_heading(file: File) -> Complaints:
    if file.path.suffix != ".md":
        return
    is_code = False
    headings = []
    for number, line in enumerate(file.lines, start=1):
        if line.lstrip().startswith("```"):
            is_code = not is_code
        elif not is_code and line.startswith("# "):
            headings.append(number)
    if len(headings) != 1:
        yield headings[-1] if headings else 1, f"{len(headings)} headings of the first level, not one"


CHECKS = (check_names, check_leftovers, check_head, check_ending, check_size, check_lock_file,
          check_heading)


def read_ratchet(files: list[File]) -> dict[Path, int]:
    """Files that were too long when the limit came, with the length they may not exceed."""
    lines = next((file.lines for file in files if file.path == RATCHET), [])
    rows = (line.split() for line in lines if line and not line.startswith("#"))
    return {Path(path): int(lines_max) for path, lines_max in rows}


def check_lengths(files: list[File]) -> Iterator[str]:
    ratchet = read_ratchet(files)
    sources = {file.path: len(file.lines) for file in files
               if file.is_source and not tree.is_generated(file.path)}
    for path, length in sources.items():
        lines_max = ratchet.get(path, SOURCE_LINES_MAX)
        if length > lines_max:
            yield f"{path}: {length} lines, the limit is {lines_max}; which second noun does it hide?"
        elif path in ratchet and length < lines_max:
            yield f"{RATCHET}: {path} has {length} lines now; " + (
                "delete the row" if length <= SOURCE_LINES_MAX else "turn the ratchet")
    for path in ratchet.keys() - sources.keys():
        yield f"{RATCHET}: {path} is gone; delete the row"


CODE_SPAN = re.compile(r"`([^`\n]+)`")
CITED_PATH = re.compile(r"^\.?/?(?P<path>[\w.-]+(?:/[\w.-]+)+)/?$")
CITED_FILE = re.compile(r"^[\w.-]+\.(?:md|json|h|cc|py|txt)$")
CITED_FUNCTION = re.compile(r"^(?P<file>[\w./-]+\.(?:h|cc)): (?P<function>[\w:~]+)$")


def code_spans(file: File) -> Iterator[tuple[int, str]]:
    """What stands in backticks, outside code blocks, with its line number."""
    is_code = False
    for number, line in enumerate(file.lines, start=1):
        if line.lstrip().startswith("```"):
            is_code = not is_code
        elif not is_code:
            for span in CODE_SPAN.findall(line):
                yield number, span


def check_cited_paths(files: list[File], rooms: set[str]) -> Iterator[str]:
    """Paths are cited from the root, or from src/ when they begin with a room; in a room's README
    also by the file's bare name."""
    known = {file.path for file in files}
    known |= {parent for path in known for parent in path.parents}
    for file in files:
        is_room_readme = file.path.name == "README.md" and file.path.parts[0] == "src"
        is_checked = file.path.parts[0] == "docs" or len(file.path.parts) == 1 or is_room_readme
        if file.path.suffix != ".md" or not is_checked:
            continue
        for number, span in code_spans(file):
            cited = CITED_PATH.match(span)
            if cited:
                path = Path(cited["path"])
                is_ours = path.parts[0] in TOP_FOLDERS | rooms
                exists = path in known or Path("src") / path in known
            elif is_room_readme and CITED_FILE.match(span):
                is_ours = True
                exists = file.path.parent / span in known or Path(span) in known
            else:
                continue
            if is_ours and not exists:
                yield f"{file.path}:{number}: cites `{span}`, which is not there"


def check_walk(files: list[File]) -> Iterator[str]:
    """The life of a message names functions; each must still be in the file it is named with."""
    walk = next((file for file in files if file.path == Path("docs/life-of-a-message.md")), None)
    if walk is None:
        return
    by_path = {file.path: file for file in files}
    count = 0
    for number, span in code_spans(walk):
        cited = CITED_FUNCTION.match(span)
        if cited is None:
            continue
        count += 1
        path = Path(cited["file"])
        file = by_path.get(path) or by_path.get(Path("src") / path)
        function = cited["function"].split("::")[-1]
        if file is None:
            yield f"{walk.path}:{number}: `{span}`: there is no such file"
        elif not re.search(rf"(?<!\w){re.escape(function)}\s*\(", file.text):
            yield f"{walk.path}:{number}: `{span}`: the file has no such function"
    if count == 0:
        yield f"{walk.path}: names no `file: function`; it is a walk through the code"


def read_files(root: Path) -> list[File]:
    files = []
    for path in tree.files(root):
        content = (root / path).read_bytes()
        is_text = path.suffix in TEXTS or content.startswith(b"#!") or path.name.startswith(".")
        if KEPT_AS_MET.intersection(path.parts):
            is_text = False
        files.append(File(path, len(content), content.decode() if is_text else ""))
    return files


def check(root: Path) -> list[str]:
    files = read_files(root)
    failures = []
    for file in files:
        if tree.is_generated(file.path):
            checks = (check_size, check_ending)
        else:
            checks = CHECKS
        for complaints in (one(file) for one in checks):
            failures += [f"{file.path}:{number}: {text}" if number else f"{file.path}: {text}"
                         for number, text in complaints]
    rooms = {file.path.parts[1] for file in files
             if file.path.parts[0] == "src" and len(file.path.parts) > 2}
    failures += check_lengths(files)
    failures += check_cited_paths(files, rooms)
    failures += check_walk(files)
    return failures


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--root", type=Path, default=tree.ROOT, help="the tree to check")
    failures = check(parser.parse_args().root)
    for failure in failures:
        print(failure)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
