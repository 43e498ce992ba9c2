"""Rolling windows of a chain's past: the engine and its peers forecast each, and are judged on the weeks that followed.

Frames in, a dictionary of figures out; the report and the page are made from it elsewhere.
"""

from __future__ import annotations

import resource
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from ims.bench.forecast.chain import Chain
from ims.bench.forecast.parts import split_loss
from ims.bench.forecast.peers import Peer, list_peers
from ims.bench.forecast.seen import see
from ims.progress import Progress
from models.features.panel import Ints, Panel, build_panel, cut_panel
from models.forecast.engine import forecast
from models.forecast.judge import Made, exact_cover, judge, read_forecast

HORIZON = 4
# The first window leaves this much to learn from, where the chain has it; windows of a short history overlap.
LEAST_HISTORY = 40
OURS = "ims"


def list_origins(n_weeks: int, windows: int) -> list[int]:
    """Columns at which windows begin, the last one four weeks before the end: four weeks apart, or closer.

    157 weeks, 10 windows: 117, 121, ... 153. 64 weeks, 10 windows: 42, 44, ... 60.
    """
    last = n_weeks - HORIZON
    apart = min(max((last - LEAST_HISTORY) // max(windows - 1, 1), 1), HORIZON)
    return [origin for origin in range(last - apart * (windows - 1), last + 1, apart) if origin > 0]


def bench_forecast(chain: Chain, windows: int, series: int, progress: Progress) -> dict[str, Any]:
    """Figures of every method and window. `series`: judge and run peers on that many only, drawn once; 0: all."""
    panel = build_panel(chain.demand, chain.catalog, chain.as_of)
    rows = np.arange(panel.n_series)
    if 0 < series < len(rows):
        rows = np.sort(np.random.default_rng(0).choice(rows, series, replace=False))
    methods = [OURS, *list_peers()]
    found: dict[str, list[dict[str, float]]] = {name: [] for name in methods}
    parts: dict[str, list[dict[str, float]]] = {name: [] for name in methods}
    origins = list_origins(panel.n_weeks, windows)
    for done, origin in enumerate(origins):
        for name in methods:
            progress(f"window {done + 1} of {len(origins)}", methods.index(name), len(methods))
            figures, split = _run_window(chain, panel, origin, name, rows)
            found[name].append(figures)
            parts[name].append(split)
        progress(f"window {done + 1} of {len(origins)}", len(methods), len(methods))
    return {
        "notes": _notes(methods, len(rows), panel.n_series),
        "chain": chain.name,
        "n_series": panel.n_series,
        "n_weeks": panel.n_weeks,
        "judged_series": len(rows),
        "origins": [panel.monday(origin).isoformat() for origin in origins],
        "methods": {
            name: {"windows": figures, "mean": summarise(figures), "parts": _average(parts[name])}
            for name, figures in found.items()
        },
    }


def _notes(methods: list[str], judged: int, n_series: int) -> list[str]:
    notes = []
    if judged < n_series:
        notes.append(
            f"Judged on {judged:,} series drawn once; ours and the global models learn from all {n_series:,}, local "
            "peers run on the drawn ones alone."
        )
    missing = [name for name in ("AutoETS", "mlforecast Tweedie, conformal") if name not in methods]
    if missing:
        notes.append(f"Left out, because not installed (uv sync --group bench): {', '.join(missing)}.")
    return notes


def summarise(windows: list[dict[str, float]]) -> dict[str, float]:
    """Means over windows; bias by units, so that a month of little sale weighs little."""
    units = [window["units"] for window in windows]
    means = _average(windows)
    means["bias"] = float(np.average([window["bias"] for window in windows], weights=units))
    means["peak_mb"] = max(window["peak_mb"] for window in windows)
    return means


def _average(windows: list[dict[str, float]]) -> dict[str, float]:
    return {name: float(np.mean([window[name] for window in windows])) for name in windows[0]}


def _run_window(
    chain: Chain, panel: Panel, origin: int, name: str, rows: Ints
) -> tuple[dict[str, float], dict[str, float]]:
    if name == OURS:
        with measure() as used:
            made = forecast(chain.demand, chain.catalog, panel.monday(origin), HORIZON, known=chain.known)
            said = read_forecast(made, HORIZON)
        figures = judge(panel, origin, said, rows) | {"sum_coverage_exact": exact_cover(made, panel, origin, rows)}
        return figures | used, split_loss(panel, origin, said, rows)
    peer: Peer = list_peers()[name]
    seen = see(cut_panel(panel, origin), rows)
    with measure() as used:
        mean, quantiles = peer(seen, HORIZON)
    _, sums = peer(seen.blocks(), 1)
    told = Made(mean, quantiles, sums[:, 0])
    return judge(panel, origin, told, rows) | used, split_loss(panel, origin, told, rows)


@contextmanager
def measure() -> Iterator[dict[str, float]]:
    """Seconds of the clock and of the processor, and the highest memory of this process while it lasted, in MB."""
    used: dict[str, float] = {}
    read_peak = _watch_memory()
    wall, cpu = time.perf_counter(), time.process_time()
    yield used
    used["seconds"], used["cpu_seconds"] = time.perf_counter() - wall, time.process_time() - cpu
    used["peak_mb"] = read_peak()


def _watch_memory() -> Callable[[], float]:
    status = Path("/proc/self/status")
    try:
        Path("/proc/self/clear_refs").write_text("5")  # Linux: forget the peak so far
    except OSError:
        return lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

    def read_peak() -> float:
        lines = [line for line in status.read_text().splitlines() if line.startswith("VmHWM")]
        return int(lines[0].split()[1]) / 1024

    return read_peak
