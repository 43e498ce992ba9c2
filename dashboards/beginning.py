"""What the web app does once, before its first page: it loads every view, and settles what lives as long as it does."""

from __future__ import annotations

import gc
import logging
from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dashboards.shell import Offered


def begin() -> None:
    """Load the views and the figures that they name; then leave all that is loaded out of every garbage collection.

    A full collection looks at each object there is and holds up every page meanwhile: .1 s for what is loaded here.
    """
    load_views()
    import_module("pandas.io.formats.style")  # what tables are drawn by
    gc.collect()
    gc.freeze()


def load_views() -> Sequence[Offered]:
    """Every view that there is, with the boards and the catalogue that they read."""
    logging.disable(logging.WARNING)  # Streamlit tells whoever imports a page that no page is being served
    from dashboards.shell import offered

    views = offered()
    logging.disable(logging.NOTSET)
    return views
