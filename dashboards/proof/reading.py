"""The verdicts of readiness, by the evidence here and the repository's: what `ims readiness` says, without a run."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import streamlit as st

from ims.failure import WrongInput
from ims.readiness.code import Code, code_here
from ims.readiness.evidence import Evidence
from ims.readiness.ledger import all_records, output_of
from ims.readiness.lines import lines
from ims.readiness.verdicts import Verdict, judge
from ims.settings import get_settings

LONGEST = 4000  # of what a command printed, its end


@dataclass(frozen=True)
class Found:
    """Every line's verdict; what is wrong with the evidence; whether the state of the code here can be told."""

    verdicts: tuple[Verdict, ...]
    faults: tuple[str, ...]
    has_evidence: bool
    knows_code: bool


def read_verdicts() -> Found:
    """The verdicts as of now."""
    records, faults = all_records(get_settings())
    code = _code()
    now = dt.datetime.now(dt.UTC)
    verdicts = tuple(judge(line, records, code, now) for line in lines())
    return Found(verdicts, tuple(faults), bool(records), code is not None)


def read_printed(evidence: Evidence) -> str:
    """The end of what the command printed; empty where that is no longer there."""
    path = output_of(get_settings(), evidence)
    return "" if path is None else path.read_text(encoding="utf-8", errors="replace")[-LONGEST:]


@st.cache_data(show_spinner=False, ttl=60)
def _code() -> Code | None:
    """A name for the state of the code; an installed copy is no checkout, and has none."""
    try:
        return code_here()
    except WrongInput:
        return None
