# SPDX-License-Identifier: Apache-2.0
"""The files of the tree, as the checks in this folder see them: what git tracks or, in an unpacked
archive, everything but what builds leave behind."""

import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

LEFT_BY_BUILDS = {".git", "build", "node_modules", "__pycache__", ".pytest_cache"}


def files(root: Path) -> list[Path]:
    """The files below `root`, relative to it, sorted; only those that exist."""
    if (root / ".git").exists():
        listed = subprocess.run(
            ["git", "-c", f"safe.directory={root}", "ls-files", "-z"],
            cwd=root,
            capture_output=True,
            check=True,
            text=True,
        ).stdout
        found = [Path(name) for name in listed.split("\0") if name]
        return sorted(path for path in found if (root / path).is_file())
    found = (path.relative_to(root) for path in root.rglob("*") if path.is_file())
    return sorted(path for path in found if not LEFT_BY_BUILDS.intersection(path.parts))


def is_generated(path: Path) -> bool:
    """Generated files say so in their name: methods.gen.h."""
    return ".gen." in path.name


def cxx_files(root: Path) -> list[Path]:
    return [path for path in files(root) if path.suffix in {".h", ".cc"} and not is_generated(path)]
