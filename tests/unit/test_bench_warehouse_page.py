"""The warehouse's part of docs/performance.md: a run takes the place of its command's, the others stay as they are."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ims.bench import warehouse_page
from ims.bench.warehouse_page import REACH, TITLE, main

STEP = {"seconds": 2.0, "extract": 1.0, "build": 0.5, "peak_memory_mb": 900, "spilled_mb": 0, "tables_written": 3}


def run_of(command: str, seconds: float) -> dict:
    return {
        "command": command,
        "at": {"day": "2026-01-01", "commit": "abc"},
        "machine": {"cores": 2, "processor": "P", "postgres": "18", "load": 0.1},
        "rows": 10,
        "table": "daily_sales",
        "memory_limit": "4GB",
        "ratios": dict.fromkeys(REACH, 0.5),
        "steps": {"copy": {"seconds": 1.0}, "full": STEP | {"seconds": seconds}},
        "suite": {"checks": 1, "table": "marts.x", "rows": 10, "seconds": 0.1, "peak_memory_mb": 9},
        "questions": [{"question": "sales by all", "page_p95_ms": 1.0, "p95_ms": 2.0, "native_p95_ms": 1.0}],
    }


def test_a_run_takes_the_place_of_what_its_command_found_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page, found = tmp_path / "performance.md", tmp_path / "found.json"
    page.write_text(f"# Performance\n\nBefore.\n\n{TITLE}\n\nOld words.\n")
    monkeypatch.setattr(warehouse_page, "PAGE", page)

    def put(command: str, seconds: float) -> str:
        found.write_text(json.dumps(run_of(command, seconds)))
        main([str(found)])
        return page.read_text()

    put("ims bench warehouse a", 11.0)
    put("ims bench warehouse b", 22.0)
    said = put("ims bench warehouse a", 33.0)
    assert [said.count(each) for each in ("| full | 11.0", "| full | 22.0", "| full | 33.0")] == [0, 1, 1]
    assert said.index("    ims bench warehouse a\n") < said.index("    ims bench warehouse b\n")
    assert said.startswith(f"# Performance\n\nBefore.\n\n{TITLE}\n\nA full run")
    assert (said.count(TITLE), said.count("A full run reads")) == (1, 1)
    main([])
    assert page.read_text() == said
