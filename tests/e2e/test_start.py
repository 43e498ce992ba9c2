"""How soon the API answers and what it holds: the figures behind the limits of its container (deploy/kubernetes).

`pytest -s tests/e2e/test_start.py` prints both, and `ims readiness` holds the time against its target. The test itself
holds the work of a start, which is the same on a machine that others use too.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

import httpx
import psutil
import pytest
import yaml

from tests.e2e.test_graceful import serving

pytestmark = [pytest.mark.slow, pytest.mark.e2e, pytest.mark.timeout(180)]
ROOT = Path(__file__).parents[2]
REQUESTS = 2_000
STARTS = 3


def memory_limit() -> int:
    """Bytes that Kubernetes gives a pod of the API: `512Mi` is 512 of them."""
    documents = yaml.safe_load_all((ROOT / "deploy" / "kubernetes" / "base" / "api.yaml").read_text())
    (container,) = next(documents)["spec"]["template"]["spec"]["containers"]
    return int(container["resources"]["limits"]["memory"].removesuffix("Mi")) << 20


def held(pid: int) -> int:
    """Bytes that the process and its children hold; what they share counts once."""
    process = psutil.Process(pid)
    return sum(each.memory_full_info().pss for each in [process, *process.children(recursive=True)])


def work(pid: int) -> float:
    """Seconds of a core that the process has used."""
    times = psutil.Process(pid).cpu_times()
    return float(times.user + times.system)


def test_the_api_answers_soon_and_fits_its_container(installation, make_user, tmp_path, monkeypatch):
    monkeypatch.delenv("COVERAGE_PROCESS_CONFIG", raising=False)  # what counts lines costs half of a start again
    token = make_user(installation.databases.operational, "admin", ("admin",))
    took, worked, most = [], [], 0
    for number in range(STARTS):
        begun = time.perf_counter()
        with serving(tmp_path / f"{number}.log") as served:
            took.append(time.perf_counter() - begun)
            worked.append(work(served.process.pid))
            if number:
                continue
            with httpx.Client(base_url=served.address, headers={"authorization": f"Bearer {token}"}) as client:
                for asked in range(REQUESTS):
                    path = ("/api/v1/stores", "/api/v1/products", "/api/v1/orders", "/api/v1/users")[asked % 4]
                    assert client.get(path).status_code == 200
            most = held(served.process.pid)
    print(f"\nthe API answered {min(took):.2f} s after its start ({min(worked):.2f} s of a core)", end=" ")
    print(f"and held {most >> 20} MiB after {REQUESTS} requests; load of this machine: {os.getloadavg()[0]:.1f}")
    assert most < memory_limit() == 512 << 20
    assert min(worked) < 3
