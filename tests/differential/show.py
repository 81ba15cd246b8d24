#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Prints what each broker says in the scenarios whose ids begin with the given words."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "interop"))

import brokers  # noqa: E402 (found by the line above)
from differential_test import transcript  # noqa: E402
from scenario import load_all  # noqa: E402
from stage import PLUGINS  # noqa: E402


def main() -> None:
    wanted = tuple(sys.argv[1:]) or ("",)
    leveret, rabbitmq = brokers.Leveretd(brokers.binaries_directory(), workers=2), brokers.Oracle(PLUGINS)
    try:
        for scenario in load_all():
            if not scenario.id.startswith(wanted):
                continue
            for broker in (rabbitmq, leveret):
                print(f"== {scenario.id}, {broker.kind}")
                print("\n".join(transcript(broker, scenario)))
    finally:
        leveret.close()
        rabbitmq.close()


if __name__ == "__main__":
    main()
