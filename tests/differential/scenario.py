# SPDX-License-Identifier: Apache-2.0
"""What a scenario is, and the list of all of them."""

import dataclasses
import importlib
import pkgutil
from collections.abc import Callable


@dataclasses.dataclass(frozen=True)
class Scenario:
    """One story, told to both brokers."""

    subject: str  # The file's noun: "queue", "dead_letter".
    name: str
    title: str  # A sentence for the page.
    play: Callable
    differs: str = ""  # Why the transcripts differ on purpose; empty: they do not.
    not_yet: str = ""  # What is missing; empty: nothing.
    ours: str = ""  # Where they differ on purpose: what must stand in Leveret's transcript.

    @property
    def id(self) -> str:
        return f"{self.subject}.{self.name}"


_all: dict[str, Scenario] = {}


def add(subject: str, name: str, title: str, play: Callable, **expected) -> None:
    made = Scenario(subject, name, title, play, **expected)
    if bool(made.differs) != bool(made.ours):
        raise ValueError(f"{made.id}: a difference on purpose says what Leveret answers")
    if made.id in _all:
        raise ValueError(f"two scenarios are called {made.id}")
    _all[made.id] = made


def scenario(title: str, **expected):
    """Makes a function a scenario of the file that it is in."""

    def register(play):
        add(play.__module__.rpartition(".")[2], play.__name__, title, play, **expected)
        return play

    return register


def load_all() -> list[Scenario]:
    """In the order of subjects and of their files."""
    import scenarios  # pylint: disable=import-outside-toplevel

    for module in sorted(info.name for info in pkgutil.iter_modules(scenarios.__path__)):
        importlib.import_module(f"scenarios.{module}")
    return list(_all.values())
