"""`ims maintain`: the warehouse kept small."""

from __future__ import annotations

from typing import Annotated

import typer

from ims.failure import Failure
from ims.progress import progress_bar

Days = Annotated[int, typer.Option("--days", min=1, help="Publications of the last days can be gone back to.")]


def maintain(days: Days = 30) -> None:
    """Keep the warehouse small: merge small files, let go of old snapshots.

    What is served and what was published in the last days stays. Waits for a run that is at work; readers go on. The
    nightly job `upkeep` does the same.
    """
    from api.database import open_databases
    from ims.settings import get_settings
    from pipelines.instance import open_instance
    from pipelines.lock import RunInProgress
    from pipelines.maintenance import maintain_lake, prune_events
    from warehouse.lake import LakeUnavailable

    settings = get_settings()
    databases = open_databases(settings)
    try:
        with progress_bar() as progress:
            done = maintain_lake(settings, databases, progress, days)
    except (LakeUnavailable, RunInProgress) as error:
        raise Failure(str(error)) from error
    with open_instance(settings, databases) as instance:
        pruned = prune_events(instance)
    typer.echo(
        f"{done.expired_snapshots:,} snapshots expired, {done.kept_snapshots:,} stay; {done.removed_files:,} files "
        f"removed, {done.files:,} stay; {pruned:,} old runs removed from the Dagster UI."
    )
