# SPDX-License-Identifier: Apache-2.0
"""A tree in a temporary directory, of just the files that a test names, and a tool run on it."""

import subprocess
import sys
from pathlib import Path

import pytest

TOOLS = Path(__file__).resolve().parents[2] / "tools"


class Tree:
    def __init__(self, root: Path):
        self.root = root

    def write(self, files: dict[str, str]) -> "Tree":
        for path, text in files.items():
            (self.root / path).parent.mkdir(parents=True, exist_ok=True)
            (self.root / path).write_text(text)
        return self

    def read(self, path: str) -> str:
        return (self.root / path).read_text()

    def run(self, tool: str, *arguments: str) -> subprocess.CompletedProcess:
        return subprocess.run(
            [sys.executable, "-B", TOOLS / tool, "--root", self.root, *arguments],
            capture_output=True,
            text=True,
            timeout=60,
        )

    def failures(self, tool: str) -> list[str]:
        """What the tool printed; its exit code must agree with it."""
        result = self.run(tool)
        assert result.stderr == ""
        lines = result.stdout.splitlines()
        assert result.returncode == (1 if lines else 0)
        return lines


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    return Tree(tmp_path)
