"""The admin: every model is there, every page opens, and what staff do is on record."""

from io import StringIO

import pytest
from django.apps import apps
from django.contrib import admin
from django.core.management import call_command
from django.urls import reverse

from audit.models import AuditRecord
from cs_integrations.clients.models import Application, User
from product.models import ProductTicket

OURS = (
    *("clients", "customers", "audit"),
    *("marketing", "sales", "product", "finance", "operations"),
)
PASSWORD = "invented-for-this-test"


@pytest.fixture
def staff(db):
    return User.objects.create_superuser("alice", password=PASSWORD)


def test_every_model_is_registered():
    models = {model for label in OURS for model in apps.get_app_config(label).get_models()}

    assert {model.__name__ for model in models if not admin.site.is_registered(model)} == set()


def test_every_list_search_and_form_opens(client, staff):
    call_command("seed", light=True, stdout=StringIO())
    client.force_login(staff)
    failed = []
    for model, model_admin in admin.site._registry.items():
        names = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        pages = [reverse(f"{names}_changelist")]
        if model_admin.search_fields:
            pages.append(f"{pages[0]}?q=cust_123")
        row = model._default_manager.order_by("pk").first()
        if row is not None:
            pages.append(reverse(f"{names}_change", args=[row.pk]))
        failed += [(page, found) for page in pages if (found := _status(client, page)) != 200]

    assert failed == []


def _status(client, page):
    return client.get(page).status_code


@pytest.mark.parametrize(
    ("page", "pasted"),
    [
        ("product/productticket", "PROD-{ticket}"),
        ("product/feedback", "PROD-{ticket}"),
        ("sales/handoffpackage", "cust_103"),
        ("sales/deal", "deal_123"),
        ("operations/workflowexecution", "{execution}"),
        ("operations/workflowexecution", "wf_123"),
        ("marketing/campaign", "camp_123"),
        ("marketing/triggerevent", "cust_123"),
        ("audit/auditrecord", "cust_123"),
        ("audit/auditrecord", "{request}"),
        ("clients/application", "{client}"),
    ],
)
def test_the_ids_people_paste_are_found(client, staff, api, page, pasted):
    call_command("seed", light=True, stdout=StringIO())
    trigger = {"health_score": 75, "milestones": ["adoption_complete"]}
    answer = api.send("/marketing/triggers/cust_123", trigger)
    run = api.send("/operations/execute/wf_123/cust_123", {"parameters": {}})
    ids = {
        "ticket": ProductTicket.objects.order_by("pk").first().pk,
        "execution": run.json()["execution_id"],
        "request": answer["X-Request-ID"],
        "client": Application.objects.get().client_id,
    }
    client.force_login(staff)

    found = client.get(f"/admin/{page}/", {"q": pasted.format(**ids)})

    assert found.context["cl"].result_count > 0


def test_a_record_names_the_member_of_staff(client, staff):
    client.force_login(staff)

    response = client.get("/admin/")

    record = AuditRecord.objects.get(pk=response["X-Request-ID"])
    assert (record.staff_user, record.decision, record.domain) == ("alice", "staff", "admin")


def test_a_sign_in_is_recorded_without_its_password(client, staff):
    response = client.post("/admin/login/", {"username": "alice", "password": PASSWORD})

    record = AuditRecord.objects.get(pk=response["X-Request-ID"])
    assert (record.status, record.method, record.path) == (302, "POST", "/admin/login/")
    assert record.request_bytes > 0


@pytest.mark.parametrize("model", ["auditrecord", "auditbody"])
def test_nobody_edits_the_trail(client, staff, model):
    client.force_login(staff)
    client.get("/admin/")
    key = AuditRecord.objects.order_by("-id").first().pk

    assert _status(client, f"/admin/audit/{model}/add/") == 403
    assert client.post(f"/admin/audit/auditrecord/{key}/delete/").status_code == 403
    assert client.post(f"/admin/audit/auditrecord/{key}/change/", {"status": 1}).status_code == 403
