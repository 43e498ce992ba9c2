"""The record file `stock_moves`: the ledger itself, for the days of its folder.

A move is known by everything it says: one that stands already is left, as often as it stands; the others are appended.
At no day's end may a place hold less than nothing.
"""

from __future__ import annotations

from api.imports.bulk import trust_references
from api.imports.loading import Loading, Staged
from api.imports.merge import count_merged
from api.imports.records.derivation import record_files
from api.imports.records.merge import MANY_ROWS, find_broken
from api.imports.records.resolution import Resolved, resolve

# rows that are set aside, a day's last one of each place and product at a time, until the place holds what it must
ROUNDS = 1000
BELOW = "must not take more than is there: the day would end with "


def post_given(loading: Loading, staged: Staged) -> None:
    """Append the moves of the file that do not stand in the ledger yet."""
    spec = record_files()["stock_moves"]
    loading.progress(f"load {staged.file}", 0, staged.count.rows)
    resolved = resolve(loading, staged, spec)
    _find_late(loading, staged, resolved)
    find_broken(loading, staged, spec, resolved)
    _match_posted(loading, resolved)
    _find_below_zero(loading, staged, resolved)
    (added,) = loading.count(f"SELECT count(*) FROM {resolved.table} WHERE existing IS NULL")
    if added:
        loading.execute(
            f"""SELECT ims_make_partitions('stock_moves', month, month) FROM (
                SELECT date_trunc('month', moved_on)::date AS month FROM {resolved.table}
                WHERE existing IS NULL GROUP BY 1 HAVING count(*) >= {MANY_ROWS} ORDER BY 1) AS months"""
        )
        names = ", ".join(resolved.columns)
        with trust_references(loading, added, "products", "stock_locations"):
            loading.execute(
                f"INSERT INTO stock_moves ({names})"
                f" SELECT {names} FROM {resolved.table} WHERE existing IS NULL ORDER BY moved_on, line"
            )
        loading.execute("ANALYZE stock_moves")
    count_merged(loading, staged, resolved.table)
    _warn_of_passed(loading, staged, resolved)
    loading.progress(f"load {staged.file}", staged.count.rows, staged.count.rows)


def _find_late(loading: Loading, staged: Staged, resolved: Resolved) -> None:
    loading.execute(
        f"""INSERT INTO broken SELECT %(file)s, line, 'moved_on', moved_on::text, %(said)s
        FROM {resolved.table} WHERE moved_on >= %(as_of)s::date""",
        file=staged.file,
        as_of=loading.as_of,
        said=f"must lie before {loading.as_of}, the chain's as_of",
    )


def _match_posted(loading: Loading, resolved: Resolved) -> None:
    """Mark the moves that imports posted before as existing."""
    (has_moves,) = loading.count("SELECT EXISTS (SELECT FROM stock_moves)::integer")
    if not has_moves:
        return
    nothing = {"reference": "''", "unit_cost": "-1"}
    said = ", ".join(
        f"coalesce({name}, {nothing[name]}) AS {name}" if name in nothing else name for name in resolved.given
    )
    names = ", ".join(resolved.given)
    loading.execute(
        f"""WITH given AS (
            SELECT line, {names}, row_number() OVER (PARTITION BY {names} ORDER BY line) AS nth
            FROM (SELECT line, {said} FROM {resolved.table}) AS g),
        posted AS (
            SELECT {names}, count(*) AS times, min(stock_move_id) AS stock_move_id
            FROM (SELECT stock_move_id, {said} FROM stock_moves
                  WHERE posted_by IS NULL AND reference_type IS NULL
                    AND moved_on BETWEEN (SELECT min(moved_on) FROM {resolved.table})
                                     AND (SELECT max(moved_on) FROM {resolved.table})) AS p
            GROUP BY {names})
        UPDATE {resolved.table} AS m SET existing = posted.stock_move_id
        FROM given JOIN posted USING ({names}) WHERE given.nth <= posted.times AND given.line = m.line"""
    )


def _find_below_zero(loading: Loading, staged: Staged, resolved: Resolved) -> None:
    """Put the moves that take a place below zero into `broken`: in a quarantine, as many as it takes."""
    # what moves at one place of one product in a day, of this file and of the ledger; `line` is the last that takes out
    loading.execute("DROP TABLE IF EXISTS move_ends")
    loading.execute(
        f"""CREATE TEMP TABLE move_ends ON COMMIT DROP AS
        SELECT location_id, product_id, moved_on, quantity, line FROM (
            SELECT destination_location_id AS location_id, product_id, moved_on, quantity, line
            FROM {resolved.table} WHERE existing IS NULL
            UNION ALL
            SELECT source_location_id, product_id, moved_on, -quantity, line
            FROM {resolved.table} WHERE existing IS NULL) AS ends
        JOIN stock_locations USING (location_id) WHERE is_internal"""
    )
    loading.execute(
        """INSERT INTO move_ends
        SELECT location_id, product_id, moved_on, quantity, NULL FROM (
            SELECT destination_location_id AS location_id, product_id, moved_on, quantity FROM stock_moves
            UNION ALL
            SELECT source_location_id, product_id, moved_on, -quantity FROM stock_moves) AS ends
        WHERE (location_id, product_id) IN (SELECT location_id, product_id FROM move_ends)"""
    )
    for _ in range(ROUNDS if loading.is_quarantine else 1):
        found = loading.execute(
            f"""WITH days AS (
                SELECT location_id, product_id, moved_on, sum(quantity) AS net,
                       max(line) FILTER (WHERE quantity < 0) AS last_line
                FROM move_ends GROUP BY location_id, product_id, moved_on),
            levels AS (
                SELECT *, sum(net) OVER past AS level, max(last_line) OVER past AS earlier_line
                FROM days WINDOW past AS (PARTITION BY location_id, product_id ORDER BY moved_on)),
            below AS (
                SELECT DISTINCT ON (location_id, product_id) level, coalesce(last_line, earlier_line) AS line
                FROM levels WHERE level < 0 ORDER BY location_id, product_id, moved_on)
            INSERT INTO broken
            SELECT %(file)s, line, 'quantity', m.quantity::text, '{BELOW}' || min(level)
            FROM below JOIN {resolved.table} AS m USING (line) GROUP BY line, m.quantity""",
            file=staged.file,
        ).rowcount
        if not found:
            return
        loading.faulty.add("stock_moves")
        where = "WHERE line IN (SELECT line FROM broken WHERE file = %(file)s)"
        loading.execute(f"DELETE FROM {resolved.table} {where}", file=staged.file)
        loading.execute(f"DELETE FROM move_ends {where}", file=staged.file)
    if not loading.is_quarantine:
        # nothing of this folder is kept: what stands must only not stop the report
        loading.execute(f"DELETE FROM {resolved.table} WHERE existing IS NULL")


def _warn_of_passed(loading: Loading, staged: Staged, resolved: Resolved) -> None:
    (passed,) = loading.count(
        f"SELECT count(*) FROM {resolved.table} WHERE existing IS NULL AND moved_on < %(passed)s::date",
        passed=loading.as_of_before,
    )
    if passed:
        loading.report.warnings.append(
            f"{staged.file}: {passed:,} move(s) of days before {loading.as_of_before}, up to which the ledger stood,"
            " were added to it"
        )
