#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Holds the walls between the rooms.

A room is a folder of src/ (and client/, ctl/, perf/ beside it). Its README.md says, in one line,
which rooms it may include:

    Depends on: base, amqp.        or        Depends on: nothing.

This program fails when a source includes a room that the line does not name, when the lines form a
circle, when a room has no such line, when CMake links other rooms than the line names, and when
Asio or Beast is included outside the rooms at the edge. A test (*_test.cc) may also include any
room's `<room>/testing/`; nothing else may.
"""

import argparse
import re
import sys
from dataclasses import dataclass, field
from pathlib import Path

import tree

ROOMS_OUTSIDE_SRC = ("client", "ctl", "perf")
ROOMS_AT_THE_EDGE = {"net", "mgmt", "server", "client", "ctl"}

DEPENDS_LINE = re.compile(r"^Depends on: (?P<rooms>[a-z_, ]+)\.\s*$", re.MULTILINE)
INCLUDE = re.compile(r'^\s*#\s*include\s*(?P<open>["<])(?P<path>[^">]+)[">]')
EDGE_LIBRARY = re.compile(r"^(boost/asio|boost/beast|asio)(/|\.hpp$)")
LEVERET_ROOM = re.compile(r"leveret_room\s*\((?P<arguments>[^)]*)\)")
LINKED_ROOM = re.compile(r"\bleveret_([a-z_]+)\b(?!\s*\()")


@dataclass
class Room:
    name: str
    folder: Path  # Relative to the root of the tree.
    sources: list[Path] = field(default_factory=list)
    depends: set[str] = field(default_factory=set)


def find_rooms(paths: list[Path]) -> dict[str, Room]:
    """The rooms that have C++ in them, by name."""
    rooms: dict[str, Room] = {}
    for path in paths:
        if path.suffix not in {".h", ".cc"}:
            continue
        if path.parts[0] == "src" and len(path.parts) > 2:
            name, folder = path.parts[1], Path("src", path.parts[1])
        elif path.parts[0] in ROOMS_OUTSIDE_SRC:
            name, folder = path.parts[0], Path(path.parts[0])
        else:
            continue
        rooms.setdefault(name, Room(name, folder)).sources.append(path)
    return rooms


def read_depends(root: Path, rooms: dict[str, Room]) -> list[str]:
    failures = []
    for room in rooms.values():
        readme = room.folder / "README.md"
        if not (root / readme).is_file():
            failures.append(f"{readme}: missing; a room says what it is and what it depends on")
            continue
        lines = DEPENDS_LINE.findall((root / readme).read_text())
        if len(lines) != 1:
            failures.append(f"{readme}: has {len(lines)} lines of the form 'Depends on: base, amqp.'")
            continue
        named = [name.strip() for name in lines[0].split(",")]
        room.depends = set() if named == ["nothing"] else set(named)
        for name in sorted(room.depends - set(rooms)):
            failures.append(f"{readme}: depends on '{name}', which is no room")
        if room.name in room.depends:
            failures.append(f"{readme}: depends on itself")
    return failures


def check_circles(rooms: dict[str, Room]) -> list[str]:
    """One failure for the first circle met; the others show when it is gone."""
    finished: set[str] = set()

    def visit(name: str, path: list[str]) -> list[str]:
        if name in path:
            return path[path.index(name) :] + [name]
        if name in finished:
            return []
        for other in sorted(rooms[name].depends & set(rooms)):
            circle = visit(other, path + [name])
            if circle:
                return circle
        finished.add(name)
        return []

    for name in sorted(rooms):
        circle = visit(name, [])
        if circle:
            return [f"the rooms depend on each other in a circle: {' -> '.join(circle)}"]
    return []


def check_includes(root: Path, rooms: dict[str, Room]) -> list[str]:
    failures = []
    for room in rooms.values():
        for source in room.sources:
            for number, line in enumerate((root / source).read_text().splitlines(), start=1):
                include = INCLUDE.match(line)
                if include is None:
                    continue
                complaint = complaint_about(root, rooms, room, source, include)
                if complaint:
                    failures.append(f"{source}:{number}: {complaint}")
    return failures


def complaint_about(root: Path, rooms: dict[str, Room], room: Room, source: Path,
                    include: re.Match) -> str:
    path = include["path"]
    if EDGE_LIBRARY.match(path) and room.name not in ROOMS_AT_THE_EDGE:
        return f"includes <{path}>; Asio and Beast stay in {', '.join(sorted(ROOMS_AT_THE_EDGE))}"

    first = path.split("/")[0]
    if include["open"] == "<":
        # <net/if.h> is the system's; <net/worker.h> would be ours in disguise.
        if first not in rooms or not (root / rooms[first].folder.parent / path).is_file():
            return ""
        return f'includes <{path}>; a room\'s header is included as "{path}"'
    if "/" not in path:
        return f'includes "{path}"; say "{room.name}/{path}", or <{path}> if it is not ours'
    if first not in rooms:
        if room.name in ROOMS_OUTSIDE_SRC and (root / room.folder / "include" / path).is_file():
            return ""
        return f'includes "{path}"; there is no room \'{first}\''

    is_testing = path.split("/")[1] == "testing"
    may_test = source.name.endswith("_test.cc") or "testing" in source.parts
    if is_testing and not may_test:
        return f'includes "{path}"; testing/ is for tests only'
    if is_testing or first == room.name or first in room.depends:
        return ""
    return f'includes "{path}"; {room.folder}/README.md does not depend on {first}'


def check_cmake(root: Path, rooms: dict[str, Room]) -> list[str]:
    failures = []
    for room in rooms.values():
        file = room.folder / "CMakeLists.txt"
        if not (root / file).is_file():
            failures.append(f"{file}: missing; nothing builds this room")
            continue
        text = re.sub(r"#.*", "", (root / file).read_text())
        declared = LEVERET_ROOM.search(text)
        if declared is None:
            # Not built as a room: hold what it links to what the README allows.
            extra = (set(LINKED_ROOM.findall(text)) & set(rooms)) - room.depends - {room.name}
            for name in sorted(extra):
                failures.append(f"{file}: links {name}, which {room.folder}/README.md does not name")
            continue
        name, linked = parse_leveret_room(declared["arguments"])
        if name != room.name:
            failures.append(f"{file}: builds a room named {name}")
        if linked != room.depends:
            failures.append(
                f"{file}: DEPENDS {' '.join(sorted(linked)) or 'nothing'}, but "
                f"{room.folder}/README.md depends on {', '.join(sorted(room.depends)) or 'nothing'}"
            )
    return failures


def parse_leveret_room(arguments: str) -> tuple[str, set[str]]:
    words = arguments.split()
    if "DEPENDS" not in words:
        return words[0], set()
    linked = words[words.index("DEPENDS") + 1 :]
    if "LIBRARIES" in linked:
        linked = linked[: linked.index("LIBRARIES")]
    return words[0], set(linked)


def check(root: Path) -> list[str]:
    rooms = find_rooms(tree.files(root))
    failures = read_depends(root, rooms)
    if failures:
        # Where a wall stands is not known yet; what crosses it would be noise.
        return failures
    return check_circles(rooms) + check_includes(root, rooms) + check_cmake(root, rooms)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--root", type=Path, default=tree.ROOT, help="the tree to check")
    failures = check(parser.parse_args().root)
    for failure in failures:
        print(failure)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
