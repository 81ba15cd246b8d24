# SPDX-License-Identifier: Apache-2.0
"""tidy.py on small trees: one sound one, and one for each habit that is broken."""

import pytest

LICENCE = "SPDX-License-Identifier: Apache-2.0"
SOURCE = f"// {LICENCE}\n"
HEADER = f"// {LICENCE}\n//\n// A queue.\n\n#pragma once\n"

SOUND = {
    "README.md": "# Leveret\n\nSee `src/queue/` and `queue/queue.h`; `application/json` is no path.\n",
    "src/queue/README.md": "# queue\n\nStart at `queue.h`.\n\n```\n# a comment in a shell\n```\n",
    "src/queue/queue.h": HEADER + "void publish(int tag);\n",
    "src/queue/queue.cc": SOURCE + "// rand() and TODO(#12): are words in a comment.\n",
    "docs/life-of-a-message.md": "# Life\n\n| 1 | queue | kept | `queue/queue.h: publish` |\n",
    "tools/tidy_ratchet.txt": "# path lines\n",
    "tools/make.py": f"#!/usr/bin/python3\n# {LICENCE}\n",
    "fuzz/corpus/frames/one": "\tkept as it was met",
}


def test_a_sound_tree_passes(tree):
    assert tree.write(SOUND).failures("tidy.py") == []


# What is added to the sound tree, and what is said about it.
BROKEN_HABITS = {
    "no licence": (
        {"src/queue/a.cc": "int a;\n"},
        f"src/queue/a.cc:1: must begin with '// {LICENCE}' (below the interpreter line, if it has "
        "one)",
    ),
    "no licence in a script": (
        {"tool": "#!/bin/sh\n"},
        f"tool:1: must begin with '# {LICENCE}' (below the interpreter line, if it has one)",
    ),
    "a header that does not say what it is": (
        {"src/queue/a.h": SOURCE + "#pragma once\n"},
        "src/queue/a.h:2: after the licence and an empty comment line, a header says what it is",
    ),
    "a header that can be read twice": (
        {"src/queue/a.h": HEADER.replace("#pragma once\n", "")},
        "src/queue/a.h:1: a header says #pragma once",
    ),
    "an unfinished thought": (
        {"src/queue/a.cc": SOURCE + "// TODO: think\n"},
        "src/queue/a.cc:2: 'TODO' without the number of an issue: TODO(#12): ...",
    ),
    "an unfinished thought in CMake": (
        {"CMakeLists.txt": f"# {LICENCE}\n# FIXME\n"},
        "CMakeLists.txt:2: 'FIXME' without the number of an issue: TODO(#12): ...",
    ),
    "a banner": (
        {"src/queue/a.cc": SOURCE + "// ==========\n"},
        "src/queue/a.cc:2: a section banner is a missing file",
    ),
    "a tab": ({"docs/a.md": "# A\n\tb\n"}, "docs/a.md:2: a tab; indent with spaces"),
    "white space at the end": (
        {"src/queue/a.cc": SOURCE + "int a; \n"},
        "src/queue/a.cc:2: white space at the end of the line",
    ),
    "a last line without an end": (
        {"src/queue/a.cc": SOURCE + "int a;"},
        "src/queue/a.cc:2: the last line does not end",
    ),
    "two headings of the first level": (
        {"docs/a.md": "# A\n\n# B\n"},
        "docs/a.md:3: 2 headings of the first level, not one",
    ),
    "no heading": ({"docs/a.md": "A\n"}, "docs/a.md:1: 0 headings of the first level, not one"),
    "a file too large to review": (
        {"docs/a.txt": "a" * ((1 << 20)) + "\n"},
        "docs/a.txt: 1048577 bytes; the limit is 1048576",
    ),
    "a registry in a lock file": (
        {"tests/interop/package-lock.json": '{\n  "resolved": "https://example.org/a.tgz"\n}\n'},
        "tests/interop/package-lock.json:2: names a registry; "
        "npm install --package-lock-only --omit-lockfile-registry-resolved",
    ),
    "a path that is gone": (
        {"docs/a.md": "# A\n\n`src/queue/gone.h`\n"},
        "docs/a.md:3: cites `src/queue/gone.h`, which is not there",
    ),
    "a path from a room that is gone": (
        {"README.md": "# A\n`queue/gone.h`\n"},
        "README.md:2: cites `queue/gone.h`, which is not there",
    ),
    "a file of the room that is gone": (
        {"src/queue/README.md": "# queue\n`gone.h`\n"},
        "src/queue/README.md:2: cites `gone.h`, which is not there",
    ),
    "a walk to a file that is gone": (
        {"docs/life-of-a-message.md": "# Life\n`queue/gone.cc: publish`\n"},
        "docs/life-of-a-message.md:2: `queue/gone.cc: publish`: there is no such file",
    ),
    "a walk to a function that is gone": (
        {"docs/life-of-a-message.md": "# Life\n`queue/queue.h: lish`\n"},
        "docs/life-of-a-message.md:2: `queue/queue.h: lish`: the file has no such function",
    ),
    "a walk that goes nowhere": (
        {"docs/life-of-a-message.md": "# Life\n"},
        "docs/life-of-a-message.md: names no `file: function`; it is a walk through the code",
    ),
}


@pytest.mark.parametrize("added, failure", BROKEN_HABITS.values(), ids=BROKEN_HABITS.keys())
def test_a_broken_habit_is_named(tree, added, failure):
    assert tree.write(SOUND).write(added).failures("tidy.py") == [failure]


# Where it stands, the line, and the name that is refused there; empty for none.
NAMES = [
    ("src/queue/a.cc", "auto t = std::chrono::steady_clock::now();", "steady_clock::now"),
    ("src/queue/a.cc", "auto t = system_clock::now();", "system_clock::now"),
    ("src/queue/a_test.cc", "auto t = std::chrono::steady_clock::now();", ""),
    ("src/net/a.cc", "auto t = std::chrono::steady_clock::now();", ""),
    ("src/queue/a.cc", "int r = std::rand();", "rand("),
    ("src/queue/a.cc", "int r = operand();", ""),
    ("src/queue/a.cc", 'log("rand()");', ""),
    ("src/queue/a_test.cc", "std::this_thread::sleep_for(1s);", "sleep_for("),
    ("src/queue/a.cc", "::sleep(1);", "::sleep("),
    ("tests/wire/a.py", "time.sleep(1)", "time.sleep("),
    ("tests/wire/a.py", "await asyncio.sleep(1)", "asyncio.sleep("),
    ("tests/wire/a.py", "time.sleep(0.01)  # bounded poll", ""),
    ("src/queue/a.cc", "std::cout << 1;", "std::cout"),
    ("ctl/a.cc", "std::cout << 1;", ""),
    ("src/server/main.cc", "std::cout << 1;", ""),
    ("src/queue/a.cc", "assert(true);", "assert("),
    ("src/queue/a.cc", "static_assert(true);", ""),
    ("src/net/a.cc", "std::atomic_thread_fence(o);", "atomic_thread_fence"),
    ("src/queue/a.cc", "using namespace std;", "using namespace std;"),
    ("src/queue/a.cc", "using namespace std::chrono_literals;", ""),
    ("src/queue/a.cc", "struct A : std::enable_shared_from_this<A>;", "enable_shared_from_this"),
    ("src/net/a.cc", "struct A : std::enable_shared_from_this<A>;", ""),
]


@pytest.mark.parametrize("path, line, name", NAMES)
def test_a_name_that_has_a_better_one(tree, path, line, name):
    mark = "#" if path.endswith(".py") else "//"
    tree.write({path: f"{mark} {LICENCE}\n{line}\n"})

    failures = tree.failures("tidy.py")

    if name:
        assert len(failures) == 1
        assert failures[0].startswith(f"{path}:2: '{name}'; instead: ")
    else:
        assert failures == []


def lines(count: int) -> str:
    return SOURCE + "int a;\n" * (count - 1)


# Lines of the file, its row in the ratchet (none for 0), what is said.
LENGTHS = [
    (600, 0, ""),
    (601, 0, "src/queue/a.cc: 601 lines, the limit is 600; which second noun does it hide?"),
    (700, 700, ""),
    (701, 700, "src/queue/a.cc: 701 lines, the limit is 700; which second noun does it hide?"),
    (699, 700, "tools/tidy_ratchet.txt: src/queue/a.cc has 699 lines now; turn the ratchet"),
    (600, 700, "tools/tidy_ratchet.txt: src/queue/a.cc has 600 lines now; delete the row"),
]


@pytest.mark.parametrize("length, ratchet, failure", LENGTHS)
def test_long_files_may_only_shrink(tree, length, ratchet, failure):
    tree.write({"src/queue/a.cc": lines(length)})
    if ratchet:
        tree.write({"tools/tidy_ratchet.txt": f"src/queue/a.cc {ratchet}\n"})

    assert tree.failures("tidy.py") == ([failure] if failure else [])


def test_a_row_of_the_ratchet_goes_with_its_file(tree):
    tree.write({"tools/tidy_ratchet.txt": "src/queue/gone.cc 700\n"})

    assert tree.failures("tidy.py") == [
        "tools/tidy_ratchet.txt: src/queue/gone.cc is gone; delete the row"
    ]
