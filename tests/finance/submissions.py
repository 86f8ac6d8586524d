"""The specification's forecast adjustment, and changes of it."""

PATH = "/finance/forecast/cust_123"
BODY = {
    "renewal_probability": 0.94,
    "confidence_interval": [0.88, 0.97],
    "scenarios": {"expansion": "$75k"},
}


def body(**changes):
    return {name: value for name, value in (BODY | changes).items() if value is not None}
