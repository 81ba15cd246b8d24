# SPDX-License-Identifier: Apache-2.0
"""What a feature is: something that clients of RabbitMQ look for, and what shows how it is here."""

import dataclasses
import fnmatch
import itertools
import re
from collections.abc import Iterator
from pathlib import Path

from scenario import Scenario

TREE = Path(__file__).resolve().parents[2]
# How a test is told from a mention of it: C++, Python, a row of a table of refusals.
DEFINITION = r'\bTEST\w*\(\w+, {0}\)|\bdef {0}\(|(\.name = |\bas_limited\(\s*)"{0}"'


@dataclasses.dataclass(frozen=True)
class Feature:
    """A row of the page. How it is here its scenarios say, or where there are none it does itself."""

    title: str
    shown_by: str = ""  # Between spaces: scenarios, `queue.again_*`; tests, `queue_test.name`.
    differs: str = ""  # Why it differs on purpose, where no scenario says so; empty: it does not.
    not_yet: str = ""  # What is missing; empty: nothing.


class Evidence:
    """What features are shown by: the scenarios, and the tests of the tree."""

    def __init__(self, scenarios: list[Scenario]):
        self._scenarios = {one.id: one for one in scenarios}

    def scenarios(self, shown: str) -> list[Scenario]:
        return [self._scenarios[found] for found in fnmatch.filter(self._scenarios, shown)]

    def verdict(self, feature: Feature) -> str:
        scenarios = [one for shown in feature.shown_by.split() for one in self.scenarios(shown)]
        missing = [feature.not_yet, *(one.not_yet for one in scenarios)]
        differing = [feature.differs, *(one.differs for one in scenarios)]
        for verdict, reasons in (("not yet", missing), ("different on purpose", differing)):
            told = "; ".join(dict.fromkeys(filter(None, reasons)))
            if told:
                return f"{verdict}: {told}"
        return "same"

    def complaints(self, feature: Feature) -> Iterator[str]:
        if bool(feature.shown_by) == bool(feature.not_yet):
            yield f"'{feature.title}' has what shows it, or what is missing, and not both"
        for shown in feature.shown_by.split():
            if not self.scenarios(shown) and not _is_test(shown):
                yield f"'{feature.title}': no scenario and no test is called {shown}"


def _is_test(shown: str) -> bool:
    file_name, _, name = shown.partition(".")
    files = itertools.chain(TREE.glob(f"tests/*/{file_name}.*"), TREE.glob(f"src/*/{file_name}.*"))
    definition = re.compile(DEFINITION.format(re.escape(name)))
    return any(definition.search(file.read_text()) for file in files)
