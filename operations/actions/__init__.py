"""What operations writes.

* ``requests``: begin a workflow, repeat or escalate the active one
* ``upkeep``: finish a step, cancel, and what falls due with time
* ``progress``: tier, CSM, steps and status of an execution
* ``automation``: what each automated step does
* ``escalations``: open and resolve
"""

from operations.actions.automation import ACTIONS
from operations.actions.requests import execute_workflow, start_workflow
from operations.actions.upkeep import (
    advance_execution,
    cancel_execution,
    finish_step,
    note_breaches,
)

__all__ = (
    "ACTIONS",
    "advance_execution",
    "cancel_execution",
    "execute_workflow",
    "finish_step",
    "note_breaches",
    "start_workflow",
)
