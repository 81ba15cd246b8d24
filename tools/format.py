#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Formats the C++ sources in place, or with --check prints the patch that would and fails.

One version of clang-format is pinned, because two versions disagree about the same file. Exit code
77 tells ctest that it is not installed.
"""

import argparse
import difflib
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import tree

CLANG_FORMAT = "clang-format-14"
EXIT_SKIPPED = 77


def formatted(root: Path, path: Path) -> str:
    return subprocess.run(
        [CLANG_FORMAT, "--style=file", str(path)],
        cwd=root,
        capture_output=True,
        check=True,
        text=True,
    ).stdout


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="print the patch and change nothing")
    parser.add_argument("--root", type=Path, default=tree.ROOT, help="the tree to format")
    arguments = parser.parse_args()

    if shutil.which(CLANG_FORMAT) is None:
        print(f"format: {CLANG_FORMAT} is not installed; ./dev setup installs it", file=sys.stderr)
        return EXIT_SKIPPED

    paths = tree.cxx_files(arguments.root)
    with ThreadPoolExecutor() as pool:
        results = pool.map(lambda path: formatted(arguments.root, path), paths)
    changed = 0
    for path, after in zip(paths, results):
        file = arguments.root / path
        before = file.read_text()
        if before == after:
            continue
        changed += 1
        if arguments.check:
            sys.stdout.writelines(
                difflib.unified_diff(
                    before.splitlines(keepends=True),
                    after.splitlines(keepends=True),
                    f"a/{path}",
                    f"b/{path}",
                )
            )
        else:
            file.write_text(after)
            print(path)
    if arguments.check and changed:
        print(f"{changed} of {len(paths)} files are not formatted; ./dev fmt does it",
              file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
