"""A list taken away by somebody: made of what they may see, written whole, with its manifest and its record.

`ims export` and the API both come here. Nothing leaves without its record, and nothing while a blocking check stands.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg

from api.identity.principal import Origin, SignedIn
from api.identity.scope import Scope, scope_of, stores_of
from api.publications import Published, current_publication
from api.services.audit import Event, record_now
from api.services.exports import Taken, record_export
from ims.failure import WrongInput
from pipelines.files import Manifest, describe_file
from pipelines.handouts.counts import NoCountList, list_counts
from pipelines.handouts.documents import list_orders, list_transfers
from pipelines.handouts.layout import Listing
from pipelines.handouts.paper import write_paper
from pipelines.handouts.reorder import list_reorder
from pipelines.handouts.workbook import write_workbook
from warehouse.spreadsheets import escape_formulas

if TYPE_CHECKING:
    import duckdb

    from ims.postgres import Databases
    from ims.settings import Settings

FORMS = ("csv", "xlsx", "pdf", "parquet")
# what may be seen in each list; taking it away needs EXPORT too
PERMISSIONS = {
    "reorder": "suggestion:read",
    "orders": "purchase:read",
    "transfers": "transfer:read",
    "counts": "stock:read",
}
EXPORTS = {"reorder": "suggestion:export"}
EXPORT = "export:plain"
BLOCKED = """
    SELECT as_of FROM runs WHERE state = 'blocked' AND started_at > %(published_at)s
        AND NOT EXISTS (
            SELECT FROM runs AS r WHERE r.started_at > runs.started_at AND r.state IN ('published', 'unchanged'))
    ORDER BY started_at DESC LIMIT 1"""
# whose warnings concern what is ordered, moved or counted
MINDED = ("product", "stock", "suppl", "vendor", "store", "expiry", "assortment", "demand", "purchase", "transfer")
MOST_PRINTED = 20_000


class ListRefused(WrongInput):
    """The list cannot be taken; `code` is stable, the message is one paragraph for a person."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class Wanted:
    """What is asked for: which list, in which form, of which store (None: all in reach), with idle pairs or not."""

    kind: str
    form: str
    store: str | None = None
    include_all: bool = False


@dataclass(frozen=True)
class Handout:
    """The file's bytes and its manifest, recorded already."""

    content: bytes
    manifest: Manifest


def take_list(
    databases: Databases, settings: Settings, wanted: Wanted, user: SignedIn | None, origin: Origin
) -> Handout:
    """The list as the user may see it; `user` None is the operator at the machine, who sees everything.

    Raises ListRefused `unknown-list`, `unknown-form`, `not-permitted`, `store-out-of-scope`, `nothing-published`,
    `checks-failed`, `no-count-list`, `too-long-to-print`.
    """
    _check_names(wanted)
    scope = _scope(wanted, user)
    published = _published(databases)
    listing = _make(databases, settings, wanted, published, scope)
    if wanted.form == "pdf" and listing.rows.height > MOST_PRINTED:
        raise ListRefused(
            "too-long-to-print",
            f"{listing.rows.height:,} lines are too many to print ({MOST_PRINTED:,} at most): choose a store.",
        )
    name = user.username if user else "the operator"
    passport = describe(databases, published, listing.title, name, scope, listing.rows.height)
    content = _write(listing, wanted.form, passport)
    manifest = _manifest(listing, wanted, published, scope, name, content)
    with psycopg.connect(databases.operational) as connection:
        number = _record(connection, user, origin, manifest, wanted, content)
    return Handout(content, replace(manifest, filters={**manifest.filters, "export_id": number}))


def save_list(out: Path, made: Handout) -> None:
    """Write the file and its manifest beside their places, then move them there. Raises ListRefused."""
    note = out.with_name(out.name + ".manifest.json")
    beside = [path.with_name(f".{path.name}.{os.getpid()}") for path in (out, note)]
    try:
        for path, data in zip(beside, (made.content, made.manifest.to_json().encode()), strict=True):
            with path.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
        for path, place in zip(beside, (out, note), strict=True):
            path.replace(place)
    except OSError as error:
        raise ListRefused(
            "cannot-write", f"{out} cannot be written: {error}. Choose another place with --out."
        ) from None
    finally:
        for path in beside:
            path.unlink(missing_ok=True)


def describe(
    databases: Databases, published: Published, title: str, name: str, scope: Scope, lines: int | None = None
) -> dict[str, str]:
    """The passport of a list, or of figures (without lines), in words, in the order in which it is read."""
    with psycopg.connect(databases.operational) as connection:
        row = connection.execute("SELECT name, currency FROM chain").fetchone()
    chain, currency = row if row else ("", "")
    checks = published.checks
    stores = "all" if scope.store_codes is None else ", ".join(sorted(scope.store_codes))
    told = "with costs" if scope.sees_cost else "without costs"
    about = MINDED if lines is not None else ("",)
    minded = [each for each in checks.get("failed", []) if any(word in each["table"] for word in about)]
    failed = "\n".join(f"{each['table']}: {each['what_to_do']}" for each in minded)
    return {
        "List" if lines is not None else "Pack": title,
        "Chain": str(chain),
        "As of": str(published.as_of),
        "Data as of": str(published.data_as_of),
        "Stores": stores,
        **({} if lines is None else {"Lines": f"{lines:,}"}),
        "Currency": str(currency),
        "Made for": f"{name}, {told}",
        "Made at": f"{dt.datetime.now(dt.UTC):%Y-%m-%d %H:%M} UTC",
        "Snapshot": str(published.snapshot_id),
        "Run": published.run_id,
        "Published": f"{published.published_at:%Y-%m-%d %H:%M} UTC",
        "Checks": f"{checks.get('passed', 0)} passed, {checks.get('warnings', 0)} warnings",
        **({"What to mind": failed} if failed else {}),
        "Metric version": published.metric_version,
        **({"Notes": "\n".join(published.notes)} if published.notes else {}),
    }


def _check_names(wanted: Wanted) -> None:
    if wanted.kind not in PERMISSIONS:
        raise ListRefused("unknown-list", f"There is no list {wanted.kind!r}; there are {', '.join(PERMISSIONS)}.")
    if wanted.form not in FORMS:
        raise ListRefused("unknown-form", f"There is no form {wanted.form!r}; there are {', '.join(FORMS)}.")


def _scope(wanted: Wanted, user: SignedIn | None) -> Scope:
    if user is None:
        scope = Scope(None, sees_cost=True)
    else:
        read, take = PERMISSIONS[wanted.kind], EXPORTS.get(wanted.kind, EXPORT)
        for permission in (read, take):
            if user.grants.scope(permission) not in ("all", "stores"):
                raise ListRefused("not-permitted", f"{user.username} may not take this list; it needs {permission}.")
        scope = scope_of(user, read).within(stores_of(user, take))
    if wanted.store is None:
        return scope
    if not scope.allows(wanted.store):
        raise ListRefused("store-out-of-scope", f"This account does not cover store {wanted.store}.")
    return scope.within(frozenset({wanted.store}))


def _published(databases: Databases) -> Published:
    published = current_publication(databases.operational)
    if published is None:
        raise ListRefused("nothing-published", "Nothing is published yet. `ims run` publishes once its checks pass.")
    with psycopg.connect(databases.operational) as connection:
        row = connection.execute(BLOCKED, {"published_at": published.published_at}).fetchone()
    if row is not None:
        raise ListRefused(
            "checks-failed",
            f"The newest run, as of {row[0]}, was stopped by its checks, so no list is made to act on: `ims checks` "
            "says what to mend. The figures of the last good run stay on show.",
        )
    return published


def _make(databases: Databases, settings: Settings, wanted: Wanted, published: Published, scope: Scope) -> Listing:
    if wanted.kind in ("orders", "transfers"):
        return {"orders": list_orders, "transfers": list_transfers}[wanted.kind](databases.operational, scope)
    from warehouse.lake import connect

    makers: dict[str, Callable[[duckdb.DuckDBPyConnection], Listing]] = {
        "reorder": lambda con: list_reorder(con, databases.operational, published, scope, wanted.include_all),
        "counts": lambda con: list_counts(con, scope),
    }
    con = connect(databases, settings, snapshot=published.snapshot_id, read_only=True)
    try:
        return makers[wanted.kind](con)
    except NoCountList as error:
        raise ListRefused("no-count-list", str(error)) from None
    finally:
        con.close()


def _write(listing: Listing, form: str, passport: dict[str, str]) -> bytes:
    with tempfile.TemporaryDirectory(prefix="ims-list-") as folder:
        path = Path(folder) / f"list.{form}"
        if form == "xlsx":
            write_workbook(listing, passport, path)
        elif form == "pdf":
            write_paper(listing, passport, path)
        elif form == "csv":
            # the mark lets a spreadsheet read names in any script
            text = escape_formulas(listing.rows).write_csv(float_scientific=False)
            path.write_bytes(b"\xef\xbb\xbf" + text.encode())
        else:
            listing.rows.write_parquet(path)
        return path.read_bytes()


def _manifest(
    listing: Listing, wanted: Wanted, published: Published, scope: Scope, name: str, content: bytes
) -> Manifest:
    stores = None if scope.store_codes is None else sorted(scope.store_codes)
    file = f"{wanted.kind}-{published.as_of}{f'-{wanted.store}' if wanted.store else ''}.{wanted.form}"
    filters = {"stores": stores, "all": wanted.include_all, "costs": scope.sees_cost, "made_for": name}
    digest = hashlib.sha256(content).hexdigest()
    return describe_file(published, wanted.kind, file, listing.rows.height, filters, digest)


def _record(
    connection: psycopg.Connection[Any],
    user: SignedIn | None,
    origin: Origin,
    manifest: Manifest,
    wanted: Wanted,
    content: bytes,
) -> int | None:
    about = {"stores": manifest.filters["stores"], "snapshot_id": manifest.snapshot_id, "all": wanted.include_all}
    if user is not None:
        return record_export(connection, user, origin, Taken(wanted.kind, wanted.form, about, manifest.rows, content))
    after = {"kind": wanted.kind, "format": wanted.form, "rows": manifest.rows, "sha256": manifest.sha256, **about}
    event = Event(
        kind="data.exported",
        entity_type="data_export",
        entity_id=manifest.sha256[:12],
        username="the operator",
        address=origin.address,
        user_agent=origin.user_agent,
        request_id=origin.request_id,
        after=after,
    )
    record_now(connection, [event])
    return None
