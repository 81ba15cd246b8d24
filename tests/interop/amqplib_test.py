# SPDX-License-Identifier: Apache-2.0
"""Node's amqplib, and Rascal on top of it: each program in amqplib/ connects, checks and leaves with exit code 0.

The packages are installed beside this file by `npm ci` (package-lock.json pins it).
"""

import shutil
from pathlib import Path

import pytest

from expectations import program_succeeds

HERE = Path(__file__).parent
PROGRAMS = sorted(
    path.stem for path in (HERE / "amqplib").glob("*.js") if path.stem != "client"
)


@pytest.fixture(scope="module", autouse=True)
def installed():
    if shutil.which("node") is None or not (HERE / "node_modules" / "amqplib").exists():
        pytest.skip(f"no node, or no amqplib; run `npm ci` in {HERE}")


@pytest.mark.parametrize("program", PROGRAMS)
def test_program(broker, program):
    program_succeeds(
        "node", f"{program}.js", f"amqp://{broker.host}:{broker.port}", cwd=HERE / "amqplib"
    )
