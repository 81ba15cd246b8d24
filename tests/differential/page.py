#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Writes docs/compatibility-scenarios.md from what the scenarios say of themselves; with --check
says whether it is as it should be. That they say the truth is what the tests are for."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from scenario import load_all  # noqa: E402 (found by the line above)

PAGE = Path(__file__).resolve().parents[2] / "docs" / "compatibility-scenarios.md"


def page() -> str:
    scenarios = load_all()
    same = sum(1 for one in scenarios if not one.differs and not one.not_yet)
    lines = [
        "# Compatibility, scenario by scenario",
        "",
        "Written by `tests/differential/page.py`. Each scenario is run against RabbitMQ 3.10.8 and",
        "against Leveret, and what they answer is compared: codes, texts, order, headers, counts.",
        f"{same} of {len(scenarios)} are the same; the others say why.",
    ]
    subject = ""
    for one in scenarios:
        if one.subject != subject:
            subject = one.subject
            lines += ["", f"## {subject.replace('_', ' ')}", "", "| scenario | |", "|---|---|"]
        verdict = "same"
        if one.differs:
            verdict = f"different: {one.differs}"
        elif one.not_yet:
            verdict = f"not yet: {one.not_yet}"
        lines.append(f"| {one.title.replace('|', chr(92) + '|')} | {verdict} |")
    return "\n".join(lines) + "\n"


def main() -> int:
    text = page()
    if "--check" not in sys.argv:
        PAGE.write_text(text)
        return 0
    if PAGE.exists() and PAGE.read_text() == text:
        return 0
    print(f"{PAGE.name} is not what the scenarios say: run tests/differential/page.py")
    return 1


if __name__ == "__main__":
    sys.exit(main())
