"""The kinds of calls, what each sends, and how often it comes."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum
from random import Random
from urllib.parse import urlencode
from uuid import UUID

from django.conf import settings

from bench.soak.calls import Call, Effect, Turn
from bench.soak.portfolio import REFERENCE

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
SCORES = 4_000  # hundredths of a point from LOWEST_SCORE on: no rescue is started
LOWEST_SCORE = 60
RESCUED = 3  # customers whose scores go all the way down
ALL_SCORES = 10_000
STRIDE = 7_919  # prime to both numbers of scores, so that none comes twice
WRONG = "no-secret-of-anybody"
ONGOING = "wf_123"
ONGOING_CUSTOMERS = 4  # few: executions that wait for people hold running slots


class Kind(StrEnum):
    TRIGGER = "health trigger"
    PERFORMANCE = "campaign performance"
    HANDOFF = "handoff completion"
    EXPANSION = "expansion opportunity"
    ADOPTION = "adoption insights"
    FEEDBACK = "feedback submission"
    REALIZATION = "value realization"
    FORECAST = "forecast adjustment"
    EXECUTE = "workflow execution"
    CAPACITY = "capacity forecast"
    ONGOING = "workflow that is active"
    STATUS = "status resource"
    REPEAT = "same key again"
    REUSED_KEY = "key of another request"
    TOKEN = "token"  # noqa: S105 - the kind's name
    WRONG_TOKEN_CALL = "token refused"  # noqa: S105 - the kind's name
    NO_TOKEN = "no valid token"  # noqa: S105 - the kind's name
    SCOPE = "scope missing"
    UNKNOWN = "unknown object or path"
    METHOD = "wrong method"
    INVALID = "invalid member"
    TOO_LARGE = "body too large"
    MEDIA_TYPE = "wrong media type"
    CONFLICT = "state conflict"
    AUDIT = "audit record"
    LOGIN = "admin login"
    PROBE = "health probe"


@dataclass(frozen=True, slots=True)
class Place:
    """One call of the plan: its kind, and which of that kind it is, from 0."""

    kind: Kind
    serial: int


def plan(*, requests: int, seed: int) -> list[Place]:
    """Return the kinds of a run in their order; the same seed gives the same plan."""
    weights = [weight for weight, _ in KINDS.values()]
    random = Random(seed)  # noqa: S311 - no secret
    kinds = random.choices(list(KINDS), weights, k=requests)
    seen: Counter[Kind] = Counter()
    places = []
    for kind in kinds:
        places.append(Place(kind, seen[kind]))
        seen[kind] += 1
    return places


def call(kind: Kind, turn: Turn) -> Call:
    """Return the call that the kind makes of this turn."""
    _, build = KINDS[kind]
    return build(turn)


def _trigger(turn: Turn) -> Call:
    customers = turn.portfolio.customers
    round_, position = divmod(turn.serial, len(customers))
    if round_ >= SCORES:
        raise ValueError("There are more triggers than scores; two would be equal.")
    if position < RESCUED:
        hundredths = round_ * STRIDE % ALL_SCORES
    else:
        hundredths = LOWEST_SCORE * 100 + round_ * STRIDE % SCORES
    score, customer = Decimal(hundredths) / 100, customers[position]
    return turn.send(
        f"/marketing/triggers/{customer}",
        {"health_score": float(score), "milestones": ["adoption_complete"]},
        202,
        turn.write(Effect.TRIGGER, customer, score),
        turn.write(Effect.SIGNAL, customer, score),
    )


def _performance(turn: Turn) -> Call:
    return turn.read(f"/marketing/performance/{turn.random.choice(turn.portfolio.campaigns)}")


def _handoff(turn: Turn) -> Call:
    handoff = turn.portfolio.handoffs[turn.serial]
    target = Decimal(turn.serial % 100_000) / 10_000
    return turn.send(
        f"/sales/handoff/complete/{handoff.deal_id}",
        {"success_plan_id": handoff.plan_id, "baseline_kpis": {"nps_target": float(target)}},
        200,
        turn.write(Effect.HANDOFF, handoff.deal_id),
        turn.write(Effect.BASELINE, handoff.deal_id, target),
    )


def _expansion(turn: Turn) -> Call:
    return turn.read(f"/sales/expansion/{turn.random.choice(turn.portfolio.customers)}")


def _adoption(turn: Turn) -> Call:
    return turn.read(f"/product/adoption/{turn.random.choice(turn.portfolio.features)}")


def _feedback(turn: Turn) -> Call:
    return turn.send(
        "/product/feedback",
        {
            "customer_id": turn.random.choice(turn.portfolio.customers),
            "feature_id": turn.random.choice(turn.portfolio.features),
            "impact_score": turn.random.randint(1, 10),
            "evidence": turn.key,
        },
        201,
        turn.write(Effect.FEEDBACK),
    )


def _realization(turn: Turn) -> Call:
    return turn.read(f"/finance/realization/{turn.random.choice(turn.portfolio.contracts)}")


def _forecast(turn: Turn) -> Call:
    customer = turn.random.choice(turn.portfolio.customers)
    return turn.send(
        f"/finance/forecast/{customer}",
        {
            "renewal_probability": turn.random.randint(50, 95) / 100,
            "confidence_interval": [0.4, 0.98],
            "scenarios": {"expansion": f"${turn.random.randint(1, 90)}k"},
            "evidence": turn.key,
        },
        201,
        turn.write(Effect.FORECAST),
    )


def _execute(turn: Turn) -> Call:
    customer = turn.random.choice(turn.portfolio.customers)
    tier = turn.random.randint(1, 4)
    return turn.send(
        f"/operations/execute/{turn.portfolio.workflow}/{customer}",
        {"parameters": {"escalation_tier": tier, REFERENCE: turn.key}},
        202,
        turn.write(Effect.EXECUTION),
    )


def _capacity(turn: Turn) -> Call:
    days = turn.random.choice((30, 60, 90, 180))
    return turn.read(f"/operations/capacity/forecast?period=next_{days}d")


def _ongoing(turn: Turn) -> Call:
    customer = turn.portfolio.customers[-1 - turn.serial % ONGOING_CUSTOMERS]
    body = {"parameters": {"escalation_tier": 2}}
    return turn.send(f"/operations/execute/{ONGOING}/{customer}", body, 202)


def _status(turn: Turn) -> Call:
    portfolio, random = turn.portfolio, turn.random
    match turn.serial % 5:
        case 0:
            known = turn.ledger.named(random, "camp_") or random.choice(portfolio.campaigns)
            return turn.read(f"/marketing/campaigns/{known}")
        case 1:
            known = turn.ledger.named(random, "exec_") or random.choice(portfolio.executions)
            return turn.read(f"/operations/executions/{known}")
        case 2:
            known = turn.ledger.named(random, "PROD-") or random.choice(portfolio.tickets)
            return turn.read(f"/product/feedback/status/{known}")
        case 3:
            return turn.read(f"/sales/handoff/status/{random.choice(portfolio.customers)}")
        case _:  # 404 until the customer has a forecast
            return turn.read(f"/finance/forecast/{random.choice(portfolio.customers)}", 200, 404)


def _repeat(turn: Turn) -> Call:
    earlier = turn.ledger.begun(turn.random)
    return replace(earlier, writes=()) if earlier else _forecast(turn)


def _reused_key(turn: Turn) -> Call:
    earlier = turn.ledger.finished(turn.random)
    if earlier is None:
        return _forecast(turn)
    body = b" " + earlier.body  # the same to a reader of JSON, another request to the key
    return replace(earlier, body=body, writes=(), statuses=frozenset((422,)))


def _token(turn: Turn) -> Call:
    client = turn.portfolio.client
    return _token_call(200, client_id=client.client_id, client_secret=client.secret)


def _wrong_token_call(turn: Turn) -> Call:
    client = turn.portfolio.client
    match turn.serial % 3:
        case 0:
            return _token_call(401, client_id=client.client_id, client_secret=WRONG)
        case 1:
            return _token_call(
                400,
                client_id=client.client_id,
                client_secret=client.secret,
                grant_type="password",
            )
        case _:
            narrow = turn.portfolio.narrow
            return _token_call(
                400,
                client_id=narrow.client_id,
                client_secret=narrow.secret,
                scope="cs-finance.read",
            )


def _token_call(status: int, **form: str) -> Call:
    body = urlencode({"grant_type": "client_credentials", **form}).encode()
    return Call(
        method="POST",
        path="/auth/token",
        statuses=frozenset((status,)),
        body=body,
        headers=FORM,
    )


def _no_token(turn: Turn) -> Call:
    refused = turn.read(f"/sales/expansion/{turn.random.choice(turn.portfolio.customers)}", 401)
    headers = {"Authorization": f"Bearer {WRONG}"} if turn.serial % 2 else {}
    return replace(refused, headers=headers)


def _scope(turn: Turn) -> Call:
    bearer = {"Authorization": f"Bearer {turn.portfolio.narrow.token}"}
    made = _forecast(turn) if turn.serial % 2 else _expansion(turn)
    headers = {**made.headers, **bearer}
    return replace(made, headers=headers, statuses=frozenset((403,)), writes=())


def _unknown(turn: Turn) -> Call:
    paths = (
        "/marketing/performance/camp_0",
        "/sales/expansion/cust_0",
        "/product/feedback/status/PROD-0",
        f"/audit/{UUID(int=turn.serial)}",
        "/finance/adoption",  # no route, but of known words, so that the record holds it whole
    )
    if turn.serial % 2:
        return turn.read(paths[turn.serial // 2 % len(paths)], 404)
    made = _forecast(turn)
    path = f"{settings.API_BASE}/finance/forecast/cust_0"
    return replace(made, path=path, statuses=frozenset((404,)), writes=())


def _method(turn: Turn) -> Call:
    method = turn.random.choice(("PUT", "PATCH", "DELETE"))
    return replace(turn.read("/operations/capacity/forecast", 405), method=method)


def _invalid(turn: Turn) -> Call:
    path = f"/finance/forecast/{turn.random.choice(turn.portfolio.customers)}"
    body = {
        "renewal_probability": 0.5,
        "confidence_interval": [0.4, 0.6],
        "evidence": turn.key,
    }
    match turn.serial % 4:
        case 0:
            return turn.send(path, {**body, "renewal_probability": 1.5}, 400)
        case 1:
            return turn.send(path, {**body, "surprise": True}, 400)
        case 2:
            return turn.send(path, b'{"renewal_probability": ', 400)
        case _:
            return turn.read("/operations/capacity/forecast?horizon=far", 400)


def _too_large(turn: Turn) -> Call:
    body = b" " * (settings.MAX_BODY_BYTES + 1)
    return turn.send("/product/feedback", body, 413)


def _media_type(turn: Turn) -> Call:
    made = _forecast(turn)
    headers = {**made.headers, "Content-Type": "text/plain"}
    return replace(made, headers=headers, statuses=frozenset((415,)), writes=())


def _conflict(turn: Turn) -> Call:
    if turn.serial % 2:
        deal = turn.random.choice(turn.portfolio.open_deals)
        plan_id = turn.portfolio.handoffs[-1].plan_id
        body = {"success_plan_id": plan_id, "baseline_kpis": {"nps_target": 8.5}}
        return turn.send(f"/sales/handoff/complete/{deal}", body, 409)
    made = _forecast(turn)
    customer = turn.random.choice(turn.portfolio.churned)
    path = f"{settings.API_BASE}/finance/forecast/{customer}"
    return replace(made, path=path, statuses=frozenset((409,)), writes=())


def _audit(turn: Turn) -> Call:
    known = turn.ledger.record(turn.random)
    return turn.read(f"/audit/{known}") if known else _capacity(turn)


def _login(turn: Turn) -> Call:
    page = Call(method="GET", path="/admin/login/", statuses=frozenset((200,)))
    if turn.serial % 2:
        return page
    form = urlencode({"username": "nobody", "password": WRONG}).encode()
    return replace(page, method="POST", body=form, headers=FORM, statuses=frozenset((403,)))


def _probe(_: Turn) -> Call:
    return Call(method="GET", path="/healthz", statuses=frozenset((200,)), is_exempt=True)


KINDS: dict[Kind, tuple[int, Callable[[Turn], Call]]] = {
    Kind.TRIGGER: (8, _trigger),
    Kind.PERFORMANCE: (5, _performance),
    Kind.HANDOFF: (4, _handoff),
    Kind.EXPANSION: (4, _expansion),
    Kind.ADOPTION: (3, _adoption),
    Kind.FEEDBACK: (6, _feedback),
    Kind.REALIZATION: (5, _realization),
    Kind.FORECAST: (8, _forecast),
    Kind.EXECUTE: (7, _execute),
    Kind.CAPACITY: (4, _capacity),
    Kind.ONGOING: (2, _ongoing),
    Kind.STATUS: (9, _status),
    Kind.REPEAT: (7, _repeat),
    Kind.REUSED_KEY: (2, _reused_key),
    Kind.TOKEN: (2, _token),
    Kind.WRONG_TOKEN_CALL: (2, _wrong_token_call),
    Kind.NO_TOKEN: (3, _no_token),
    Kind.SCOPE: (3, _scope),
    Kind.UNKNOWN: (3, _unknown),
    Kind.METHOD: (2, _method),
    Kind.INVALID: (3, _invalid),
    Kind.TOO_LARGE: (1, _too_large),
    Kind.MEDIA_TYPE: (2, _media_type),
    Kind.CONFLICT: (2, _conflict),
    Kind.AUDIT: (5, _audit),
    Kind.LOGIN: (1, _login),
    Kind.PROBE: (1, _probe),
}
