"""What the web app does once, before its first page: it loads every view, and settles what lives as long as it does."""

from __future__ import annotations

import gc
import logging
from importlib import import_module


def begin() -> None:
    """Load the views and the figures that they name; then leave all that is loaded out of every garbage collection.

    A full collection looks at each object there is and holds up every page meanwhile: .1 s for what is loaded here.
    """
    logging.disable(logging.WARNING)  # Streamlit tells whoever imports a page that no page is being served
    from dashboards.shell import offered

    offered()  # reads the boards, and with them the catalogue
    import_module("pandas.io.formats.style")  # what tables are drawn by

    logging.disable(logging.NOTSET)
    gc.collect()
    gc.freeze()
