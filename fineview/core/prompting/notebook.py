"""The notebook's tree: texts that go on from each other, and none that is ever lost."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from fineview.core.prompting.choices import Node, NotebookChoice, SamplingConfig

MOST_NODES = 2_000
"""More would make a session slow to save; the oldest leaves beside the way to the text go then."""


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of a text that one node has brought.

    Attributes:
        start: Characters before it.
        end: Behind it.
        kind: As in `Node`.
    """

    start: int
    end: int
    kind: Literal["typed", "generated", "chosen"]


def way(nodes: Sequence[Node], place: int) -> tuple[int, ...]:
    """Return the places from the root to a node."""
    found = [place]
    while (parent := nodes[found[-1]].parent) >= 0:
        found.append(parent)
    return tuple(reversed(found))


def spans(nodes: Sequence[Node], place: int) -> tuple[Span, ...]:
    """Return which node has brought what of a node's whole text; empty ones are left out."""
    found: list[Span] = []
    for one in way(nodes, place):
        node = nodes[one]
        at = node.at if node.parent >= 0 else 0
        kept = [replace(span, end=min(span.end, at)) for span in found if span.start < at]
        found = [*kept, Span(at, at + len(node.text), node.kind)]
    return tuple(span for span in found if span.end > span.start)


def whole(nodes: Sequence[Node], place: int) -> str:
    """Return the whole text of a node, from the root on."""
    text = ""
    for one in way(nodes, place):
        node = nodes[one]
        text = text[: node.at] + node.text if node.parent >= 0 else node.text
    return text


def children(nodes: Sequence[Node], place: int) -> tuple[int, ...]:
    """Return the nodes that go on from one, the oldest first; −1 gives the roots."""
    return tuple(i for i, node in enumerate(nodes) if node.parent == place)


def typed(choice: NotebookChoice, text: str) -> dict[str, Any]:
    """Return what changes when a person has typed: the current text is now `text`.

    A typed end of the tree is changed in place; what was generated, and what others go on from,
    stays as it was, and the new text branches off where the two begin to differ.
    """
    nodes, here = choice.nodes, choice.current
    node = nodes[here]
    old = whole(nodes, here)
    if text == old:
        return {}
    common = _common(old, text)
    start = node.at if node.parent >= 0 else 0
    if node.kind == "typed" and not children(nodes, here) and common >= start:
        changed = (*nodes[:here], replace(node, text=text[start:]), *nodes[here + 1 :])
        return {"nodes": changed}
    parent = _owner(nodes, here, common)
    return _added(choice, Node(parent=parent, at=common, text=text[common:]))


def generated(
    choice: NotebookChoice, parent: int, text: str, sampling: SamplingConfig, model: str
) -> dict[str, Any]:
    """Return what changes when a model has gone on from a node with `text`."""
    at = len(whole(choice.nodes, parent))
    return _added(
        choice,
        Node(parent=parent, at=at, text=text, kind="generated", sampling=sampling, model=model),
    )


def chosen(choice: NotebookChoice, at: int, text: str) -> dict[str, Any]:
    """Return what changes when a person takes another token at a place of the current text.

    What stood there and behind it stays in the tree as the other branch.
    """
    parent = _owner(choice.nodes, choice.current, at)
    return _added(choice, Node(parent=parent, at=at, text=text, kind="chosen"))


def planted(choice: NotebookChoice, text: str) -> dict[str, Any]:
    """Return what changes when a new root is planted beside the others."""
    return _added(choice, Node(parent=-1, at=0, text=text))


def removed(choice: NotebookChoice, place: int) -> dict[str, Any]:
    """Return what changes when a node goes with all that goes on from it.

    The last root leaves an empty one behind.
    """
    nodes = choice.nodes
    gone = {place}
    for i, node in enumerate(nodes):  # children come after their parents
        if node.parent in gone:
            gone.add(i)
    parent = nodes[place].parent
    current = choice.current if choice.current not in gone else parent
    return _without(nodes, gone, current)


def _owner(nodes: Sequence[Node], place: int, at: int) -> int:
    """Return the node nearest to the root whose text reaches as far as `at`.

    What branches off there stands beside what went on from it, not under it.
    """
    while nodes[place].parent >= 0 and at <= nodes[place].at:
        place = nodes[place].parent
    return place


def _added(choice: NotebookChoice, node: Node) -> dict[str, Any]:
    nodes = (*choice.nodes, node)
    here = len(nodes) - 1
    if len(nodes) <= MOST_NODES:
        return {"nodes": nodes, "current": here}
    kept = set(way(nodes, here))
    parents = {one.parent for one in nodes}
    leaf = next(i for i in range(len(nodes)) if i not in parents and i not in kept)
    return _without(nodes, {leaf}, here)


def _without(nodes: Sequence[Node], gone: set[int], current: int) -> dict[str, Any]:
    """Return the tree without some nodes, whose children are among them."""
    places: dict[int, int] = {-1: -1}
    kept: list[Node] = []
    for i, node in enumerate(nodes):
        if i not in gone:
            places[i] = len(kept)
            kept.append(replace(node, parent=places[node.parent]))
    if not kept:
        return {"nodes": (Node(parent=-1, at=0, text=""),), "current": 0}
    return {"nodes": tuple(kept), "current": max(places[current], 0)}


def _common(one: str, other: str) -> int:
    """Return how many characters two texts begin with in common."""
    most = min(len(one), len(other))
    return next((i for i in range(most) if one[i] != other[i]), most)
