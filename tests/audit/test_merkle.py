"""The tree of RFC 6962: the RFC's own shape, published vectors, and what must hold for any list."""

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.proof import merkle

# The entries and roots of the Certificate Transparency reference implementation.
ENTRIES = [
    bytes.fromhex(entry)
    for entry in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
HASHES = [merkle.leaf_hash(entry) for entry in ENTRIES]

entries = st.lists(st.binary(max_size=40), min_size=1, max_size=70)


def as_the_rfc_says(hashes: list[bytes]) -> bytes:
    """RFC 6962, 2.1, word by word."""
    if len(hashes) == 1:
        return hashes[0]
    split = 1
    while split * 2 < len(hashes):
        split *= 2
    left, right = as_the_rfc_says(hashes[:split]), as_the_rfc_says(hashes[split:])
    return sha256(b"\x01" + left + right).digest()


class TestTheRoot:
    @pytest.mark.parametrize("size", range(1, 9))
    def test_is_the_published_one(self, size):
        assert merkle.root(HASHES[:size]).hex() == ROOTS[size - 1]

    def test_of_nothing_is_the_hash_of_nothing(self):
        assert merkle.root([]) == sha256(b"").digest()

    @given(entries)
    def test_is_the_one_that_the_rfc_defines(self, data):
        hashes = [merkle.leaf_hash(entry) for entry in data]

        assert merkle.root(hashes) == as_the_rfc_says(hashes) == merkle.levels(hashes)[-1][0]

    @given(st.lists(st.binary(max_size=8), min_size=2, max_size=40, unique=True), st.data())
    def test_changes_with_the_order(self, data, draw):
        first, second = draw.draw(
            st.lists(st.integers(0, len(data) - 1), min_size=2, max_size=2, unique=True)
        )
        hashes = [merkle.leaf_hash(entry) for entry in data]
        swapped = list(hashes)
        swapped[first], swapped[second] = swapped[second], swapped[first]

        assert merkle.root(swapped) != merkle.root(hashes)

    def test_of_a_node_s_own_text_is_not_the_node(self):
        left, right = HASHES[:2]

        assert merkle.leaf_hash(left + right) != merkle.root([left, right])


class TestAPath:
    @pytest.mark.parametrize(
        ("index", "size", "expected"),
        [
            (0, 1, []),
            (0, 8, [HASHES[1], merkle.root(HASHES[2:4]), merkle.root(HASHES[4:8])]),
            (5, 8, [HASHES[4], merkle.root(HASHES[6:8]), merkle.root(HASHES[0:4])]),
            (2, 3, [merkle.root(HASHES[0:2])]),
            (1, 5, [HASHES[0], merkle.root(HASHES[2:4]), HASHES[4]]),
            (4, 5, [merkle.root(HASHES[0:4])]),
        ],
    )
    def test_holds_the_other_half_at_each_step(self, index, size, expected):
        assert merkle.path(merkle.levels(HASHES[:size]), index) == expected

    @given(entries, st.data())
    def test_leads_from_its_leaf_to_the_root(self, data, draw):
        hashes = [merkle.leaf_hash(entry) for entry in data]
        index = draw.draw(st.integers(0, len(data) - 1))

        siblings = merkle.path(merkle.levels(hashes), index)

        found = merkle.root_from_path(hashes[index], index, len(data), siblings)
        assert found == merkle.root(hashes)

    @given(entries, st.data())
    def test_leads_elsewhere_from_another_leaf_place_or_path(self, data, draw):
        hashes = [merkle.leaf_hash(entry + bytes([place])) for place, entry in enumerate(data)]
        size, root = len(data), merkle.root(hashes)
        index = draw.draw(st.integers(0, size - 1))
        other = draw.draw(st.integers(-1, size).filter(lambda place: place != index))
        siblings = merkle.path(merkle.levels(hashes), index)

        assert merkle.root_from_path(sha256(b"x").digest(), index, size, siblings) != root
        assert merkle.root_from_path(hashes[index], other, size, siblings) != root
        assert merkle.root_from_path(hashes[index], index, size, [*siblings, root]) is None
        if siblings:
            assert merkle.root_from_path(hashes[index], index, size, siblings[:-1]) is None

    def test_of_the_largest_batch_has_thirteen_steps(self):
        hashes = [merkle.leaf_hash(number.to_bytes(4)) for number in range(8192)]

        assert len(merkle.path(merkle.levels(hashes), 5000)) == 13

    @pytest.mark.parametrize("index", [-1, 8])
    def test_is_not_there_for_a_leaf_that_is_not(self, index):
        with pytest.raises(IndexError):
            merkle.path(merkle.levels(HASHES), index)
