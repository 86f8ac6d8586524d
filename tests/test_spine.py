import pytest
from tests.clients import HubClient, issue_token, record_of

def test_token(client, db):
    t = issue_token(["cs-audit.read"])
    c = HubClient(token=t.raw)
    r = c.read("/audit/x")
    print(r.status_code, r.content, dict(r.headers))
    rec = record_of(r)
    print(rec.__dict__)
    r2 = c.read("/audit/"+r["X-Request-ID"])
    print(r2.json())
    with pytest.raises(Exception):
        from django.db import connection
        connection.cursor().execute("delete from audit_record")
    assert 0
