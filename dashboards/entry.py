"""The script Streamlit runs for every page. Its folder stands first on the import path, so everything is elsewhere."""

from __future__ import annotations

from dashboards.shell import show_site

show_site()
