"""The subscription tree, against the definition of matching."""

from hypothesis import given
from hypothesis import strategies as st

from broker.routing import SubscriptionTree, matches

NAMES = st.sampled_from(["a", "b", "$s", ""])
TOPICS = st.lists(NAMES, min_size=1, max_size=4).map("/".join)
FILTERS = st.builds(
    lambda levels, rest: "/".join([*levels, *rest]),
    st.lists(st.sampled_from(["a", "b", "$s", "", "+"]), min_size=1, max_size=4),
    st.sampled_from([[], ["#"]]),
) | st.just("#")


def _defined(topic_filter: str, topic: str) -> bool:
    """MQTT 3.1.1, 4.7, word by word."""
    wanted, given_levels = topic_filter.split("/"), topic.split("/")
    if topic.startswith("$") and wanted[0] in {"+", "#"}:
        return False
    for number, level in enumerate(wanted):
        if level == "#":
            return True
        if number >= len(given_levels) or level not in {"+", given_levels[number]}:
            return False
    return len(wanted) == len(given_levels)


@given(FILTERS, TOPICS)
def test_a_filter_matches_as_mqtt_defines(topic_filter: str, topic: str):
    assert matches(topic_filter, topic) == _defined(topic_filter, topic)


@given(st.lists(st.tuples(FILTERS, st.sampled_from("xyz"), st.integers(0, 1)), max_size=12), TOPICS)
def test_each_session_gets_a_topic_once_at_its_highest_qos(subscriptions: list[tuple[str, str, int]], topic: str):
    tree, granted = SubscriptionTree(), dict[tuple[str, str], int]()
    for topic_filter, session, qos in subscriptions:
        tree.add(topic_filter, session, qos)
        granted[topic_filter, session] = qos

    expected = dict[str, int]()
    for (topic_filter, session), qos in granted.items():
        if _defined(topic_filter, topic):
            expected[session] = max(qos, expected.get(session, 0))

    assert tree.targets(topic) == expected


@given(st.lists(FILTERS, max_size=8))
def test_removing_every_subscription_leaves_an_empty_tree(filters: list[str]):
    tree = SubscriptionTree()
    for topic_filter in filters:
        tree.add(topic_filter, "x", 1)
    for topic_filter in filters:
        tree.remove(topic_filter, "x")
        tree.remove(topic_filter, "never there")

    assert not tree._root.children
