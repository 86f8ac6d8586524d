"""A call that begins an execution, and the execution it began."""

from operations.models import WorkflowExecution

PATH = "/operations/execute/wf_123/cust_123"
TIER_2 = {"parameters": {"escalation_tier": 2}}


def executed():
    return WorkflowExecution.objects.get()


def at_tier(tier):
    return {"parameters": {"escalation_tier": tier}}
