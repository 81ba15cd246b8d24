#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Writes docs/compatibility-scenarios.md and docs/compatibility-features.md from what scenarios and
features say of themselves; with --check says whether they are as they should be. That scenarios say
the truth is what the tests are for."""

import sys
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from feature import TREE, Evidence, Feature  # noqa: E402 (found by the line above)
from features import FEATURES  # noqa: E402
from scenario import Scenario, load_all  # noqa: E402


def cell(text: str) -> str:
    return text.replace("|", "\\|")


def scenarios_page(scenarios: list[Scenario]) -> str:
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
            lines += ["", f"## {subject.replace('_', ' ')}", "", "| scenario | | |", "|---|---|---|"]
        verdict = "same"
        if one.differs:
            verdict = f"different: {one.differs}"
        elif one.not_yet:
            verdict = f"not yet: {one.not_yet}"
        lines.append(f"| `{one.id}` | {cell(one.title)} | {verdict} |")
    return "\n".join(lines) + "\n"


def features_page(evidence: Evidence) -> str:
    def shown_by(feature: Feature) -> str:
        counts = [(shown, len(evidence.scenarios(shown))) for shown in feature.shown_by.split()]
        return ", ".join(f"`{shown}`" + (f" ({count})" if count > 1 else "") for shown, count in counts)

    counts: Counter[str] = Counter()
    tables = []
    for group, features in FEATURES.items():
        tables += ["", f"## {group}", "", "| | compared with RabbitMQ | shown by |", "|---|---|---|"]
        for feature in features:
            verdict = evidence.verdict(feature)
            counts[verdict.partition(":")[0]] += 1
            tables.append(f"| {cell(feature.title)} | {cell(verdict)} | {shown_by(feature)} |")
    lines = [
        "# Compatibility, feature by feature",
        "",
        "Written by `tests/differential/page.py`: what AMQP 0-9-1 clients of RabbitMQ use, and how it is here.",
        f"{counts['same']} features are the same, {counts['different on purpose']} different on purpose,",
        f"{counts['not yet']} not there yet. What shows it: most names are those of",
        "[scenarios](compatibility-scenarios.md), with how many there are of them where a `*` stands for several.",
        "Names with `_test.` are tests in `tests` and `src`; those in `tests/wire` and `tests/interop` can be run",
        "against RabbitMQ too, those in `src` play Leveret alone.",
    ]
    return "\n".join(lines + tables) + "\n"


def main() -> int:
    scenarios = load_all()
    evidence = Evidence(scenarios)
    complaints = [
        f"tests/differential/features.py: {complaint}"
        for features in FEATURES.values()
        for feature in features
        for complaint in evidence.complaints(feature)
    ]
    pages = {
        TREE / "docs" / "compatibility-scenarios.md": scenarios_page(scenarios),
        TREE / "docs" / "compatibility-features.md": features_page(evidence),
    }
    for path, text in pages.items():
        if "--check" not in sys.argv:
            path.write_text(text)
        elif not path.exists() or path.read_text() != text:
            complaints.append(f"{path.relative_to(TREE)} is not what it should be: run tests/differential/page.py")
    for complaint in complaints:
        print(complaint)
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
