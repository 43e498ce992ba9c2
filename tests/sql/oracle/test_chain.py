"""The fixture itself: the chain came over whole, row by row."""

from __future__ import annotations


def test_every_file_came_over(ci) -> None:
    for name in ("stores", "products", "vendors"):
        (rows,) = ci.con.execute(f"SELECT count(*) FROM lake.raw.{name}").fetchone()
        assert rows == ci.file(name).height, name
