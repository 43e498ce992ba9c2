"""Transfer before buy: which units move between stores because that earns more than leaving them and buying.

Reads what each pair needs and can spare, gives moves. The choice is a linear programme, solved by HiGHS.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from scipy import sparse
from scipy.optimize import linprog

from models.policy.paths import Floats, Ints

ROUNDS = 8  # in each, parcels that are not worth their journey are given up
MOVE_SCHEMA: dict[str, type[pl.DataType]] = {
    "source": pl.Int64,
    "row": pl.Int64,
    "quantity": pl.Int64,
    "benefit": pl.Float64,
}


@dataclass(frozen=True)
class Offers:
    """What n pairs may give and gain. sku, store (n,) numbers; spare (n,) units above what protects the source; relief
    (n,) money that a unit leaving saves there; gain (n, K) money of the first, second, ... unit that comes, descending.
    """

    sku: Ints
    store: Ints
    spare: Ints
    relief: Floats
    gain: Floats


def choose_moves(offers: Offers, unit_cost: float, least_worth: float) -> pl.DataFrame:
    """The moves of highest net benefit (MOVE_SCHEMA): from row `source` to `row` of the offers, units, money earned.

    Maximises gain + relief - unit_cost over whole units, none above what a source spares: a transport problem, whose
    corners are whole. A parcel, all that goes from one store to another, that earns less than `least_worth` is given up
    and the rest chosen anew; of several sources of one pair the best is kept. Worked number: spare 3 at A, relief 1;
    gains 10, 6, .5 at B; a unit's journey 2: two units move and earn 9 + 5.
    """
    routes = _list_routes(offers)
    found = pl.DataFrame(schema=MOVE_SCHEMA)
    for _ in range(ROUNDS):
        found = _solve(offers, routes, unit_cost)
        if found.is_empty():
            return found
        kept = _drop_poor_parcels(offers, _keep_one_source(found), least_worth)
        if kept.height == found.height:
            return kept.sort("row")
        pairs = kept.select("source", "row").to_numpy()
        routes = routes[_contains(routes, pairs, len(offers.sku))]
    return _drop_poor_parcels(offers, _keep_one_source(found), least_worth).sort("row")


def _list_routes(offers: Offers) -> Ints:
    """(n_routes, 2) rows of source and destination of one sku in two stores, where one can give and the other gains."""
    rows = pl.DataFrame({"row": np.arange(len(offers.sku)), "sku": offers.sku, "store": offers.store})
    gives = rows.filter(pl.Series(offers.spare > 0)).rename({"row": "source", "store": "from"})
    takes = rows.filter(pl.Series(offers.gain[:, 0] > 0))
    joined = gives.join(takes, on="sku").filter(pl.col("from") != pl.col("store")).sort("source", "row")
    return joined.select("source", "row").to_numpy().astype(np.int64)


def _solve(offers: Offers, routes: Ints, unit_cost: float) -> pl.DataFrame:
    if not len(routes):
        return pl.DataFrame(schema=MOVE_SCHEMA)
    steps = offers.gain.shape[1]
    takers, taker = np.unique(routes[:, 1], return_inverse=True)
    givers, giver = np.unique(routes[:, 0], return_inverse=True)
    # columns: units of each route, then the first, second, ... unit that comes to each destination
    n_routes, n_units = len(routes), len(takers) * steps
    value = np.concatenate([unit_cost - offers.relief[routes[:, 0]], -offers.gain[takers].ravel()])
    spread = sparse.coo_array(
        (np.ones(n_routes), (giver, np.arange(n_routes))), shape=(len(givers), n_routes + n_units)
    )
    arrives = sparse.coo_array((np.ones(n_routes), (taker, np.arange(n_routes))), shape=(len(takers), n_routes))
    counted = sparse.kron(sparse.eye_array(len(takers)), -np.ones((1, steps)))
    solved = linprog(
        value,
        A_ub=spread.tocsr(),
        b_ub=offers.spare[givers],
        A_eq=sparse.hstack([arrives, counted]).tocsr(),
        b_eq=np.zeros(len(takers)),
        bounds=np.concatenate([np.tile([0.0, np.inf], (n_routes, 1)), np.tile([0.0, 1.0], (n_units, 1))]),
        method="highs-ds",  # the simplex method ends at a corner, and corners are whole units
    )
    if not solved.success:
        raise RuntimeError(f"transfers: the linear programme was not solved: {solved.message}")
    units = np.rint(solved.x[:n_routes]).astype(np.int64)
    moved = np.flatnonzero(units > 0)
    total = np.concatenate([np.zeros((len(takers), 1)), np.cumsum(offers.gain[takers], axis=1)], axis=1)
    comes = np.bincount(taker[moved], units[moved], minlength=len(takers)).astype(np.int64)
    each = total[np.arange(len(takers)), np.minimum(comes, steps)] / np.maximum(comes, 1)
    benefit = units * (each[taker] + offers.relief[routes[:, 0]] - unit_cost)
    return pl.DataFrame(
        {"source": routes[moved, 0], "row": routes[moved, 1], "quantity": units[moved], "benefit": benefit[moved]},
        schema=MOVE_SCHEMA,
    )


def _keep_one_source(moves: pl.DataFrame) -> pl.DataFrame:
    return moves.sort(["row", "benefit", "source"], descending=[False, True, False]).unique("row", keep="first")


def _drop_poor_parcels(offers: Offers, moves: pl.DataFrame, least_worth: float) -> pl.DataFrame:
    places = moves.with_columns(
        pl.Series("from", offers.store[moves["source"].to_numpy()]),
        pl.Series("to", offers.store[moves["row"].to_numpy()]),
    )
    worth = pl.col("benefit").sum().over("from", "to")
    return places.filter(worth >= least_worth, pl.col("benefit") > 0).select(*MOVE_SCHEMA)


def _contains(routes: Ints, pairs: Ints, n: int) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    return np.asarray(np.isin(routes[:, 0] * n + routes[:, 1], pairs[:, 0] * n + pairs[:, 1]))
