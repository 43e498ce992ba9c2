"""What the web app does once, before its first page: it loads every view, and settles what lives as long as it does."""

from __future__ import annotations

import gc
import logging


def begin() -> None:
    """Load the views, so that no page waits for them; then leave all that is loaded out of every garbage collection.

    A full collection looks at each object there is and holds up every page meanwhile: .1 s for what is loaded here.
    """
    logging.disable(logging.WARNING)  # Streamlit tells whoever imports a page that no page is being served
    import dashboards.shell  # noqa: F401  (loaded, not used here)

    logging.disable(logging.NOTSET)
    gc.collect()
    gc.freeze()
