"""The service under mixed traffic while its workers are killed, and an account of every answer.

    python -m bench.soak --requests 100000 --callers 8 --seed 1

`portfolio` makes what the calls act on, `calls` the kinds of calls, `callers` sends them,
`running` runs the service and kills its workers, `checks` holds the trail and the domains'
tables against what was sent and what came back, `report` prints it.
"""
