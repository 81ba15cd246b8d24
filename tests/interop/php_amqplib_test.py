# SPDX-License-Identifier: Apache-2.0
"""php-amqplib: the program in php_amqplib/ connects, checks and leaves with exit code 0."""

import shutil
from pathlib import Path

import pytest

from expectations import program_succeeds

PROGRAM = Path(__file__).parent / "php_amqplib" / "talk.php"
LIBRARY = Path("/usr/share/php/PhpAmqpLib/autoload.php")


@pytest.fixture(autouse=True)
def installed():
    if shutil.which("php") is None or not LIBRARY.exists():
        pytest.skip("no php, or no php-amqplib")


def test_a_work_queue(broker, name):
    program_succeeds("php", PROGRAM, broker.host, str(broker.port), name("php"))
