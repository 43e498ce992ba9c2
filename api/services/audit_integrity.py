"""Whether the audit log is as it was written: every hash computed anew, every link followed, every head compared.

Hashes of rows come from the database, by chain and in one pass. Heads that were kept elsewhere also show a chain
that was replaced as a whole, which nothing inside the database can.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import dict_row

from ims.failure import WrongInput

Progress = Callable[[str, int, int | None], None]
CHAINS = 16
SHOWN = 20  # faults of one chain that are named; all are counted
START = """
    SELECT coalesce(a.chain_seq, 0) AS chain_seq, coalesce(a.hash, ims_audit_genesis(%(chain)s)) AS hash
      FROM (SELECT %(chain)s AS chain_no) AS one LEFT JOIN audit_anchors a USING (chain_no)
     ORDER BY a.chain_seq DESC LIMIT 1
"""
# one row for each row of the chain that is not what its neighbours and its content say
FAULTS = """
    WITH linked AS (
        SELECT a.audit_id, a.chain_seq, a.prev_hash, a.hash, ims_audit_hash(a) AS computed,
               lag(a.chain_seq, 1, %(seq)s::bigint) OVER chain AS seq_before,
               lag(a.hash, 1, %(hash)s::bytea) OVER chain AS hash_before
          FROM audit_log a WHERE a.chain_no = %(chain)s
        WINDOW chain AS (ORDER BY a.chain_seq, a.at, a.audit_id)),
    judged AS (
        SELECT audit_id, chain_seq, seq_before, CASE
               WHEN hash <> computed THEN 'changed'
               WHEN chain_seq <= seq_before THEN 'repeated'
               WHEN chain_seq > seq_before + 1 THEN 'removed'
               WHEN prev_hash <> hash_before THEN 'unlinked' END AS fault
          FROM linked)
    SELECT audit_id, chain_seq, seq_before, fault, count(*) OVER () AS faults
      FROM judged WHERE fault IS NOT NULL ORDER BY chain_seq, audit_id LIMIT %(shown)s
"""
LAST = """
    SELECT count(*) OVER () AS rows, chain_seq, hash, audit_id FROM audit_log WHERE chain_no = %(chain)s
     ORDER BY chain_seq DESC, at DESC, audit_id DESC LIMIT 1
"""
HEAD = "SELECT chain_seq, hash FROM audit_chains WHERE chain_no = %(chain)s"
ROW = "SELECT audit_id, hash FROM audit_log WHERE chain_no = %(chain)s AND chain_seq = %(seq)s"
ANCHOR = "SELECT hash FROM audit_anchors WHERE chain_no = %(chain)s AND chain_seq = %(seq)s"


@dataclass(frozen=True)
class Fault:
    """Something that is not as it was written: in which chain, at which row."""

    chain_no: int
    chain_seq: int
    audit_id: int | None
    fault: str
    says: str


@dataclass(frozen=True)
class Head:
    """The end of a chain: the number and hash (hexadecimal) of its last row."""

    chain_no: int
    chain_seq: int
    hash: str


@dataclass
class Verdict:
    """What verification found. `faults` counts all of them, `found` names the first of each chain."""

    rows: int = 0
    faults: int = 0
    found: list[Fault] = field(default_factory=list)
    heads: list[Head] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def is_whole(self) -> bool:
        """Whether nothing is wrong."""
        return self.faults == 0

    def add(self, fault: Fault) -> None:
        """Count and name one more fault."""
        self.faults += 1
        self.found.append(fault)

    def as_json(self) -> dict[str, Any]:
        """For a program."""
        return {"is_whole": self.is_whole, **asdict(self)}


def verify(connection: psycopg.Connection[Any], progress: Progress, kept: Sequence[Head] = ()) -> Verdict:
    """Judge every chain as it stood at one moment, also against heads that were kept elsewhere."""
    verdict = Verdict()
    by_chain = {head.chain_no: head for head in kept}
    with connection.cursor(row_factory=dict_row) as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        for chain in range(CHAINS):
            progress("chains verified", chain, CHAINS)
            _verify_chain(cursor, chain, verdict)
            if chain in by_chain:
                _compare(cursor, by_chain[chain], verdict)
        progress("chains verified", CHAINS, CHAINS)
    connection.rollback()
    return verdict


def read_heads(path: Path) -> list[Head]:
    """Heads that `ims audit verify --heads` wrote. Raises WrongInput."""
    try:
        return [Head(int(h["chain_no"]), int(h["chain_seq"]), str(h["hash"])) for h in json.loads(path.read_text())]
    except OSError as error:
        raise WrongInput(f"{path} cannot be read: {error.strerror}.") from None
    except (ValueError, KeyError, TypeError):
        raise WrongInput(f"{path} holds no heads; `ims audit verify --heads {path}` writes such a file.") from None


def write_heads(path: Path, heads: Sequence[Head]) -> None:
    """Write heads to a file that is to be kept where nobody who can write the database can write."""
    path.write_text(json.dumps([asdict(head) for head in heads], indent=1) + "\n", encoding="utf-8")


def _verify_chain(cursor: psycopg.Cursor[dict[str, Any]], chain: int, verdict: Verdict) -> None:
    start = _row(cursor, START, chain=chain) or {}
    values = {"chain": chain, "seq": start["chain_seq"], "hash": start["hash"], "shown": SHOWN}
    found = cursor.execute(FAULTS, values).fetchall()
    verdict.found += [Fault(chain, f["chain_seq"], f["audit_id"], f["fault"], _explain(f)) for f in found]
    verdict.faults += found[0]["faults"] if found else 0
    last = _row(cursor, LAST, chain=chain) or {"rows": 0, "audit_id": None, **start}
    verdict.rows += last["rows"]
    head = _row(cursor, HEAD, chain=chain) or {"chain_seq": 0, "hash": None}
    if head["hash"] is None and last["rows"]:
        verdict.add(Fault(chain, last["chain_seq"], last["audit_id"], "headless", "the chain has rows but no head"))
    elif last["chain_seq"] < head["chain_seq"]:
        says = f"the log ends at {last['chain_seq']}, the head says {head['chain_seq']}: the tail was cut"
        verdict.add(Fault(chain, head["chain_seq"], last["audit_id"], "cut", says))
    elif head["hash"] is not None and (last["chain_seq"], last["hash"]) != (head["chain_seq"], head["hash"]):
        says = f"the last row is not the one of the head, {head['chain_seq']}"
        verdict.add(Fault(chain, last["chain_seq"], last["audit_id"], "head", says))
    verdict.heads.append(Head(chain, last["chain_seq"], bytes(last["hash"]).hex()))


def _compare(cursor: psycopg.Cursor[dict[str, Any]], kept: Head, verdict: Verdict) -> None:
    chain, seq = kept.chain_no, kept.chain_seq
    start = _row(cursor, START, chain=chain) or {}
    if seq < start["chain_seq"] and _row(cursor, ANCHOR, chain=chain, seq=seq) is None:
        verdict.notes.append(f"chain {chain}: the kept head {seq} lies in months that retention dropped")
        return
    if seq == 0:
        return
    found = _row(cursor, ROW, chain=chain, seq=seq) or _row(cursor, ANCHOR, chain=chain, seq=seq)
    if found is None:
        says = f"the row {seq} of the kept head is gone"
        verdict.add(Fault(chain, seq, None, "cut", says))
    elif bytes(found["hash"]).hex() != kept.hash:
        says = f"the row {seq} has another hash than the kept head: the chain was rewritten"
        verdict.add(Fault(chain, seq, found.get("audit_id"), "replaced", says))


def _row(cursor: psycopg.Cursor[dict[str, Any]], query: str, **values: Any) -> dict[str, Any] | None:
    return cursor.execute(query.encode(), values).fetchone()


def _explain(found: Mapping[str, Any]) -> str:
    match found["fault"]:
        case "changed":
            return "the row is not what was hashed when it was written"
        case "removed":
            return f"rows {found['seq_before'] + 1} to {found['chain_seq'] - 1} are gone"
        case "repeated":
            return "a row with this number stands before it"
    return "the row does not follow from the one before it: rows were exchanged or rewritten"
