"""The generated chain beside what is known of real ones: every figure inside its band, for more than one seed."""

from __future__ import annotations

import pytest

from ims.demo.parameters import read_profile
from ims.demo.statistics.compare import find_strays, measure, read_anchors, write_tables
from ims.demo.story import tell_story
from ims.demo.world import draw_world


def measure_chain(profile: str, seed: int) -> dict[str, float]:
    world = draw_world(read_profile(profile), seed)
    return measure(tell_story(world, [world.days]))


@pytest.fixture(scope="module")
def figures() -> dict[str, float]:
    return measure_chain("ci", 7)


def test_the_small_chain_stays_inside_its_bands(figures: dict[str, float]) -> None:
    assert find_strays(figures, "ci") == []


def test_so_it_does_with_another_seed_and_both_together_come_nearer_to_the_anchors(figures: dict[str, float]) -> None:
    other = measure_chain("ci", 23)
    assert find_strays(other, "ci") == []
    mean = {name: (figures[name] + other[name]) / 2 for name in ("stock-out / all", "turn / frames", "fill / all")}
    assert 0.05 < mean["stock-out / all"] < 0.09
    assert 3.0 < mean["turn / frames"] < 4.6
    assert 0.86 < mean["fill / all"] < 0.93


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_demo_chain_stays_inside_its_bands_and_its_seeds_together_meet_the_anchors() -> None:
    measured = {seed: measure_chain("demo", seed) for seed in (7, 8, 9)}
    assert {seed: find_strays(figures, "demo") for seed, figures in measured.items()} == {7: [], 8: [], 9: []}
    mean = {name: sum(f[name] for f in measured.values()) / 3 for name in measured[7]}
    assert 0.06 < mean["stock-out / all"] < 0.09
    assert 3.0 < mean["turn / frames"] < 4.0
    assert 0.05 < mean["growth a year / all"] < 0.12


def test_a_figure_outside_of_its_band_is_named(figures: dict[str, float]) -> None:
    worse = figures | {"turn / frames": 9.0}
    del worse["fill / all"]
    strays = find_strays(worse, "ci")
    assert len(strays) == 2
    assert any("turn / frames is 9" in s for s in strays)
    assert any("fill / all is not measured" in s for s in strays)


def test_the_report_has_a_row_for_every_anchor_and_a_column_for_every_seed(figures: dict[str, float]) -> None:
    text = write_tables({7: figures, 8: figures})
    rows = [line for line in text.splitlines() if line.startswith("| ") and "anchor" not in line]
    assert len(rows) == sum(len(section.anchors) for section in read_anchors())
    assert all(row.count("|") == 5 for row in rows)


def test_bands_are_bands() -> None:
    for section in read_anchors():
        for anchor in section.anchors:
            assert "demo" in anchor.bands
            assert all(low <= high for low, high in anchor.bands.values()), anchor.name
