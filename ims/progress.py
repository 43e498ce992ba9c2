"""Progress on long work: a rich bar on a terminal, nothing anywhere else."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Progress = Callable[[str, int, int | None], None]


@contextmanager
def progress_bar() -> Iterator[Progress]:
    """A callable `(description, done, total)`; a new description starts a new line of the display."""
    if not sys.stderr.isatty():
        yield lambda description, done, total: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, SpinnerColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Display

    columns = (
        SpinnerColumn(finished_text="✓"),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Display(*columns, console=Console(stderr=True)) as display:
        tasks: dict[str, int] = {}

        def show(description: str, done: int, total: int | None) -> None:
            if description not in tasks:
                for earlier in tasks.values():
                    display.stop_task(earlier)  # type: ignore[arg-type]  # rich's TaskID is a NewType of int
                tasks[description] = display.add_task(description, total=total)
            display.update(tasks[description], completed=done, total=total)  # type: ignore[arg-type]  # as above

        yield show
