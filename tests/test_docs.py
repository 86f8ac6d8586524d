"""Prose that no test reads drifts: tables in docs/ are held against the code."""

import re
from importlib import import_module
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import get_commands

from cs_integrations.customers.health import HEALTH
from cs_integrations.parameters import describe

ROOT = Path(settings.BASE_DIR)
DOCS = ROOT / "docs"
DOMAINS = ("marketing", "sales", "product", "finance", "operations")
OURS = ("cs_integrations", "audit", *DOMAINS)


def table_rows(page: Path, *, columns: int) -> list[list[str]]:
    """Return the body rows of the page's tables that have this many columns."""
    rows = [
        [cell.strip().strip("`").replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        for line in page.read_text().splitlines()
        if line.startswith("|") and not re.match(r"^\|[-\s|:]+\|$", line)
    ]
    return [row for row in rows if len(row) == columns]


def documented_constants(domain: str) -> dict[str, tuple[str, str, str, str]]:
    rows = table_rows(DOCS / "rules" / f"{domain}.md", columns=5)
    return {name: tuple(rest) for name, *rest in rows if re.fullmatch(r"[a-z0-9_]+", name)}


@pytest.mark.parametrize("domain", [*DOMAINS, "customers"])
def test_each_constant_of_the_rules_is_documented_as_it_is(domain):
    parameters = HEALTH if domain == "customers" else import_module(f"{domain}.rules").PARAMETERS
    constants = {
        note.name: (str(note.default), note.unit, note.standing, note.source)
        for note in describe(parameters)
    }

    documented = documented_constants(domain)
    documented.pop("name", None)

    assert documented == constants


def required_packages() -> set[str]:
    lines = [
        line
        for name in ("requirements.txt", "requirements-dev.txt")
        for line in (ROOT / name).read_text().splitlines()
        if line and not line.startswith(("#", "--"))
    ]
    return {re.split(r"[\[=]", line)[0] for line in lines}


def test_each_dependency_has_its_reason():
    documented = {package for package, _ in table_rows(DOCS / "dependencies.md", columns=2)}

    assert documented - {"Package"} == required_packages()


def test_each_command_is_documented():
    ours = {name for name, app in get_commands().items() if app.startswith(OURS)}
    pages = [ROOT / "README.md", *DOCS.rglob("*.md")]
    written = {
        name for page in pages for name in re.findall(r"manage\.py ([a-z_]+)", page.read_text())
    }

    assert "settle_enrollments" in ours
    assert ours - written == set()


def test_links_inside_the_documentation_lead_somewhere():
    broken = [
        f"{page.name} -> {target}"
        for page in [ROOT / "README.md", *DOCS.rglob("*.md")]
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text())
        if not (page.parent / target).exists()
    ]

    assert broken == []


def test_each_variable_is_documented():
    read = set(
        re.findall(r'env\.\w+\(\s*"([A-Z_]+)"', (ROOT / "cs_integrations/settings.py").read_text())
    )
    documented = {row[0] for row in table_rows(DOCS / "operations.md", columns=3)}

    assert read - documented == set()
