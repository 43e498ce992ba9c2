"""The chain's settings: which there are, within which bounds, and changing them; and the discount caps of roles.

A setting without a row has its default. What a service does by a setting, it asks here.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, Literal

from api.refusals import Fault, Invalid, NotFound
from api.services.action import Action, Row
from api.services.setting_lists import AMOUNTS, DAYS, read_amounts, read_days

Kind = Literal["whole", "amount", "share", "switch", "amounts", "days"]


@dataclass(frozen=True)
class Setting:
    """What a value of the setting must be: a whole number, an amount, a share or a switch, within bounds; or a list."""

    kind: Kind
    default: Any
    says: str
    lowest: int = 0
    highest: int = 1


LARGEST_AMOUNT = 1_000_000_000
LISTS = {"amounts": read_amounts, "days": read_days}
SETTINGS: Mapping[str, Setting] = {
    "adjustment_approval_limit_units": Setting(
        "whole", 5, "An adjustment of more units needs a second person", 0, 1_000_000
    ),
    "adjustment_approval_limit_amount": Setting(
        "amount", 5000, "An adjustment worth more, at cost, needs a second person", 0, LARGEST_AMOUNT
    ),
    "suggestion_approval_limit": Setting(
        "amount", 25000, "A store manager approves suggestions of one draft order up to this amount", 0, LARGEST_AMOUNT
    ),
    "purchase_approval_limit": Setting(
        "amount", 50000, "A buyer approves purchase orders up to this amount", 0, LARGEST_AMOUNT
    ),
    "expense_approval_limit": Setting(
        "amount", 5000, "A store manager approves expenses up to this amount", 0, LARGEST_AMOUNT
    ),
    "receipt_over_share": Setting("share", 0, "How much more than ordered is taken in without asking"),
    "invoice_tolerance_share": Setting("share", 0.01, "How far an invoice may be off the goods received"),
    "invoice_tolerance_amount": Setting(
        "amount", 1, "How far an invoice may be off the goods received, in money", 0, LARGEST_AMOUNT
    ),
    "transfer_needs_approval": Setting("switch", True, "A transfer between stores is approved before it is picked"),
    "transfer_days_to_receive": Setting("whole", 7, "Days after which goods in transit are overdue", 1, 365),
    "suggestion_days_to_decide": Setting("whole", 7, "Days after which a suggestion nobody decided expires", 1, 365),
    "alerts_per_store_day": Setting(
        "whole", 10, "Alerts that a store is shown of one day; the others are counted", 1, 1000
    ),
    "prescription_valid_days": Setting("whole", 730, "Days for which a new prescription is valid", 1, 3650),
    "customer_retention_years": Setting(
        "whole", 8, "Years without any activity after which a customer is erased", 1, 100
    ),
    "non_adapt_days": Setting(
        "whole", 45, "Days after delivery in which a wearer may say that a pair does not suit", 0, 365
    ),
    "order_budget_amount": Setting(
        "amount", LARGEST_AMOUNT, "The orders that one run suggests cost no more than this together", 0, LARGEST_AMOUNT
    ),
    "transfer_days": Setting(
        "whole",
        0,
        "Days a transfer takes; 0 is what earlier ones took, and none is suggested where there were none",
        0,
        60,
    ),
    "transfer_unit_cost_amount": Setting("amount", 20, "What moving one unit between stores costs", 0, LARGEST_AMOUNT),
    "transfer_least_worth_amount": Setting(
        "amount", 200, "What all that goes from one store to another must earn for a transfer", 0, LARGEST_AMOUNT
    ),
    **{
        f"service_level_{kind}": Setting("share", 0, f"Service level of kind {kind}; 0 lets costs decide")
        for kind in ("frame", "sunglass", "lens", "contact_lens", "solution", "accessory", "other")
    },
    "fiscal_year_first_month": Setting("whole", 4, "The month a fiscal year begins with", 1, 12),
    "vip_amount": Setting(
        "amount", 100000, "Customers who spent as much in three orders or more are VIPs", 0, LARGEST_AMOUNT
    ),
    "price_bands": Setting("amounts", None, "Lower bounds of the price bands of orders; null is the usual eleven"),
    "festivals": Setting("days", None, "Festivals around which trade rises; null is those of the chain's country"),
}
ROW = "SELECT key, value, description, updated_at FROM chain_settings"
LOCK = "SELECT 1 FROM chain_settings WHERE key = %(key)s FOR UPDATE"
WRITE = """
    INSERT INTO chain_settings (key, value, description, updated_by)
    VALUES (%(key)s, %(value)s::jsonb, %(says)s, %(user_id)s)
    ON CONFLICT (key) DO UPDATE SET value = excluded.value, updated_by = excluded.updated_by"""
CAP = "SELECT discount_cap_id, role, discount_class, cap_share, updated_at FROM discount_caps"
LOCK_CAP = "SELECT 1 FROM discount_caps WHERE discount_cap_id = %(key)s FOR UPDATE"


async def setting(action: Action, key: str) -> Any:
    """A setting's value: an int, a Decimal (amounts and shares) or a bool."""
    known = SETTINGS[key]
    row = await action.row(f"{ROW} WHERE key = %(key)s", key=key)
    value = known.default if row is None else row["value"]
    return Decimal(str(value)) if known.kind in ("amount", "share") else value


async def list_settings(action: Action) -> Row:
    """Every setting by key."""
    rows = {row["key"]: row for row in await action.rows(ROW)}
    return {"items": [_shown(key, rows.get(key)) for key in sorted(SETTINGS)]}


async def show_setting(action: Action, key: str) -> Row:
    """One setting with its bounds. Raises NotFound."""
    if key not in SETTINGS:
        raise NotFound("unknown-setting", f"There is no setting {key}; there are: {', '.join(sorted(SETTINGS))}.")
    return _shown(key, await action.row(f"{ROW} WHERE key = %(key)s", key=key))


async def change_setting(action: Action, key: str, value: Any) -> Row:
    """Give a setting another value. Raises NotFound, Invalid for a value of the wrong kind or out of bounds."""
    before = await show_setting(action, key)
    checked = check_value(key, value)
    await action.execute(
        WRITE, key=key, value=json.dumps(checked), says=SETTINGS[key].says, user_id=action.user.user_id
    )
    action.note(
        "setting.changed", "setting", key, before={"value": before["value"]}, after={"key": key, "value": checked}
    )
    return await show_setting(action, key)


def check_value(key: str, value: Any) -> Any:
    """The value as it is kept. Raises Invalid that says what the setting takes.

    >>> check_value("receipt_over_share", "0.05")
    0.05
    """
    known = SETTINGS[key]
    if known.kind in LISTS:
        try:
            return LISTS[known.kind](value)
        except ValueError:
            raise _invalid(key, AMOUNTS if known.kind == "amounts" else DAYS) from None
    if known.kind == "switch":
        if isinstance(value, bool):
            return value
        raise _invalid(key, "is true or false")
    rule = f"is a {'whole number' if known.kind == 'whole' else 'number'} from {known.lowest} to {known.highest}"
    if isinstance(value, bool) or not isinstance(value, int | float | str) or len(str(value)) > 30:
        raise _invalid(key, rule)
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        raise _invalid(key, rule) from None
    if not number.is_finite() or not known.lowest <= number <= known.highest:
        raise _invalid(key, rule)
    places = {"whole": 0, "amount": 2, "share": 4}[known.kind]
    if number != round(number, places):
        raise _invalid(key, f"{rule}, with at most {places} decimals")
    return int(number) if number == int(number) else float(number)


async def list_caps(action: Action) -> Row:
    """The largest discounts that roles may give, by role and class of products."""
    return {"items": await action.rows(f"{CAP} ORDER BY role, discount_class")}


async def show_cap(action: Action, discount_cap_id: int) -> Row:
    """One cap. Raises NotFound."""
    row = await action.row(f"{CAP} WHERE discount_cap_id = %(key)s", key=discount_cap_id)
    if row is None:
        raise NotFound("unknown-discount-cap", f"There is no discount cap {discount_cap_id}.")
    return row


async def change_cap(action: Action, discount_cap_id: int, cap_share: Decimal) -> Row:
    """Change a cap. Raises NotFound, Invalid for products that are never discounted."""
    before = await show_cap(action, discount_cap_id)
    if before["discount_class"] == "NON_DISCOUNTABLE" and cap_share:
        rule = "is 0 for products that are never discounted"
        raise Invalid("never-discounted", f"The cap {rule}.", Fault("cap_share", rule))
    await action.update("discount_caps", "discount_cap_id", discount_cap_id, {"cap_share": cap_share})
    after = await show_cap(action, discount_cap_id)
    action.note("setting.changed", "discount_cap", discount_cap_id, before=before, after=after)
    return after


def _shown(key: str, row: Row | None) -> Row:
    known = SETTINGS[key]
    is_bounded = known.kind != "switch" and known.kind not in LISTS
    return {
        "key": key,
        "value": known.default if row is None else row["value"],
        "kind": known.kind,
        "lowest": known.lowest if is_bounded else None,
        "highest": known.highest if is_bounded else None,
        "description": known.says,
        "updated_at": None if row is None else row["updated_at"],
    }


def _invalid(key: str, rule: str) -> Invalid:
    return Invalid("invalid-setting", f"Setting {key} {rule}.", Fault("value", rule))
