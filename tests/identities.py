"""What compose's own script certifies: who is who inside."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

COMPOSE = Path(__file__).parents[1] / "deploy" / "compose"


def make_identities(folder: Path) -> None:
    """The authority and each part's certificate, or those of a day anew, for this process's own group."""
    group = str(os.getgid())
    environment = {**os.environ, "IMS_GROUP": group, "POSTGRES_GROUP": group}
    subprocess.run(
        ["sh", COMPOSE / "certificates.sh", folder, "once"], check=True, capture_output=True, env=environment
    )
