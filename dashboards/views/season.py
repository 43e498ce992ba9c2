"""Season planner: what the coming season would need, what is there for it, and what it would cost to buy the rest."""

from __future__ import annotations

from functools import partial

import polars as pl
import streamlit as st

from api.identity.principal import SignedIn
from api.identity.scope import Scope, scope_of
from dashboards import palette
from dashboards.downloads import write_csv, write_table
from dashboards.files import TYPES, File, offer
from dashboards.filters import choose_one, choose_store
from dashboards.header import show_header
from dashboards.members import name_members
from dashboards.messages import say, say_no_store
from dashboards.passport import Passport
from dashboards.reader import read_places
from dashboards.season.asking import suppose
from dashboards.season.charts import draw_season
from dashboards.season.reading import gather, list_categories, read_budget
from dashboards.tile_rows import Tile, show_tiles
from models.policy.season_plan import Plan, Season
from warehouse.formats import count_of, format_compact_money, format_day, format_money, format_number, format_share

PERMISSION, EXPORT = "forecast:read", "export:plain"
TITLE, LEAD = "Season planner", "What would the coming season need, and what is there for it?"
COST = "buy_cost_amount"
LABELS = {
    "category": "Category",
    "store_code": "Store",
    "last_qty": "A year before, lost included",
    "planned_qty": "Expected",
    "needed_qty": "Needed to last",
    "on_hand": "On hand",
    "on_order": "On order",
    "before_qty": "Asked for before",
    "left_qty": "Left for the season",
    "buy_qty": "To buy",
    "buy_price_amount": "To buy, at selling prices",
    COST: "To buy, at cost",
}


def show(passport: Passport, user: SignedIn) -> None:
    """The view."""
    scope = scope_of(user, PERMISSION)
    show_header(TITLE, LEAD, passport, scope.store_codes)
    stores, _ = read_places(passport.snapshot_id, scope)
    if not stores:
        say_no_store()
        return
    categories = list_categories(passport, scope)
    if not categories:
        say("Nothing to plan", "No product has a category: `products.csv` says it.", "calendar_month")
        return
    left, middle, right = st.columns(3)
    category = choose_one(left, "Category", categories[0], categories, "category") or categories[0]
    store = choose_store(right, stores)
    basis = gather(passport, scope, category, store)
    seasons = {each.key: each for each in basis.seasons}
    first = next(iter(seasons))
    key = choose_one(middle, "Season", seasons[first].name, list(seasons), "season", lambda name: seasons[name].name)
    chosen = seasons[key or first]
    season = suppose(chosen, passport.data_as_of)
    if basis.stock.is_empty():
        say(
            "Nothing of it here",
            "No stock of this category is known in these stores, and none was sold of late.",
            "inventory_2",
        )
        return
    plan = basis.plan(season)
    _show_tiles(passport, plan, season, sees_cost=scope.sees_cost)
    palette.show(
        draw_season(plan.weeks), key=f"season-{category}-{store}",
        alt=f"{category}, week by week: a year before and expected",
    )  # fmt: skip
    _say_what_it_rests_on(plan, season)
    st.markdown("**Store by store**")
    names = name_members("store", plan.stores["store_code"], passport.snapshot_id, scope, user)
    _show_table(plan.stores.with_columns(pl.Series("store_code", names)), passport, sees_cost=scope.sees_cost)
    _offer(user, passport, category, store, season)
    if st.toggle("Every category in these weeks", key="every"):
        rows = [_total_of(passport, scope, name, store, season) for name in categories]
        _show_table(pl.DataFrame([row for row in rows if row]), passport, sees_cost=scope.sees_cost)


def _total_of(
    passport: Passport, scope: Scope, category: str, store: str | None, season: Season
) -> dict[str, str | float]:
    basis = gather(passport, scope, category, store)
    if basis.stock.is_empty():
        return {}
    total = basis.plan(season).total
    return {"category": category} | {name: total[name] for name in LABELS if name in total}


def _show_tiles(passport: Passport, plan: Plan, season: Season, *, sees_cost: bool) -> None:
    total = plan.total
    last = total["last_qty"]
    change = None if last <= 0 else f"{(total['planned_qty'] / last - 1) * 100:+.0f} % to last year"
    band = f"{format_number(total['low_qty'])} to {format_number(total['high_qty'])}"
    there = total["on_hand"] + total["on_order"]
    moved = (
        f"; {format_number(total['moved_qty'])} more lie where nobody asks for them, and are moved first."
        if total["moved_qty"]
        else "."
    )
    show_tiles(
        [
            Tile("A year before", format_number(last), "Units asked for in the like weeks, lost ones too."),
            Tile(
                "Expected", format_number(total["planned_qty"]), f"Eight seasons in ten ask for {band} units.", change
            ),
            Tile(
                "Left for it",
                format_number(total["left_qty"]),
                f"{format_number(there)} on hand and on order, less {format_number(total['before_qty'])} asked for "
                "before it begins, store by store.",
            ),
            Tile(
                "To buy",
                format_number(total["buy_qty"]),
                f"Units, so that each store's season lasts with {format_share(season.service_level)}{moved}",
            ),
            _money_tile(passport, total, sees_cost=sees_cost),
        ]
    )


def _money_tile(passport: Passport, total: dict[str, float], *, sees_cost: bool) -> Tile:
    if not sees_cost:
        says = "Units to buy at the mean price of the last 13 weeks, without tax."
        return Tile("At selling prices", format_compact_money(total["buy_price_amount"], passport.currency), says)
    cost, budget = total[COST], read_budget(passport)
    worth = format_compact_money(total["buy_price_amount"], passport.currency)
    says = f"Units to buy at the mean cost of the last 13 weeks; they sell for {worth} without tax."
    said = None
    if budget is not None:
        said = f"{format_share(cost / budget)} of a run's budget" if budget > 0 else "no budget"
    return Tile("At cost", format_compact_money(cost, passport.currency), says, said)


def _say_what_it_rests_on(plan: Plan, season: Season) -> None:
    beyond = plan.weeks.filter(~pl.col("is_forecast"))
    weeks = f"{count_of(plan.weeks.height, 'week')} from {format_day(season.first)} on"
    more = f", {format_share(season.uplift)} more than expected" if season.uplift > 0 else ""
    less = f", {format_share(-season.uplift)} less than expected" if season.uplift < 0 else ""
    far = (
        ""
        if beyond.is_empty()
        else f" {count_of(beyond.height, 'week')} lie beyond the published forecast: there each store sells what it "
        "sold in the last 13 weeks, in the shape that the category's year before had, festivals aligned."
    )
    st.caption(
        f"{weeks}{more or less}.{far} A good season is taken to be good in all of its weeks, so the band errs on the "
        "wide side. What to order, item by item, is decided by the order list when its day comes."
    )
    if plan.total["moved_qty"]:
        moved, wanted = (format_number(units) for units in (plan.total["moved_qty"], plan.stores_want))
        st.caption(
            f":material/swap_horiz: Stores want {wanted} units more than is left for them; {moved} of these lie where "
            "nobody asks for them (a warehouse) and are moved, not bought."
        )


def _show_table(frame: pl.DataFrame, passport: Passport, *, sees_cost: bool) -> None:
    names = [name for name in LABELS if name in frame.columns and (sees_cost or name != COST)]
    table = frame.select(names).to_pandas()
    words = {
        name: (lambda value: format_money(value, passport.currency))
        if name.endswith("_amount")
        else (lambda value: format_number(value))
        for name in names
        if name not in {"category", "store_code"}
    }
    st.dataframe(
        table.style.format(words, na_rep="–"),
        hide_index=True,
        height="content",
        column_config={name: LABELS[name] for name in names},
        placeholder="–",
        alt="What the season needs and what is there for it",
    )


def _offer(user: SignedIn, passport: Passport, category: str, store: str | None, season: Season) -> None:
    about = {
        "category": category,
        "store": store,
        "begin": str(season.first),
        "end": str(season.last),
        "uplift": season.uplift,
        "service_level": season.service_level,
        "snapshot_id": passport.snapshot_id,
    }

    def write(form: str, scope: Scope) -> tuple[bytes, int]:
        frame = gather(passport, scope, category, store).plan(season).stores
        frame = frame if scope.sees_cost else frame.drop(COST)
        return write_csv(frame) if form == "csv" else write_table(frame, LABELS, passport, about), frame.height

    stem = f"season-{category}-{season.first}-snapshot-{passport.snapshot_id}".replace("/", "_").replace(" ", "-")
    files = [File("season", f"{stem}.{form}", PERMISSION, EXPORT, partial(write, form), about) for form in TYPES]
    if files[0].may_be_taken(user):
        with st.container(horizontal=True):
            for label, file in zip(("CSV", "Excel"), files, strict=True):
                offer(label, file)
