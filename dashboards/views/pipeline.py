"""Pipeline: did the last run go well, what is served, where the time goes, how fresh tables are."""

from __future__ import annotations

import datetime as dt
from typing import Any
from urllib.parse import urlsplit

import streamlit as st

from api.identity.principal import SignedIn
from api.pipeline_runs import Step, freshness, list_runs, run_tags, served, steps
from dashboards import palette
from dashboards.filters import choose_one
from dashboards.header import show_header
from dashboards.installation import driver, operational, pipeline_storage
from dashboards.messages import say
from dashboards.passport import Passport
from dashboards.problems import literal
from dashboards.runs.charts import draw_durations, draw_steps
from dashboards.runs.words import BUILT, STATES, judge_age, spell_age, spell_seconds
from dashboards.tile_rows import Tile, show_tiles
from ims.settings import get_settings
from warehouse.formats import count_of, format_number
from warehouse.freshness import FAIL_DAYS, WARN_DAYS

Run = dict[str, Any]
PERMISSION = "pipeline:read"
TITLE, LEAD = "Pipeline", "Did the last run go well, and what does everybody see now?"


def show(passport: Passport | None, user: SignedIn) -> None:
    """The view; before the first publication, too. It tells of the whole chain and names no store."""
    if passport is None:
        st.title(TITLE, anchor=False)
        st.markdown(LEAD)
    else:
        show_header(TITLE, LEAD, passport)
    with operational().connect() as connection:
        runs, now_served = list_runs(driver(connection)), served(driver(connection))
    if not runs:
        say(
            "No run yet",
            "`ims run` extracts, builds, checks, forecasts and publishes; every night the schedule does it by itself.",
            "play_circle",
        )
        return
    with pipeline_storage().connect() as connection:
        tags = run_tags(driver(connection), [run["run_id"] for run in runs])
        made = freshness(driver(connection))
    runs = [{**run, **{k: v for k, v in tags.get(run["run_id"], {}).items() if k != "run_id"}} for run in runs]
    now = dt.datetime.now(dt.UTC)
    _say_how_it_stands(runs[0], now)
    _show_tiles(runs[0], now_served, made, now)
    last, past, tables = st.tabs(["One run", "All runs", "Tables"])
    with last:
        _show_run(runs)
    with past:
        _show_runs(runs)
    with tables:
        _show_tables(made, now)
    st.caption(
        f":material/open_in_new: The [Dagster UI]({_dagster_address()}) on the machine that runs IMS shows every "
        "event, and starts runs. `ims run` starts one in a terminal."
    )


def _dagster_address() -> str:
    """On the host that this page came from, at the port of the settings."""
    settings = get_settings()
    host = urlsplit(st.context.url or "").hostname or settings.host
    return f"http://{host}:{settings.dagster_port}"


def _say_how_it_stands(run: Run, now: dt.datetime) -> None:
    when = spell_age(run["started_at"], now)
    took = spell_seconds(run["seconds"])
    if run["state"] == "published":
        st.success(f"**Yes.** The last run began {when}, took {took} and published snapshot {run['snapshot_id']}.")
    elif run["state"] == "unchanged":
        st.success(f"**Yes.** The last run began {when} and found nothing new: what is served stands.")
    elif run["state"] == "running":
        st.info(f"**It is at work.** The run began {when}. What was published is served until it ends.")
    elif run["state"] == "blocked":
        st.warning(f"**No.** Checks stopped the run of {when}; what was served still is. [Which](/quality)")
    else:
        said = literal(run["message"] or "nothing")
        st.error(f"**No.** The run of {when} failed; what was served still is. It said: {said}")


def _show_tiles(run: Run, now_served: Run | None, made: dict[str, dt.datetime], now: dt.datetime) -> None:
    late = [name for name, at in made.items() if judge_age(at, now) != "Fresh"]
    tiles = {
        "Served snapshot": (
            "–" if now_served is None else str(now_served["snapshot_id"]),
            "Nothing is published yet." if now_served is None else _say_served(now_served),
        ),
        "Last run": (spell_seconds(run["seconds"]), f"{STATES[run['state']]}, for the opening of {run['as_of']}."),
        "Rows read": (_number(run.get("rows_read")), "Rows that came over from PostgreSQL in the last run."),
        "Memory": (_megabytes(run.get("peak_memory_mb")), "The most that the last run's process held at once."),
        "Tables late": (
            format_number(len(late)),
            f"Tables that no run has brought up to date for {WARN_DAYS} days; after {FAIL_DAYS} it is a fault.",
        ),
    }
    show_tiles([Tile(label, value, says) for label, (value, says) in tiles.items()])


def _say_served(now_served: Run) -> str:
    published, moved = (f"{now_served[name]:%Y-%m-%d %H:%M} UTC" for name in ("published_at", "moved_at"))
    return f"Published {published}; set {moved} by {now_served['moved_by']}. `ims publish rollback` goes back."


def _show_run(runs: list[Run]) -> None:
    by_name = {run["run_id"][:8]: run for run in runs if run.get("dagster_run_id")}
    if not by_name:
        st.markdown("The steps of these runs are not recorded.")
        return
    newest = next(iter(by_name))
    words = {name: f"{run['started_at']:%d %b %Y %H:%M} · {STATES[run['state']]}" for name, run in by_name.items()}
    left, _ = st.columns([1, 2])
    name = choose_one(left, "Run", words[newest], list(by_name), "run", lambda key: words[key]) or newest
    run = by_name[name]
    found = _steps(run)
    if run["message"]:
        st.caption(f"It said: {literal(run['message'])}")
    if not found:
        st.markdown("Its steps are not recorded.")
        return
    st.markdown(f"**Where the time went**: the longest of {count_of(len(found), 'step')}, when each ran")
    palette.show(draw_steps(found), key=f"steps-{name}", alt="The longest steps of the run")
    with st.expander("Every step"):
        st.dataframe(
            [
                {
                    "step": step.name,
                    "seconds": step.seconds,
                    "did": "failed" if step.is_failed else BUILT.get(step.built or "", ""),
                    "rows": step.rows,
                    "memory": step.peak_memory_mb,
                }
                for step in sorted(found, key=lambda step: -step.seconds)
            ],
            hide_index=True,
            column_config={
                "step": "Step",
                "seconds": st.column_config.NumberColumn("Seconds", format="%.2f"),
                "did": "What it did",
                "rows": st.column_config.NumberColumn("Rows", format="localized"),
                "memory": st.column_config.NumberColumn("Memory, MB", format="localized"),
            },
            placeholder="–",
            alt="Every step of the run, the longest first",
        )


def _show_runs(runs: list[Run]) -> None:
    if len(runs) > 1:
        palette.show(draw_durations(runs), key="durations", alt="How long each run took")
    st.dataframe(
        [
            {
                "started": run["started_at"],
                "state": STATES[run["state"]],
                "took": spell_seconds(run["seconds"]),
                "as_of": run["as_of"],
                "rows": run.get("rows_read"),
                "memory": run.get("peak_memory_mb"),
                "snapshot": run["snapshot_id"],
                "said": run["message"] or "",
            }
            for run in runs
        ],
        hide_index=True,
        column_config={
            "started": st.column_config.DatetimeColumn("Started (UTC)", format="D MMM YYYY HH:mm", timezone="UTC"),
            "state": "How it ended",
            "took": "Took",
            "as_of": st.column_config.DateColumn("For the opening of", format="D MMM YYYY"),
            "rows": st.column_config.NumberColumn("Rows read", format="localized"),
            "memory": st.column_config.NumberColumn("Memory, MB", format="localized"),
            "snapshot": st.column_config.NumberColumn("Snapshot", format="%d"),
            "said": st.column_config.TextColumn("What it said", width="large"),
        },
        placeholder="–",
        alt="The last runs, the newest first",
    )


def _show_tables(made: dict[str, dt.datetime], now: dt.datetime) -> None:
    if not made:
        st.markdown("No run has built a table yet.")
        return
    order = ("Too old", "Late", "Fresh")
    rows = [
        {"state": judge_age(at, now), "layer": name.partition(".")[0], "table": name, "age": spell_age(at, now)}
        | {"at": at}
        for name, at in made.items()
    ]
    rows.sort(key=lambda row: (order.index(str(row["state"])), row["at"], row["table"]))
    st.caption(
        f"When a run last brought each table up to date, looked into or built. {WARN_DAYS} days are late, "
        f"{FAIL_DAYS} too old: many chains import once a week."
    )
    st.dataframe(
        rows,
        hide_index=True,
        column_config={
            "state": st.column_config.TextColumn("State", width="small"),
            "layer": st.column_config.TextColumn("Layer", width="small"),
            "table": "Table",
            "age": "Up to date",
            "at": st.column_config.DatetimeColumn("At (UTC)", format="D MMM YYYY HH:mm", timezone="UTC"),
        },
        alt="Tables, the oldest first",
    )


def _steps(run: Run) -> list[Step]:
    """A run that has ended says the same for ever; one at work is looked at anew."""
    if run["state"] == "running":
        return _read_steps(run["dagster_run_id"])
    return _kept_steps(run["dagster_run_id"])


def _read_steps(dagster_run_id: str) -> list[Step]:
    with pipeline_storage().connect() as connection:
        return steps(driver(connection), dagster_run_id)


_kept_steps = st.cache_data(show_spinner=False, max_entries=50)(_read_steps)


def _number(value: int | None) -> str:
    return "–" if value is None else format_number(value)


def _megabytes(value: int | None) -> str:
    return "–" if value is None else f"{format_number(value)} MB"
