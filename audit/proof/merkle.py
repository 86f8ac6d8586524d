"""The Merkle tree of RFC 6962, section 2.1: a hash tree whose root stands for a list of entries.

Leaves and inner nodes are hashed with different first bytes, so that nobody can pass a node off
as an entry. Everything here works on leaf hashes of 32 bytes.
"""

from collections.abc import Sequence
from hashlib import sha256

HASH_BYTES = 32
LEAF_PREFIX = b"\x00"
NODE_PREFIX = b"\x01"
EMPTY_ROOT = sha256(b"").digest()


def leaf_hash(data: bytes) -> bytes:
    """Return the hash of one entry."""
    return sha256(LEAF_PREFIX + data).digest()


def levels(hashes: Sequence[bytes]) -> list[Sequence[bytes]]:
    """Return the tree from its leaf hashes (first) up to the level that holds only the root."""
    tree = [hashes]
    while len(tree[-1]) > 1:
        tree.append(_parents(tree[-1]))
    return tree


def root(hashes: Sequence[bytes]) -> bytes:
    """Return the root over the leaf hashes, in their order."""
    if not hashes:
        return EMPTY_ROOT
    level = hashes
    while len(level) > 1:
        level = _parents(level)
    return level[0]


def path(tree: Sequence[Sequence[bytes]], index: int) -> list[bytes]:
    """Return the hashes that lead from a leaf to the root, lowest first.

    ``tree`` is what :func:`levels` gave; ``index`` counts the leaves from 0.

    :raises IndexError: there is no such leaf
    """
    if not 0 <= index < len(tree[0]):
        raise IndexError(index)
    siblings = []
    for level in tree[:-1]:
        if index ^ 1 < len(level):  # the last node of an odd level goes up as it is
            siblings.append(level[index ^ 1])
        index >>= 1
    return siblings


def root_from_path(hashed: bytes, index: int, size: int, siblings: Sequence[bytes]) -> bytes | None:
    """Return the root that a path from a leaf hash leads to, in a tree of ``size`` leaves.

    None if no such tree has a path of this length at this place (RFC 9162, 2.1.3.2).
    """
    if not 0 <= index < size:
        return None
    last, node = size - 1, hashed
    for sibling in siblings:
        if last == 0:
            return None
        if index & 1 or index == last:
            node = sha256(NODE_PREFIX + sibling + node).digest()
            while not index & 1 and index:
                index, last = index >> 1, last >> 1
        else:
            node = sha256(NODE_PREFIX + node + sibling).digest()
        index, last = index >> 1, last >> 1
    return node if last == 0 else None


def _parents(level: Sequence[bytes]) -> list[bytes]:
    nodes = iter(level)
    above = [
        sha256(NODE_PREFIX + left + right).digest()
        for left, right in zip(nodes, nodes, strict=False)
    ]
    if len(level) % 2:
        above.append(level[-1])
    return above
