"""Patterns of a tenant: how they are kept, and that reading them costs little."""

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError
from sqlalchemy import update

from citewell.engine.text.expressions import SeenText
from citewell.features.question_policies import service
from citewell.features.question_policies.schemas import Refused
from citewell.features.question_policies.service import RulesInForce
from citewell.models.tenancy import Tenant
from tests.features.agents.conftest import API, Desk
from tests.office import Office
from tests.timing import processor_seconds

TOLD = "That is told in room 12."


@pytest.fixture
def mill(desk: Desk) -> Office:
    return desk.office


async def in_force(office: Office) -> RulesInForce:
    return await office.run(service.in_force(office.server.platform, office.tenant_id))


async def set_rules(office: Office, **rules: Any) -> None:
    url = f"{API}/tenants/{office.tenant_id}/question-policy"
    reply = await office.service.patch(url, json=rules)
    assert reply.status_code == 200, reply.text


async def test_patterns_are_read_once_for_what_is_stored(desk: Desk, mill: Office) -> None:
    await set_rules(mill, refused=[{"pattern": "head miller", "message": TOLD}])
    before = await in_force(mill)
    await desk.sent("POST", "/collections", 201, {"name": "Notes"})
    after = await in_force(mill)
    assert after.stamp != before.stamp
    assert after.patterns is before.patterns
    await set_rules(mill, refused=[{"pattern": "head baker", "message": TOLD}])
    changed = (await in_force(mill)).patterns
    assert [pattern.is_in("the head baker") for pattern, _ in changed] == [True]


async def test_stored_pattern_that_cannot_be_read_any_more_is_left_out(mill: Office) -> None:
    stored = [
        {"kind": "expression", "pattern": r"\bmiller", "message": "No."},
        {"kind": "phrase", "pattern": "head miller", "message": TOLD},
    ]
    change = update(Tenant).where(Tenant.id == mill.tenant_id)
    values = {"question_policy": {"refused": stored}}
    await mill.within(lambda ctx: ctx.session.execute(change.values(**values)))
    asked = [
        await mill.service.post(f"{API}/search", json={"query": query})
        for query in ("Who is the miller?", "Who is the head miller?")
    ]
    assert [reply.status_code for reply in asked] == [200, 403]
    assert asked[1].json()["detail"] == TOLD
    url = f"{API}/tenants/{mill.tenant_id}/question-policy"
    assert (await mill.service.get(url)).json()["refused"] == stored


def rules(patterns: list[str], kind: str) -> list[dict[str, str]]:
    return [{"kind": kind, "pattern": pattern, "message": TOLD} for pattern in patterns]


def test_too_many_are_refused_before_all_are_read() -> None:
    read = TypeAdapter(Refused).validate_python
    large = rules(["a" * 500] * 100, "phrase")

    def refuse() -> None:
        with pytest.raises(ValidationError, match="the first 4 patterns together"):
            read(large)

    assert processor_seconds(refuse, rounds=1) < 0.5


def test_a_hundred_cost_a_question_next_to_nothing() -> None:
    written = [f"lương của giám đốc số {number}" for number in range(70)]
    written_too = [rf"\Wsalar(y|ies)\W.*number {number}\W" for number in range(30)]
    kept = rules(written, "phrase") + rules(written_too, "expression")
    patterns = [each.read() for each in TypeAdapter(Refused).validate_python(kept)]
    text = "Giám đốc hỏi: “the salary of number one hundred”? " * 80

    def ask() -> None:
        seen = SeenText.of(text)
        assert not any(pattern.is_in(seen) for pattern in patterns)

    assert processor_seconds(ask) < 0.1
