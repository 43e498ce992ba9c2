"""Readiness: line by line, what production needs, what proves it, and what is open. Runs nothing."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

import polars as pl
import streamlit as st

from api.identity.principal import SignedIn
from dashboards.filters import choose_one
from dashboards.messages import say
from dashboards.passport import Passport
from dashboards.problems import literal
from dashboards.proof.reading import Found, read_printed, read_verdicts
from dashboards.tile_rows import Tile, show_tiles
from ims.readiness.evidence import Evidence
from ims.readiness.lines import KINDS, Proof
from ims.readiness.showing import MARKS, summary
from ims.readiness.verdicts import Verdict
from warehouse.formats import count_of, format_number

PERMISSION = "pipeline:read"
TITLE, LEAD = "Readiness", "What is proved of this installation, and what is still open?"
WORDS = {"met": "Met", "failed": "Failed", "stale": "Stale", "not run": "Not run", "cloud": "Needs a cloud"}
HELP = {
    "met": "Every command that proves the line ran, on this code, and kept its limit.",
    "failed": "A command that proves the line failed, or kept its limit not.",
    "stale": "It was proved, but the code has changed since or the proof is too old.",
    "not run": "A part of it was never run, or is not there yet.",
    "cloud": "What is left of it can only be run with an account in a cloud.",
}
ROW_HEIGHT = 35


def show(passport: Passport | None, user: SignedIn) -> None:
    """The view; before the first publication, too. It speaks of the installation and tells no figure of the chain."""
    st.title(TITLE, anchor=False)
    st.markdown(LEAD)
    found = read_verdicts()
    for fault in found.faults:
        st.error(f"**The evidence was tampered with.** {literal(fault)}. What follows it counts for nothing.")
    if not found.has_evidence:
        say(
            "No evidence yet",
            "A line is met by evidence alone: a command that ran, when, on which code, and what it measured. "
            "`ims readiness --run code` runs what proves one group, `--run 16` one line, `--run all` everything, which "
            "takes hours; what came of it is kept under `IMS_HOME/readiness` and shown here.",
            "rule",
        )
    else:
        _say_how_it_stands(found)
    _show_tiles(found.verdicts)
    shown = _choose(found.verdicts)
    if not shown:
        st.markdown("No line is like that.")
        return
    _show_line(_pick(shown))


def _say_how_it_stands(found: Found) -> None:
    open_lines = [each for each in found.verdicts if each.state not in {"met", "cloud"}]
    said = summary(found.verdicts)
    if open_lines:
        st.warning(f"**Not yet.** {said}")
    else:
        st.success(f"**Yes,** as far as one machine can show it. {said}")
    if not found.knows_code:
        st.caption(
            ":material/info: This server runs an installed copy: which code it is cannot be told here, so what was "
            "proved of code counts as stale. `ims readiness` in the checkout says how it stands there."
        )


def _show_tiles(verdicts: Sequence[Verdict]) -> None:
    states = [each.state for each in verdicts]
    show_tiles([Tile(WORDS[state], format_number(states.count(state)), HELP[state]) for state in WORDS])


def _choose(verdicts: Sequence[Verdict]) -> list[Verdict]:
    groups = list(dict.fromkeys(each.line.group for each in verdicts))
    left, middle, _ = st.columns(3)
    group = choose_one(left, "Group", "All groups", groups, "group", str.capitalize)
    state = choose_one(middle, "Verdict", "All verdicts", list(WORDS), "verdict", WORDS.__getitem__)
    return [each for each in verdicts if group in {None, each.line.group} and state in {None, each.state}]


def _pick(verdicts: Sequence[Verdict]) -> Verdict:
    rows = [
        {
            "id": each.line.id,
            "group": each.line.group.capitalize(),
            "verdict": f"{MARKS[each.state]} {WORDS[each.state]}",
            "text": each.line.text,
            "target": each.line.target,
            "kinds": ", ".join(dict.fromkeys(KINDS[proof.kind] for proof in each.line.proofs)),
            "why": each.because,
        }
        for each in verdicts
    ]
    event = st.dataframe(
        pl.DataFrame(rows).to_pandas(),
        key=f"lines-{verdicts[0].line.id}-{len(verdicts)}",
        hide_index=True,
        row_height=ROW_HEIGHT,
        height=ROW_HEIGHT * (min(len(rows), 14) + 1) + 3,
        on_select="rerun",
        selection_mode="single-row",
        selection_default={"selection": {"rows": [0]}},
        column_config={
            "id": st.column_config.NumberColumn("#", width=40),
            "group": st.column_config.TextColumn("Group", width="small"),
            "verdict": st.column_config.TextColumn("Verdict", width=120),
            "text": st.column_config.TextColumn("What must hold", width="large"),
            "target": st.column_config.TextColumn("Target", width="medium"),
            "kinds": st.column_config.TextColumn("Proved by", width="small"),
            "why": st.column_config.TextColumn("Why", width="large"),
        },
        placeholder="–",
        alt="Lines of readiness with their verdicts, by group",
    )
    picked = event["selection"]["rows"]
    return verdicts[picked[0] if picked and picked[0] < len(verdicts) else 0]


def _show_line(verdict: Verdict) -> None:
    line = verdict.line
    with st.container(border=True):
        st.subheader(f"{line.id}. {literal(line.text)}", anchor=False)
        st.caption(f"{MARKS[verdict.state]} {WORDS[verdict.state]} · target: {literal(line.target)}")
        st.markdown(f"**Why.** {literal(verdict.because)}.")
        if line.open is not None:
            st.markdown(f"**Open.** {literal(line.open)}.")
        if line.cloud is not None:
            st.markdown(f"**Needs a cloud.** {literal(line.cloud)}.")
        if not line.proofs:
            return
        ran = {evidence.command: evidence for evidence in verdict.evidence}
        st.markdown(
            f"**What proves it**: {count_of(len(line.proofs), 'command')}, run by `ims readiness --run {line.id}`"
        )
        st.dataframe(
            [_proof_row(proof, ran.get(proof.command)) for proof in line.proofs],
            hide_index=True,
            column_config={
                "command": st.column_config.TextColumn("Command", width="large"),
                "kind": "Kind",
                "limit": "Limit",
                "at": st.column_config.DatetimeColumn("Run at (UTC)", format="D MMM YYYY HH:mm", timezone="UTC"),
                "ended": "Ended",
                "value": st.column_config.NumberColumn("Measured", format="localized"),
                "seconds": st.column_config.NumberColumn("Seconds", format="localized"),
                "commit": "Code",
            },
            placeholder="–",
            alt=f"What proves line {line.id}, and what came of it",
        )
        for evidence in verdict.evidence:
            with st.expander(f"What `{evidence.command}` printed last"):
                st.code(read_printed(evidence) or "It is no longer there.", language=None)


def _proof_row(proof: Proof, done: Evidence | None) -> dict[str, Any]:
    told = {"command": proof.command, "kind": KINDS[proof.kind], "limit": _limit(proof)}
    if done is None:
        return told
    return told | {
        "at": dt.datetime.fromisoformat(done.began_at),
        "ended": "well" if done.ended_well else f"with {done.exit_code}",
        "value": done.value,
        "seconds": done.seconds,
        "commit": done.commit,
    }


def _limit(proof: Proof) -> str:
    """`at most 30 s`."""
    limits = (("at most", proof.at_most), ("at least", proof.at_least))
    told = [f"{word} {limit:,g} {proof.unit}".strip() for word, limit in limits if limit is not None]
    return " and ".join(told) or "ends well"
