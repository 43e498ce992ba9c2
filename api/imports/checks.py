"""Set-based checks over the staged files: keys, references, rules of a row and of a file. Writes nothing.

A null in a required column was reported when it was read; it is passed over here.
"""

from __future__ import annotations

from api.imports.columns import Column, FileSpec
from api.imports.files import FIRST_FOLDER
from api.imports.loading import Loading, Staged
from api.imports.records.derivation import record_files
from api.imports.report import EXAMPLES


def check_files(loading: Loading) -> None:
    """Report every fault that takes more than one value to see."""
    for name, staged in loading.files.items():
        if name in record_files():
            continue  # these are checked as they are merged
        loading.progress(f"check {staged.file}", 0, None)
        _check_rows(loading, staged)
        _check_keys(loading, staged)
        for column in staged.spec.columns:
            if column.reference is not None and column.name in staged.columns:
                _check_reference(loading, staged, column)
        if name == "sales":
            _check_totals(loading, staged)
        if name == "stock":
            _check_dates(loading, staged)
        if name == "open_orders":
            _check_orders(loading, staged)


def check_orders_once(loading: Loading, staged: Staged) -> None:
    """An order is given by the sales or by the record files, not by both."""
    query = """
        SELECT line, order_ref FROM staged_sales AS s WHERE EXISTS (
            SELECT FROM staged_sales_orders AS o WHERE (o.order_ref, o.store_code) = (s.order_ref, s.store_code))"""
    report_rows(loading, staged.file, "order_ref", "must not be an order that sales_orders gives too", query)


def report_rows(loading: Loading, file: str, column: str | None, rule: str, query: str, **values: object) -> None:
    """Report what `query` finds: rows (line, value) or (line, value, more of the rule)."""
    limited = f"WITH found AS MATERIALIZED ({query}) SELECT count(*) OVER (), * FROM found ORDER BY 2 LIMIT {EXAMPLES}"
    total = 0
    for count, line, value, *more in loading.execute(limited, **values):
        total = int(str(count))
        said = f"{rule}{more[0]}" if more else rule
        place = None if line is None else int(str(line))
        loading.report.add_fault(file, said, place, column, value, kind=rule)
    loading.report.count_unseen(file, rule, column, max(0, total - EXAMPLES))


def _check_rows(loading: Loading, staged: Staged) -> None:
    for rule in staged.spec.row_rules:
        if not any(name in staged.columns for name in rule.broken.split()):
            continue
        query = f"SELECT line, {rule.column}::text FROM {staged.spec.staged} WHERE {rule.broken}"
        report_rows(loading, staged.file, rule.column, rule.rule, query)


def _check_keys(loading: Loading, staged: Staged) -> None:
    spec = staged.spec
    if spec.name == "sales" and "order_ref" not in staged.columns:
        return
    key = ", ".join(spec.key)
    given = " AND ".join(f"{name} IS NOT NULL" for name in _required_keys(spec)) or "true"
    # nearly always there is none, which grouping tells quicker than numbering every row
    (has_any,) = loading.count(
        f"SELECT EXISTS (SELECT FROM {spec.staged} WHERE {given} GROUP BY {key} HAVING count(*) > 1)::integer"
    )
    if not has_any:
        return
    shown = " || ', ' || ".join(f"coalesce({name}::text, '')" for name in spec.key)
    query = f"""
        SELECT line, {shown}, first_line::text
        FROM (SELECT line, {key}, min(line) OVER (PARTITION BY {key}) AS first_line
              FROM {spec.staged} WHERE {given}) AS k
        WHERE line > first_line"""
    rule = "must be in the file once; the same key stands already in line "
    report_rows(loading, staged.file, " + ".join(spec.key), rule, query)


def _required_keys(spec: FileSpec) -> list[str]:
    # lines of sales without an order have no key: they are summed
    return [name for name in spec.key if spec.name == "sales" or spec.column(name).is_required]


def _check_reference(loading: Loading, staged: Staged, column: Column) -> None:
    to = column.reference
    assert to is not None
    master = loading.files.get(to.file)
    is_missing = master is None and loading.before is None and to.file in FIRST_FOLDER
    if is_missing or (master is not None and not master.is_whole):
        return  # what the master file lacks was reported; here every row that names it would be
    query = f"""
        SELECT line, {column.name} FROM {staged.spec.staged} AS s
        WHERE {column.name} IS NOT NULL
          AND NOT EXISTS (SELECT FROM {to.table} AS m WHERE m.{to.code} = s.{column.name})
          AND NOT EXISTS (SELECT FROM staged_{to.file} AS m WHERE m.{to.code} = s.{column.name})"""
    report_rows(loading, staged.file, column.name, f"must be a {to.word} that {to.file} knows", query)


def _check_totals(loading: Loading, staged: Staged) -> None:
    """Lines without an order are summed; the total must still be a number the table holds."""
    # every total is within bounds when the total of all of them is, which is quick to know
    (is_small,) = loading.count(
        """SELECT (coalesce(sum(abs(quantity)), 0) <= 2147483647
            AND coalesce(sum(abs(net_amount)), 0) <= 999999999999)::integer FROM staged_sales WHERE order_ref IS NULL"""
    )
    if is_small:
        return
    query = """
        SELECT min(line), sum(quantity)::text FROM staged_sales WHERE order_ref IS NULL
        GROUP BY sold_on, store_code, sku
        HAVING sum(quantity) FILTER (WHERE quantity > 0) > 2147483647
            OR sum(quantity) FILTER (WHERE quantity < 0) < -2147483647 OR abs(sum(net_amount)) > 999999999999"""
    rule = "lines of one day, store and sku must sum to at most 2,147,483,647 units and 999,999,999,999 of money"
    report_rows(loading, staged.file, "quantity", rule, query)


def _check_dates(loading: Loading, staged: Staged) -> None:
    query = "SELECT line, as_of::text FROM staged_stock WHERE as_of > %(as_of)s::date"
    rule = f"must not lie after the chain's as_of {loading.as_of}"
    report_rows(loading, staged.file, "as_of", rule, query, as_of=loading.as_of)


def _check_orders(loading: Loading, staged: Staged) -> None:
    vendors = """
        SELECT line, vendor_code FROM (
            SELECT line, vendor_code, first_value(vendor_code) OVER (PARTITION BY order_ref ORDER BY line) AS first_code
            FROM staged_open_orders WHERE vendor_code IS NOT NULL) AS coded
        WHERE vendor_code <> first_code"""
    report_rows(loading, staged.file, "vendor_code", "must be the same on every line of one order_ref", vendors)
    unknown = """
        SELECT line, suggestion_id::text FROM staged_open_orders AS s WHERE suggestion_id IS NOT NULL
            AND NOT EXISTS (SELECT FROM suggestions AS k WHERE k.suggestion_id = s.suggestion_id)"""
    report_rows(loading, staged.file, "suggestion_id", "must be a suggestion that IMS made", unknown)
    other = """
        SELECT s.line, s.suggestion_id::text, st.store_code || ', ' || p.sku
        FROM staged_open_orders AS s
        JOIN suggestions AS k USING (suggestion_id) JOIN stores AS st USING (store_id)
        JOIN products AS p ON p.product_id = k.product_id
        WHERE (st.store_code, p.sku) <> (s.store_code, s.sku)"""
    report_rows(loading, staged.file, "suggestion_id", "must be of this store and sku; it is of ", other)
