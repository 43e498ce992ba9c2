"""Spans of availability: what a folder and the database say together must not overlap and disagree.

An open span ("still so") is ended by a later folder's span that starts later and says otherwise. Within one file it is
not: there the two contradict each other.
"""

from __future__ import annotations

from api.imports.checks import report_rows
from api.imports.loading import Loading, Staged


def check_spans(loading: Loading, staged: Staged) -> None:
    """Lay staged and stored spans of the staged pairs side by side (`spans`), end open ones, report contradictions."""
    loading.execute(
        """CREATE TEMP TABLE spans ON COMMIT DROP AS
        SELECT line, NULL::bigint AS availability_id, store_code, sku, from_date, to_date, in_stock, false AS is_ended
        FROM staged_availability
        WHERE store_code IS NOT NULL AND sku IS NOT NULL AND from_date IS NOT NULL AND in_stock IS NOT NULL
        UNION ALL
        SELECT NULL, a.availability_id, st.store_code, p.sku, a.from_on, a.to_on, a.is_in_stock, false
        FROM availability AS a JOIN stores AS st USING (store_id) JOIN products AS p USING (product_id)
        WHERE (st.store_code, p.sku) IN (SELECT store_code, sku FROM staged_availability)
          AND NOT EXISTS (SELECT FROM staged_availability AS s
                          WHERE (s.store_code, s.sku, s.from_date) = (st.store_code, p.sku, a.from_on))"""
    )
    loading.execute(
        """WITH next AS (
            SELECT a.store_code, a.sku, a.from_date, min(b.from_date) AS starts_on
            FROM spans AS a JOIN spans AS b USING (store_code, sku)
            WHERE a.to_date IS NULL AND b.from_date > a.from_date AND b.in_stock <> a.in_stock
              AND (a.line IS NULL) <> (b.line IS NULL)
            GROUP BY 1, 2, 3)
        UPDATE spans AS a SET to_date = next.starts_on - 1, is_ended = true FROM next
        WHERE (a.store_code, a.sku, a.from_date) = (next.store_code, next.sku, next.from_date) AND a.to_date IS NULL"""
    )
    opposite = " ".join(
        f"max(coalesce(to_date, 'infinity')) FILTER (WHERE {'' if flag else 'NOT '}in_stock) OVER earlier AS {name},"
        for flag, name in ((True, "in_until"), (False, "out_until"))
    )
    query = f"""
        SELECT coalesce(line, earlier_line) AS line, from_date::text,
               ' (' || store_code || ', ' || sku || ')' AS pair
        FROM (SELECT *, {opposite} max(line) OVER earlier AS earlier_line FROM spans
              WINDOW earlier AS (PARTITION BY store_code, sku ORDER BY from_date, line
                                 ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)) AS sides
        WHERE from_date <= CASE WHEN in_stock THEN out_until ELSE in_until END"""
    rule = "must not overlap a span of the same store and sku that says otherwise"
    report_rows(loading, staged.file, "from_date", rule, query)


def end_spans(loading: Loading, staged: Staged) -> None:
    """Before the merge: carry the ends found by `check_spans` over to the staged and the stored spans."""
    loading.execute(
        """UPDATE staged_availability AS s SET to_date = spans.to_date FROM spans
        WHERE spans.is_ended AND s.line = spans.line"""
    )
    ended = loading.execute(
        """UPDATE availability AS a SET to_on = spans.to_date FROM spans
        WHERE spans.is_ended AND a.availability_id = spans.availability_id"""
    ).rowcount
    staged.count.closed += ended
