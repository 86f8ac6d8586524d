"""Varied traffic on the demo portfolio: each operation, refusals, repeats, and what was made."""

from typing import Any

from cs_integrations.clients.scopes import SCOPES
from examples import tour
from tests.clients import HubClient, issue_token

GENEROUS = dict.fromkeys(("marketing", "sales", "product", "finance", "operations"), 1000)
CALLS = {call["name"]: call for call in tour.CALLS["calls"]}
TRIGGER, FEEDBACK, FORECAST = (
    CALLS[name]["body"] for name in ("health trigger", "feedback submission", "forecast adjustment")
)


def caller(*scopes: str) -> HubClient:
    """Return a client with these scopes, or all, and limits that no test reaches."""
    return HubClient(token=issue_token(scopes or tuple(SCOPES), rate_limits=GENEROUS).raw)


def taken(everything: HubClient, stranger: HubClient) -> list[Any]:
    """Make all the requests; return their answers in the order of arrival.

    ``stranger`` may read what sales offers and nothing else.
    """
    return [
        *specified(everything),
        *refused(everything, stranger),
        *repeated(everything),
        *read_back(everything),
    ]


def specified(client: HubClient) -> list[Any]:
    """Make the ten specified calls, the second time with their explanations."""
    return [
        *(_made(client, call) for call in tour.CALLS["calls"]),
        *(
            client.read(call["path"] + ("&" if "?" in call["path"] else "?") + "explain=true")
            for call in tour.CALLS["calls"]
            if call["method"] == "GET"
        ),
    ]


def refused(client: HubClient, stranger: HubClient) -> list[Any]:
    """Break the rules: unknown, malformed, forbidden, in conflict."""
    return [
        client.read("/sales/expansion/cust_nobody"),
        client.read("/product/adoption/feat_nobody?explain=true"),
        client.read("/finance/realization/ctr_123?color=red"),
        client.read("/operations/capacity/forecast?period=someday"),
        client.send("/marketing/triggers/cust_123", {**TRIGGER, "health_score": 400}),
        client.send("/product/feedback", {**FEEDBACK, "feature_id": "feat_nobody"}),
        client.send("/finance/forecast/cust_123", b'{"renewal_probability": '),
        client.send("/sales/handoff/complete/deal_123", {"success_plan_id": "sp_nobody"}),
        stranger.read("/finance/realization/ctr_123"),
        stranger.send("/finance/forecast/cust_123", FORECAST),
    ]


def repeated(client: HubClient) -> list[Any]:
    """Repeat with and without a key, and use a key for something else."""
    path, key = "/finance/forecast/cust_789", {"Idempotency-Key": "forecast-1"}
    other = {**FORECAST, "renewal_probability": 0.9}
    return [
        client.send(path, FORECAST, **key),
        client.send(path, FORECAST, **key),
        client.send(path, other, **key),
        client.send(path, FORECAST),
        client.send("/marketing/triggers/cust_123", TRIGGER),
        client.send("/product/feedback", FEEDBACK),
    ]


def read_back(client: HubClient) -> list[Any]:
    """Make a thing in each domain and read it under the id that it got."""
    trigger = client.send("/marketing/triggers/cust_789", TRIGGER)
    feedback = client.send("/product/feedback", {**FEEDBACK, "customer_id": "cust_123"})
    execution = client.send("/operations/execute/wf_123/cust_789", {"parameters": {}})
    made = [
        f"/marketing/campaigns/{trigger.json()['campaign_id']}",
        f"/product/feedback/status/{feedback.json()['ticket_id']}",
        f"/operations/executions/{execution.json()['execution_id']}",
        "/finance/forecast/cust_789",
        "/sales/handoff/status/cust_456",
    ]
    return [trigger, feedback, execution, *(client.read(path) for path in made)]


def _made(client: HubClient, call: dict[str, Any]) -> Any:
    is_read = call["method"] == "GET"
    return client.read(call["path"]) if is_read else client.send(call["path"], call["body"])
