# SPDX-License-Identifier: Apache-2.0
"""Features: how they are here, and what is wrong with those that name nothing, or nothing that is there."""

import pytest

from feature import Evidence, Feature
from scenario import Scenario


def scenario(name: str, **expected) -> Scenario:
    return Scenario("queue", name, name, lambda stage: None, **expected)


EVIDENCE = Evidence(
    [
        scenario("lives"),
        scenario("again_durable"),
        scenario("again_lazy", differs="lazy is nothing", ours="ok"),
        scenario("stream", not_yet="streams"),
    ]
)


@pytest.mark.parametrize(
    "feature, verdict",
    [
        (Feature("f", "queue.lives"), "same"),
        (Feature("f", "queue.lives feature_test.scenario"), "same"),
        (Feature("f", "queue.again_*"), "different on purpose: lazy is nothing"),
        (Feature("f", "queue.lives", differs="so it is"), "different on purpose: so it is"),
        (Feature("f", "queue.*"), "not yet: streams"),
        (Feature("f", not_yet="nobody made it"), "not yet: nobody made it"),
    ],
)
def test_a_feature_is_as_its_scenarios_are(feature, verdict):
    assert EVIDENCE.verdict(feature) == verdict
    assert not list(EVIDENCE.complaints(feature))


@pytest.mark.parametrize(
    "shown",
    [
        "frame_refusals_test.frame_type_4",
        "access_refusals_test.get_needs_read",
        "delivery_stories_test.stops_at_a_consumers_prefetch",
        "aftermath_test.a_closed_channel_can_be_opened_again",
        "pika_declare_test.test_deleting_what_is_not_there_is_fine",
    ],
)
def test_tests_are_found_where_they_are_defined(shown):
    assert not list(EVIDENCE.complaints(Feature("f", shown)))


@pytest.mark.parametrize(
    "feature, complaint",
    [
        (Feature("f"), "'f' has what shows it, or what is missing, and not both"),
        (
            Feature("f", "queue.lives", not_yet="nobody made it"),
            "'f' has what shows it, or what is missing, and not both",
        ),
        (Feature("f", "queue.dies"), "'f': no scenario and no test is called queue.dies"),
        (Feature("f", "queue.dies_*"), "'f': no scenario and no test is called queue.dies_*"),
        (Feature("f", "no_test.test_it"), "'f': no scenario and no test is called no_test.test_it"),
        # Mentioned there, not defined.
        (Feature("f", "feature_test.lives"), "'f': no scenario and no test is called feature_test.lives"),
    ],
)
def test_what_is_not_there_shows_nothing(feature, complaint):
    assert list(EVIDENCE.complaints(feature)) == [complaint]
