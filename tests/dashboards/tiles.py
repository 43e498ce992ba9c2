"""Reads the tiles of a page back out of what went to the browser."""

from __future__ import annotations

from xml.etree import ElementTree

from streamlit.testing.v1 import AppTest

from dashboards.tile_rows import Tile


def tiles_on(page: AppTest) -> list[Tile]:
    """Every tile of the page, in its order."""
    rows = [each.proto.body for each in page.get("html") if 'class="ims-tiles' in each.proto.body]
    found = ElementTree.fromstring(f"<page>{''.join(rows)}</page>").iterfind('.//div[@class="ims-tile"]')
    return [_read(tile) for tile in found]


def values_on(page: AppTest) -> dict[str, str]:
    """What each tile says, by its label."""
    return {tile.label: tile.value for tile in tiles_on(page)}


def _read(tile: ElementTree.Element) -> Tile:
    words = {part.get("class", "").partition(" ")[0]: part.text or "" for part in tile}
    about = tile.find('.//button[@class="ims-help"]')
    change = words.get("ims-change")
    return Tile(
        words["ims-label"],
        words["ims-value"],
        "" if about is None else about.get("aria-label", ""),
        None if change is None else change.removeprefix("↑ ").removeprefix("↓ "),
        note=words.get("ims-note", ""),
    )
