#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Runs clang-tidy over sources of the rooms, a file a core, with the checks of .clang-tidy.

By default it looks at what has changed since the main branch: sources, and those that stand beside a
changed header. It needs build/release/compile_commands.json, which ./dev makes. Tests are left out
of --all: they are half of the time and none of the product.
"""

import argparse
import json
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import tree

CLANG_TIDY = "clang-tidy-19"
BUILD = Path("build/release")
FOLDERS = ("src/", "client/", "ctl/", "perf/")


def git_lines(*arguments: str) -> list[str]:
    result = subprocess.run(["git", *arguments], cwd=tree.ROOT, capture_output=True, text=True)
    return result.stdout.splitlines() if result.returncode == 0 else []


def compiled_sources() -> list[Path]:
    """What the release preset compiles of the rooms, but for generated files."""
    commands = json.loads((tree.ROOT / BUILD / "compile_commands.json").read_text())
    paths = {Path(command["file"]).resolve() for command in commands}
    ours = (path.relative_to(tree.ROOT) for path in paths if path.is_relative_to(tree.ROOT))
    return sorted(path for path in ours
                  if str(path).startswith(FOLDERS) and not tree.is_generated(path))


def changed_files() -> set[Path]:
    for branch in ("origin/main", "main", "HEAD"):
        base = git_lines("merge-base", "HEAD", branch)
        if base:
            break
    else:
        sys.exit("clang_tidy: what has changed is git's to say; outside of it use --all or name files")
    names = git_lines("diff", "--name-only", base[0])
    names += git_lines("ls-files", "--others", "--exclude-standard")
    return {Path(name) for name in names}


def select(arguments: argparse.Namespace) -> list[Path]:
    sources = compiled_sources()
    if arguments.files:
        named = [file.resolve().relative_to(tree.ROOT) for file in arguments.files]
        unknown = [str(file) for file in named if file not in sources]
        if unknown:
            sys.exit(f"clang_tidy: not compiled by {BUILD}: {', '.join(unknown)}")
        return named
    if arguments.all:
        newest_first = {}
        for name in git_lines("log", "--format=", "--name-only", "--max-count=500"):
            newest_first.setdefault(Path(name), len(newest_first))
        chosen = [path for path in sources if not path.stem.endswith("_test")]
        return sorted(chosen, key=lambda path: newest_first.get(path, len(newest_first)))
    changed = changed_files()
    return [path for path in sources if path in changed or path.with_suffix(".h") in changed]


def look_at(path: Path, deadline: float) -> str | None:
    """What clang-tidy complains of, empty for nothing; None when the time was up before."""
    if time.monotonic() > deadline:
        return None
    result = subprocess.run(
        [CLANG_TIDY, "-p", str(BUILD), "--quiet", str(path)],
        cwd=tree.ROOT,
        capture_output=True,
        text=True,
    )
    if result.returncode == 0:
        return ""
    return result.stdout or result.stderr or f"{path}: exit code {result.returncode}\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs="*", type=Path, help="sources to look at")
    parser.add_argument("--all", action="store_true", help="every source, the newest changes first")
    parser.add_argument("--jobs", type=int, default=2, help="files at a time")
    parser.add_argument("--minutes", type=float, default=float("inf"),
                        help="begin no further file after this long, and list those left out")
    arguments = parser.parse_args()

    paths = select(arguments)
    started = time.monotonic()
    deadline = started + arguments.minutes * 60
    failed, left_out = 0, []
    with ThreadPoolExecutor(arguments.jobs) as pool:
        for path, complaint in zip(paths, pool.map(lambda path: look_at(path, deadline), paths)):
            if complaint is None:
                left_out.append(path)
            elif complaint:
                failed += 1
                print(complaint, end="", flush=True)
    for path in left_out:
        print(f"not looked at, the time was up: {path}")
    print(f"clang-tidy: {len(paths) - len(left_out)} files in {time.monotonic() - started:.0f} s, "
          f"{failed} with complaints")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
