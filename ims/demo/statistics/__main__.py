"""`python -m ims.demo.statistics`: the figures of generated chains; with --write, into docs/demo-chain.md."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from ims.demo.parameters import read_profile
from ims.demo.statistics.compare import find_strays, measure, write_tables
from ims.demo.story import tell_story
from ims.demo.world import draw_world

BEGIN, END = "<!-- figures: python -m ims.demo.statistics --write -->\n", "<!-- end of figures -->"


def main() -> int:
    """Print or write the tables; exit code 1 when a figure lies outside of its band."""
    parser = argparse.ArgumentParser(prog="python -m ims.demo.statistics", description=__doc__)
    parser.add_argument("--profile", default="demo")
    parser.add_argument("--seeds", type=int, nargs="+", default=[7, 8, 9])
    parser.add_argument("--write", action="store_true", help="write the tables into docs/demo-chain.md")
    call = parser.parse_args()
    measured: dict[int, dict[str, float]] = {}
    for seed in call.seeds:
        world = draw_world(read_profile(call.profile), seed)
        measured[seed] = measure(tell_story(world, [world.days]))
    tables = write_tables(measured)
    if call.write:
        _replace(Path(__file__).resolve().parents[3] / "docs" / "demo-chain.md", tables)
    else:
        print(tables)
    strays = {seed: find_strays(figures, call.profile) for seed, figures in measured.items()}
    for seed, sentences in strays.items():
        for sentence in sentences:
            print(f"seed {seed}: {sentence}", file=sys.stderr)
    return int(any(strays.values()))


def _replace(page: Path, tables: str) -> None:
    text = page.read_text(encoding="utf-8")
    before, rest = text.split(BEGIN)
    page.write_text(f"{before}{BEGIN}\n{tables}\n{END}{rest.split(END)[1]}", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
