"""A question's scope holds the permissions of its figures alone: who may see the same there shares its answer."""

from __future__ import annotations

import datetime as dt

import pytest

from api.identity.principal import SignedIn
from api.identity.scope import scope_of
from dashboards.figures import Question, reach_of
from dashboards.reader import question_scope
from warehouse.catalogue import catalogue
from warehouse.scope import NotAllowed, Scope

SALES = Question(("net_sales",))


def viewer(role: str, *stores: str) -> SignedIn:
    until = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    return SignedIn(1, "asha", frozenset({role}), 1, until, store_codes=frozenset(stores))


def reach(user: SignedIn, question: Question = SALES, permission: str = "report:stock") -> Scope:
    return reach_of(scope_of(user, permission), question)


def test_the_same_stores_and_costs_are_one_scope_whatever_the_role() -> None:
    assert reach(viewer("buyer")) == reach(viewer("admin"), permission="report:sales")


def test_other_stores_or_hidden_costs_are_another_scope() -> None:
    one, other = reach(viewer("manager", "S01")), reach(viewer("manager", "S02"))
    assert len({one, other, reach(viewer("buyer"))}) == 3
    held = (("report:sales", None),)
    assert Scope(None, True, held).only({"report:sales"}) != Scope(None, False, held).only({"report:sales"})


@pytest.mark.parametrize("role", ["superadmin", "admin", "buyer", "accountant", "analyst", "manager", "staff"])
def test_each_figure_reaches_as_far_as_before(role: str) -> None:
    """Also those of formulas and targets: what is refused is refused, what is told is told of the same stores."""
    whole = question_scope(scope_of(viewer(role, "S01"), "report:sales"))
    for metric in catalogue().values():
        narrow = reach(viewer(role, "S01"), Question((metric.name,), beside="target"))
        needed = {metric.name, *metric.parts, *([metric.target] if metric.target else [])}
        for permission in {each for name in needed for each in catalogue()[name].permissions}:
            assert _of(narrow, permission) == _of(whole, permission), metric.name


def test_nothing_is_told_where_no_permission_is_asked_for() -> None:
    """What would read the stores without saying for which permission finds none."""
    narrow = reach(viewer("admin"))
    assert narrow.stores == frozenset()
    with pytest.raises(NotAllowed):
        narrow.of("report:stock")


def _of(scope: Scope, permission: str) -> tuple[object, ...] | None:
    try:
        found = scope.of(permission)
    except NotAllowed:
        return None
    return found.stores, found.can_see_cost, found.person
