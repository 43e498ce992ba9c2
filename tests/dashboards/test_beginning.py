"""What the web app does before its first page: no page loads a view, and no collection looks at what is loaded."""

from __future__ import annotations

import subprocess
import sys

SAY = """
import gc, logging, sys
from dashboards.beginning import begin
begin()
assert "dashboards.views.reorder" in sys.modules
assert not logging.getLogger("any").isEnabledFor(logging.DEBUG) and logging.getLogger("any").isEnabledFor(logging.ERROR)
print(gc.get_freeze_count(), len(gc.get_objects()))
"""


def test_what_is_loaded_is_left_out_of_every_collection() -> None:
    done = subprocess.run([sys.executable, "-c", SAY], capture_output=True, text=True, check=True)
    frozen, looked_at = map(int, done.stdout.split())
    assert frozen > 50_000
    assert looked_at < 1_000
    assert done.stderr == "", "Streamlit's warnings about a page without a server are nobody's business"
