"""Pipeline sync, as docs/rules/sales.md states it. No database."""

from dataclasses import replace
from decimal import Decimal

import pytest

from sales import rules
from sales.rules import PipelineSync

CRM = rules.CrmCopy(is_won=True, amount=Decimal(100_000), is_owner_csm=True)
CONTRACT = rules.ContractAmount(contract_id="ctr_1", annual_value=Decimal(100_000))


@pytest.mark.parametrize(
    ("crm", "contract_id", "contract", "state"),
    [
        pytest.param(CRM, "ctr_1", CONTRACT, PipelineSync.CONFIRMED, id="all agree"),
        pytest.param(
            replace(CRM, amount=Decimal(101_000)),
            "ctr_1",
            CONTRACT,
            PipelineSync.CONFIRMED,
            id="1% over",
        ),
        pytest.param(
            replace(CRM, amount=Decimal(99_000)),
            "ctr_1",
            CONTRACT,
            PipelineSync.CONFIRMED,
            id="1% under",
        ),
        pytest.param(
            replace(CRM, amount=Decimal("101000.01")),
            "ctr_1",
            CONTRACT,
            PipelineSync.CONFLICT,
            id="a cent more than 1%",
        ),
        pytest.param(
            replace(CRM, amount=None), "ctr_1", CONTRACT, PipelineSync.CONFLICT, id="no CRM amount"
        ),
        pytest.param(
            replace(CRM, is_won=False), "ctr_1", CONTRACT, PipelineSync.CONFLICT, id="open in CRM"
        ),
        pytest.param(
            replace(CRM, is_owner_csm=False),
            "ctr_1",
            CONTRACT,
            PipelineSync.CONFLICT,
            id="still owned by sales",
        ),
        pytest.param(CRM, "ctr_2", CONTRACT, PipelineSync.CONFLICT, id="another contract runs"),
        pytest.param(CRM, "", CONTRACT, PipelineSync.PENDING, id="deal without contract"),
        pytest.param(CRM, "ctr_1", None, PipelineSync.PENDING, id="contract not in force"),
        pytest.param(
            replace(CRM, is_won=False), "", None, PipelineSync.PENDING, id="pending beats conflict"
        ),
        pytest.param(
            CRM,
            "ctr_1",
            replace(CONTRACT, annual_value=Decimal(0)),
            PipelineSync.CONFLICT,
            id="amount against a free contract",
        ),
        pytest.param(
            replace(CRM, amount=Decimal(0)),
            "ctr_1",
            replace(CONTRACT, annual_value=Decimal(0)),
            PipelineSync.CONFIRMED,
            id="both free",
        ),
    ],
)
def test_the_pipeline_is_in_sync_when_crm_and_contract_agree(
    crm: rules.CrmCopy, contract_id: str, contract: rules.ContractAmount | None, state: PipelineSync
) -> None:
    reading = rules.pipeline_sync(crm=crm, deal_contract_id=contract_id, current_contract=contract)

    assert reading.state is state
    assert bool(reading.reasons) is (state is not PipelineSync.CONFIRMED)


def test_the_amount_of_another_contract_is_not_compared() -> None:
    reading = rules.pipeline_sync(
        crm=CRM,
        deal_contract_id="ctr_2",
        current_contract=replace(CONTRACT, annual_value=Decimal(1)),
    )

    assert reading.difference_pct is None
    assert reading.reasons == ("The deal's contract is not the customer's current one.",)
