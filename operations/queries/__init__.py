"""What operations reads.

* ``capacity``: accounts, staff and expected wins of a forecast period
* ``executions``: an execution and where it stands, escalations, what is due
* ``team``: how pressing a customer is, and who could take its execution
"""

from operations.queries.capacity import capacity_forecast
from operations.queries.executions import (
    active_executions,
    customers_of,
    due_executions,
    execution_outcome,
    execution_status,
    highest_open_escalations,
    known_executions,
    running_executions,
    stored_schedule,
    stored_segment,
)
from operations.queries.team import Situation, active_csms, candidates, situations

__all__ = (
    "Situation",
    "active_csms",
    "active_executions",
    "candidates",
    "capacity_forecast",
    "customers_of",
    "due_executions",
    "execution_outcome",
    "execution_status",
    "highest_open_escalations",
    "known_executions",
    "running_executions",
    "situations",
    "stored_schedule",
    "stored_segment",
)
