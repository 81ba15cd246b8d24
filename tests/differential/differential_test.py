# SPDX-License-Identifier: Apache-2.0
"""Every scenario, against both brokers: transcripts are the same, or differ as was said."""

import difflib

import pytest

from scenario import Scenario, load_all
from stage import Stage


def transcript(broker, scenario: Scenario) -> list[str]:
    stage = Stage(broker, scenario.id)
    try:
        scenario.play(stage)
    finally:
        stage.clean_up()
    return stage.lines


@pytest.mark.parametrize("scenario", load_all(), ids=lambda scenario: scenario.id)
def test_scenario(leveret, rabbitmq, scenario):
    ours = transcript(leveret, scenario)
    theirs = transcript(rabbitmq, scenario)

    assert theirs, "a scenario that writes nothing down says nothing"
    difference = "\n".join(difflib.unified_diff(theirs, ours, "rabbitmq", "leveret", lineterm=""))
    assert scenario.ours in "\n".join(ours), "it differs, and not as it should"
    if scenario.differs or scenario.not_yet:
        assert difference, "they are the same now: say so in the scenario"
    else:
        assert not difference, f"\n{difference}"
