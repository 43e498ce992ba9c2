"""A lake made with IMS_LAKE_ENCRYPTED can be read by its catalog alone; its files say nothing."""

from __future__ import annotations

from pathlib import Path

from warehouse.lake import connect, current_snapshot


def test_the_files_of_an_encrypted_lake_say_nothing(installation) -> None:
    settings = installation.settings.model_copy(update={"lake_encrypted": True})
    for number in range(2):  # the second finds the lake made already
        con = connect(installation.databases, settings)
        con.execute(f"CREATE TABLE lake.marts.t{number} AS SELECT 'legible ' || n AS word FROM range(10000) AS r (n)")
        snapshot = current_snapshot(con)
        con.close()
    files = [path.read_bytes() for path in Path(settings.lake_data_path).rglob("*.parquet")]
    assert len(files) >= 2
    assert all(content[:4] == b"PARE" and b"legible" not in content for content in files)  # not PAR1
    reading = connect(installation.databases, installation.settings, snapshot=snapshot)
    assert reading.execute("SELECT count(*), min(word) FROM lake.marts.t1").fetchall() == [(10_000, "legible 0")]
    reading.close()
