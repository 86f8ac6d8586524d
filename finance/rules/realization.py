"""Value realization: delivery, unused entitlements and return of one contract, together.

Source: spec, Value Realization API; docs/rules/finance.md.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date

from finance.rules.contracts import ContractTerm, use_month
from finance.rules.delivery import CommitmentFact, DeliveryStanding, delivery_vs_commit
from finance.rules.parameters import PARAMETERS, FinanceParameters
from finance.rules.roi import CostFact, OutcomeFact, PolicyFact, RoiTrajectory, roi_trajectory
from finance.rules.utilization import UseFact, UtilizationGaps, utilization_gaps


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractFacts:
    """Everything that is known of one contract, up to the day it is looked at."""

    term: ContractTerm
    commitments: Collection[CommitmentFact] = ()
    uses: Collection[UseFact] = ()  # over ``use_month``
    outcomes: Collection[OutcomeFact] = ()
    costs: Collection[CostFact] = ()
    policies: Collection[PolicyFact] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueRealization:
    """What a contract has delivered, leaves unused and is heading for."""

    delivery: DeliveryStanding
    utilization: UtilizationGaps
    roi: RoiTrajectory

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why members are null, and what was capped or left out."""
        return (*self.delivery.reasons, *self.utilization.reasons, *self.roi.reasons)


def value_realization(
    *, facts: ContractFacts, as_of: date, parameters: FinanceParameters = PARAMETERS
) -> ValueRealization:
    """Return delivery, utilization gaps and return of a contract on a day.

    While nothing is due the customer is still getting under way, and no gap is named.
    """
    delivery = delivery_vs_commit(
        term=facts.term, commitments=facts.commitments, as_of=as_of, parameters=parameters
    )
    return ValueRealization(
        delivery=delivery,
        utilization=_utilization(facts, delivery, as_of, parameters),
        roi=roi_trajectory(
            term=facts.term,
            outcomes=facts.outcomes,
            costs=facts.costs,
            policies=facts.policies,
            as_of=as_of,
            parameters=parameters,
        ),
    )


def _utilization(
    facts: ContractFacts, delivery: DeliveryStanding, as_of: date, parameters: FinanceParameters
) -> UtilizationGaps:
    if delivery.percentage is None:
        return UtilizationGaps(reasons=("No gap is named while nothing is due.",))
    if use_month(term=facts.term, as_of=as_of) is None:
        return UtilizationGaps(reasons=("The contract has not run for a full month yet.",))
    return utilization_gaps(uses=facts.uses, parameters=parameters)
