# SPDX-License-Identifier: Apache-2.0
"""php-amqplib: the program in php_amqplib/ connects, checks and leaves with exit code 0."""

import shutil
import subprocess
from pathlib import Path

import pytest

PROGRAM = Path(__file__).parent / "php_amqplib" / "talk.php"
LIBRARY = Path("/usr/share/php/PhpAmqpLib/autoload.php")
PROGRAM_SECONDS_MAX = 60


@pytest.fixture(autouse=True)
def installed():
    if shutil.which("php") is None or not LIBRARY.exists():
        pytest.skip("no php, or no php-amqplib")


def test_a_work_queue(broker, name):
    finished = subprocess.run(
        ["php", PROGRAM, broker.host, str(broker.port), name("php")],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=PROGRAM_SECONDS_MAX,
        check=False,
    )

    assert finished.returncode == 0, finished.stdout
