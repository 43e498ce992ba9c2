"""People who were erased stay so: what a folder says of them again is left out, or stands under their pseudonym.

Their codes are kept as keyed hashes only, so a folder's codes are hashed and compared; without an erased customer
nothing is done.
"""

from __future__ import annotations

from api.imports.loading import Loading, Staged
from api.services.privacy_erasure import HIDDEN
from api.services.privacy_pseudonyms import pseudonym

CODES = ("customer_code", "customer_ref")
CREATE = "CREATE TEMP TABLE erased_codes (code text PRIMARY KEY, pseudonym text NOT NULL) ON COMMIT DROP"
# files that tell who somebody is: their rows of the erased go, and what others say of them stays
PERSONS = ("customers", "patients")
# what people typed about somebody, which erasing blanks: the file, its column, what stands there then, and whose it is
TYPED = (
    (
        "prescriptions", "doctor_name", None,
        "EXISTS (SELECT FROM patients AS p WHERE p.patient_ref = s.patient_ref AND p.erased_at IS NOT NULL)",
    ),
    ("sales_orders", "cancel_reason", None, "s.customer_code IN (SELECT pseudonym FROM erased_codes)"),
    (
        "sales_returns", "reason", HIDDEN,
        "EXISTS (SELECT FROM sales_orders AS o JOIN customers AS c USING (customer_id)"
        " JOIN stores AS t ON t.store_id = o.store_id WHERE c.erased_at IS NOT NULL AND o.order_ref = s.order_ref"
        " AND t.store_code = coalesce(s.order_store_code, s.store_code))",
    ),
)  # fmt: skip


def forget_erased(loading: Loading) -> None:
    """Take the erased out of what was staged; the report says of how many rows, and of nobody."""
    rows = loading.execute("SELECT erased_code_hash, pseudonym FROM customers WHERE erased_code_hash IS NOT NULL")
    kept = {str(code_hash): str(name) for code_hash, name in rows}
    if not kept:
        return
    loading.execute(CREATE)
    for name, staged in loading.files.items():
        for column in staged.columns & set(CODES):
            _find_codes(loading, staged.spec.staged, column, kept)
            if name in PERSONS:
                _leave_out(loading, staged, column)
            else:
                loading.execute(
                    f"UPDATE {staged.spec.staged} AS s SET {column} = e.pseudonym"
                    f" FROM erased_codes AS e WHERE e.code = s.{column}"
                )
    for name, column, value, whose in TYPED:
        if name in loading.files and column in loading.files[name].columns:
            table = loading.files[name].spec.staged
            loading.execute(
                f"UPDATE {table} AS s SET {column} = %(value)s WHERE {column} <> '' AND {whose}", value=value
            )


def _find_codes(loading: Loading, table: str, column: str, kept: dict[str, str]) -> None:
    given = loading.execute(f"SELECT DISTINCT {column} FROM {table} WHERE {column} IS NOT NULL").fetchall()
    for code in (str(row[0]) for row in given):
        name = kept.get(pseudonym("customer_code", code))
        if name is not None:
            loading.execute(
                "INSERT INTO erased_codes VALUES (%(code)s, %(name)s) ON CONFLICT DO NOTHING", code=code, name=name
            )


def _leave_out(loading: Loading, staged: Staged, column: str) -> None:
    table = staged.spec.staged
    rows = loading.execute(f"DELETE FROM {table} AS s USING erased_codes AS e WHERE e.code = s.{column}").rowcount
    if rows:
        staged.count.rows -= rows
        loading.report.warnings.append(
            f"{staged.file}: {rows:,} row(s) of people who were erased are left out; they stay erased"
        )
