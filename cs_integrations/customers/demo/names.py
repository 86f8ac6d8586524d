"""Public ids of the demo's objects that several domains speak of.

A customer's contract and deal carry its number, but for the specification's own examples:
``ctr_123`` and ``deal_123`` belong to other customers than ``cust_123``, so that no example's
answer hangs on another's facts.
"""

CONTRACT_SWAP = {"cust_123": "ctr_102", "cust_102": "ctr_123"}
DEAL_SWAP = {"cust_123": "deal_103", "cust_103": "deal_123"}


def contract_id(customer_id: str) -> str:
    """Return the public id of a demo customer's current contract."""
    return CONTRACT_SWAP.get(customer_id, customer_id.replace("cust_", "ctr_"))


def deal_id(customer_id: str) -> str:
    """Return the public id of the won deal behind a demo customer's current contract."""
    return DEAL_SWAP.get(customer_id, customer_id.replace("cust_", "deal_"))
