"""Verify a receipt of the audit trail with nothing but the standard library and `cryptography`.

    python verify_receipt.py receipt.json --public-key=KEY [--record line.json]

KEY is the base64 text that `manage.py audit_keys` prints behind the key's id, line.json one line
of an NDJSON export. Its `leaf` is what was sealed; `manage.py audit_verify --export` holds the
readable members against it. Without a line only a leaf hash is proved, not whose it is.
Exit code 0: the record was sealed as it is; 1: it was not; 2: the input cannot be read.
"""

import argparse
import base64
import json
import sys
from hashlib import sha256
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


def root_from_path(node, index, size, path):
    """Climb from a leaf to the root (RFC 9162, 2.1.3.2); None if the path does not fit."""
    last = size - 1
    for sibling in map(base64.b64decode, path):
        if last == 0:
            return None
        if index % 2 or index == last:
            node = sha256(b"\1" + sibling + node).digest()
            while index and not index % 2:
                index, last = index // 2, last // 2
        else:
            node = sha256(b"\1" + node + sibling).digest()
        index, last = index // 2, last // 2
    return node if last == 0 else None


def checks(receipt, key, line):
    """Yield what is checked, and whether it holds."""
    leaf_hash = base64.b64decode(receipt["leaf_hash"])
    if line is not None:
        leaf = base64.b64decode(line["leaf"])
        yield (
            "the leaf of the line is the one that was sealed",
            sha256(b"\0" + leaf).digest() == leaf_hash,
        )
        yield "the receipt names its id", leaf[10:26].hex() == receipt["record_id"].replace("-", "")
    text = receipt["checkpoint"]
    try:
        key.verify(base64.b64decode(receipt["signature"]), text.encode())
        yield "the checkpoint is signed with the public key", True
    except InvalidSignature:
        yield "the checkpoint is signed with the public key", False
    heading, *lines = text.splitlines()
    stated = dict(line.split(" ", 1) for line in lines)
    yield "the checkpoint is of version 1", heading == "cs-integrations audit checkpoint v1"
    size, index = int(stated["records"]), receipt["index"]
    root = root_from_path(leaf_hash, index, size, receipt["path"])
    is_inside = 0 <= index < size and root is not None and root.hex() == stated["root"]
    where = f"record {index + 1} of {size} in batch {stated['batch']}, sealed {stated['sealed']}"
    yield f"the path leads to the signed root: {where}", is_inside


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("receipt", type=Path)
    parser.add_argument("--public-key", required=True)
    parser.add_argument("--record", type=Path)
    given = parser.parse_args()
    try:
        key = Ed25519PublicKey.from_public_bytes(base64.urlsafe_b64decode(given.public_key))
        line = json.loads(given.record.read_text()) if given.record else None
        results = list(checks(json.loads(given.receipt.read_text()), key, line))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        sys.stderr.write(f"cannot be read: {error!r}\n")
        return 2
    for text, holds in results:
        print("yes" if holds else "NO ", text)
    return 0 if all(holds for _, holds in results) else 1


if __name__ == "__main__":
    sys.exit(main())
