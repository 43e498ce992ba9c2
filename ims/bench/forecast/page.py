"""The report of `ims bench forecast`, and docs/forecast-bench.md: no figure in it is typed.

`ims bench forecast --chain vn2 --json vn2.json; python -m ims.bench.forecast.page vn2.json ...` puts each run in the
place of what stood under its heading.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ims.bench.forecast.scale import scale_report

PAGE = Path(__file__).parents[3] / "docs" / "forecast-bench.md"
OURS = "ims"
WORDS = """# Forecasts beside their peers

Written by `python -m ims.bench.forecast.page` from the results of `ims bench forecast`; every figure is the mean over
rolling windows of a chain's own past, four weeks judged each, all methods in one process on the same weeks. WQL is the
weighted quantile loss of 19 quantiles (.05 to .95), WAPE the weighted absolute error of the mean; judged on weeks
fully on the shelf, so the bias is that of in-stock weeks. Coverage of the .90 quantile is told from both sides,
P(y < q) and P(y ≤ q): counts tie. Seconds are per window, MB the highest of the process. A peer's sum of three weeks is
forecast directly, from blocks of three weeks.
"""
COLUMNS = ("wql", "sum_wql", "wape", "bias", "coverage", "sum coverage", "cpu s", "clock s", "MB")
# figure -> words, lowest and highest value that reach it
TARGETS: dict[str, tuple[str, float | None, float | None]] = {
    "wql_of_best_peer": ("weekly WQL against the best peer", None, 0.95),
    "sum_wql_of_best_peer": ("WQL of the 3-week sum against the best peer", None, None),
    "sum_coverage": ("coverage of the .90 quantile of the 3-week sum, ties split", 0.88, 0.92),
    "bias": ("bias on in-stock weeks", -0.03, 0.03),
}


def figures_reached(found: dict[str, Any]) -> dict[str, float]:
    """The figures that a target is set for."""
    means = {name: method["mean"] for name, method in found["methods"].items()}
    peers = [mean for name, mean in means.items() if name != OURS]
    return {
        "wql_of_best_peer": means[OURS]["wql"] / min(mean["wql"] for mean in peers),
        "sum_wql_of_best_peer": means[OURS]["sum_wql"] / min(mean["sum_wql"] for mean in peers),
        "sum_coverage": means[OURS]["sum_coverage_exact"],
        "bias": means[OURS]["bias"],
    }


def targets_report(found: dict[str, Any]) -> list[list[str]]:
    """Rows figure, measured, to reach, ratio (measured over the nearest end of what is to be reached), verdict."""
    rows = []
    for name, value in figures_reached(found).items():
        words, low, high = TARGETS[name]
        if low is None and high is None:
            rows.append([words, f"{value:.3f}", "-", "-", ""])
            continue
        end = high if low is None or (high is not None and abs(value - high) < abs(value - low)) else low
        assert end is not None, "one of the two is given"
        wanted = f"{end:.2f} or less" if low is None else f"{low:.2f} to {high:.2f}"
        reaches = (low is None or value >= low) and (high is None or value <= high)
        rows.append([words, f"{value:.3f}", wanted, f"{value / end:.2f}", "reached" if reaches else "misses"])
    return rows


def methods_report(found: dict[str, Any]) -> list[list[str]]:
    """A row a method, best weekly WQL first."""
    ordered = sorted(found["methods"].items(), key=lambda item: item[1]["mean"]["wql"])
    return [
        [
            name,
            f"{m['wql']:.4f}",
            f"{m['sum_wql']:.4f}",
            f"{m['wape']:.4f}",
            f"{m['bias']:+.1%}",
            f"{m['coverage_below']:.3f} / {m['coverage_upto']:.3f}",
            f"{m['sum_coverage_below']:.3f} / {m['sum_coverage_upto']:.3f}",
            f"{m['cpu_seconds']:.1f}",
            f"{m['seconds']:.1f}",
            f"{m['peak_mb']:.0f}",
        ]
        for name, m in ((name, method["mean"]) for name, method in ordered)
    ]


def forecast_report(found: dict[str, Any]) -> list[str]:
    """Everything that was found, for a terminal."""
    lines = [_headline(found), *found["notes"]]
    lines += _align([["method", *COLUMNS], *methods_report(found)])
    lines += _align([["figure", "measured", "to reach", "ratio", ""], *targets_report(found)])
    return lines


def write_page(measured: list[dict[str, Any]], page: str = "") -> str:
    """docs/forecast-bench.md: `page` with each run in the place of what stood under its heading."""
    parts = [*re.split(r"^(?=## )", page, flags=re.MULTILINE)[1:], *("\n".join(_section(found)) for found in measured)]
    told = {part.partition("\n")[0]: part.strip() for part in parts}
    return f"{WORDS}\n" + "\n\n".join(told.values()) + "\n"


def _section(found: dict[str, Any]) -> Iterator[str]:
    at, machine = found["at"], found["machine"]
    measured = f"{at['day']}, commit {at['commit']}, {machine['cores']} cores ({machine['processor']})"
    if "groups" in found:
        yield f"## {found['chain']}: features, forecast and policy by the clock\n"
        yield f"    {found['command']}\n"
        yield f"Stores in groups, one after the other. {measured}.\n"
        yield from (f"    {line}" for line in scale_report(found))
        yield ""
        return
    yield f"## {found['chain']}\n"
    yield f"    {found['command']}\n"
    yield (f"{_headline(found)} {measured}, load {machine['load']} before.\n")
    yield from (f"{note}\n" for note in found["notes"])
    yield from _table([["method", *COLUMNS], *methods_report(found)])
    yield ""
    yield from _table([["figure", "measured", "to reach", "ratio", ""], *targets_report(found)])
    yield ""
    yield "Weekly WQL of each window:\n"
    best = min((name for name in found["methods"] if name != OURS), key=lambda n: found["methods"][n]["mean"]["wql"])
    ours, theirs = (found["methods"][name]["windows"] for name in (OURS, best))
    yield from _table(
        [
            ["window from", OURS, best, "ratio", "bias of ims"],
            *(
                [day, f"{a['wql']:.4f}", f"{b['wql']:.4f}", f"{a['wql'] / b['wql']:.3f}", f"{a['bias']:+.1%}"]
                for day, a, b in zip(found["origins"], ours, theirs, strict=True)
            ),
        ]
    )
    yield ""
    if "parts" in found["methods"][OURS]:
        yield "Where the loss arises, each split adding up to the WQL above; share: of all of ours.\n"
        yield from _table([["part", "share", OURS, best, "ratio"], *parts_report(found, best)])
        yield ""


def parts_report(found: dict[str, Any], best: str) -> list[list[str]]:
    """Rows part, share of our loss in it, ours, the best peer's, ratio; parts in which nothing is lost are left out."""
    ours, theirs = (found["methods"][name]["parts"] for name in (OURS, best))
    whole = found["methods"][OURS]["mean"]["wql"]
    return [
        [name, f"{loss / whole:.0%}", f"{loss:.4f}", f"{theirs[name]:.4f}", f"{loss / theirs[name]:.3f}"]
        for name, loss in ours.items()
        if loss > 0 and theirs[name] > 0
    ]


def _headline(found: dict[str, Any]) -> str:
    return (
        f"{found['n_series']:,} series, {found['n_weeks']} weeks; {len(found['origins'])} windows, "
        f"{found['judged_series']:,} series judged."
    )


def _table(rows: list[list[str]]) -> Iterator[str]:
    yield f"| {' | '.join(rows[0])} |"
    yield f"|{'---|' * len(rows[0])}"
    yield from (f"| {' | '.join(row)} |" for row in rows[1:])


def _align(rows: list[list[str]]) -> list[str]:
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
    return [
        "  ".join(
            [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        )
        for row in rows
    ]


if __name__ == "__main__":
    PAGE.write_text(write_page([json.loads(Path(name).read_text()) for name in sys.argv[1:]], PAGE.read_text()))
