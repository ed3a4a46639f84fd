"""Which sessions a topic goes to: a tree of filter levels, so that a message costs its depth and not the number of filters."""

from typing import Final

_NO_TARGETS: Final[dict[str, int]] = {}


class _Level:
    __slots__ = ("children", "targets")

    def __init__(self) -> None:
        self.children: dict[str, _Level] = {}
        self.targets: dict[str, int] = {}


class SubscriptionTree:
    """All subscriptions of all sessions: filter levels → {session key: granted QoS}."""

    def __init__(self) -> None:
        self._root = _Level()

    def add(self, topic_filter: str, session: str, qos: int) -> None:
        """Subscribe a session, or change its granted QoS."""
        level = self._root
        for name in topic_filter.split("/"):
            level = level.children.setdefault(name, _Level())
        level.targets[session] = qos

    def remove(self, topic_filter: str, session: str) -> None:
        """End a subscription, if there is one, and drop the levels that nobody needs any more."""
        path: list[tuple[_Level, str]] = []
        level = self._root
        for name in topic_filter.split("/"):
            below = level.children.get(name)
            if below is None:
                return
            path.append((level, name))
            level = below
        level.targets.pop(session, None)
        for above, name in reversed(path):
            if above.children[name].children or above.children[name].targets:
                return
            del above.children[name]

    def targets(self, topic: str) -> dict[str, int]:
        """The sessions that get a topic, each once, with the highest QoS among its matching filters."""
        found: dict[str, int] = {}
        levels = [self._root]
        for depth, name in enumerate(topic.split("/")):
            following: list[_Level] = []
            wild = depth > 0 or not name.startswith("$")  # filters that begin with a wildcard do not match `$…`
            for level in levels:
                children = level.children
                if (exact := children.get(name)) is not None:
                    following.append(exact)
                if wild:
                    if (single := children.get("+")) is not None:
                        following.append(single)
                    if (rest := children.get("#")) is not None:
                        _merge(found, rest.targets)
            levels = following
            if not levels:
                return found
        for level in levels:
            _merge(found, level.targets)
            rest = level.children.get("#")  # `a/#` matches `a` as well
            _merge(found, rest.targets if rest is not None else _NO_TARGETS)
        return found


def matches(topic_filter: str, topic: str) -> bool:
    """Whether one filter matches one topic."""
    tree = SubscriptionTree()
    tree.add(topic_filter, "", 0)
    return bool(tree.targets(topic))


def _merge(found: dict[str, int], more: dict[str, int]) -> None:
    for session, qos in more.items():
        if found.get(session, -1) < qos:
            found[session] = qos
