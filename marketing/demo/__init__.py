"""The marketing demo facts: twelve campaigns, who was enrolled, what they did and earned.

The finished campaigns ran before the portfolio's daily health begins, so that no score
measured after one contradicts a snapshot. docs/rules/marketing.md, "The demo", says how the
example answers come about.
"""

from cs_integrations.customers.demo import Portfolio
from marketing.demo import earnings, enrollments
from marketing.demo.draft import new_draft
from marketing.demo.plan import NAMED_RUN, NAMED_SALES, OTHER_RUNS
from marketing.models import Campaign, CampaignEnrollment

__all__ = ("build",)


def build(*, portfolio: Portfolio) -> str:
    """Write campaigns, enrollments, mails, engagement, touchpoints and revenue."""
    draft = new_draft(portfolio)
    levels = enrollments.earlier_levels(draft)
    named = enrollments.named_participants(draft)
    sellers = named[: len(NAMED_SALES)]
    enrollments.write_run(draft, NAMED_RUN, named, levels)
    earnings.add_named_sales(draft, sellers)
    for run in OTHER_RUNS:
        others = [
            account for account in enrollments.customers_at(draft, run) if account not in sellers
        ]
        earnings.add_sales(draft, run, enrollments.write_run(draft, run, others, levels))
    earnings.refund_one(draft)
    enrollments.write_winback(draft)
    earnings.add_renewals(draft, sellers)
    draft.write()
    return (
        f"{Campaign.objects.count()} campaigns, {CampaignEnrollment.objects.count()} enrollments,"
        f" {len(draft.mails)} mails, {len(draft.revenues)} revenue events"
    )
