"""A server of Debian's PostgreSQL that speaks TLS; the embedded one does not."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

# Debian's server refuses to run as root; its own user is not ours
OWNER = {"user": "postgres"} if os.getuid() == 0 else {}


@contextmanager
def tls_server(
    files: Mapping[str, Path], allowed: str, settings: Mapping[str, str], password: str, idents: str = ""
) -> Iterator[int]:
    """Its port on 127.0.0.1, with the superuser `ims`.

    `files` are its own by name, to which `settings` (ssl_cert_file …) refer; `allowed` is its pg_hba.conf, `idents` its
    pg_ident.conf.
    """
    binaries = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    if not binaries:
        pytest.fail("No PostgreSQL of the system was found: apt-get install postgresql")
    programs = binaries[-1].parent
    # not below pytest's own folder, which only its user may enter
    made = subprocess.run(["mktemp", "--directory"], capture_output=True, text=True, check=True, cwd="/", **OWNER)
    data = Path(made.stdout.strip())
    for name, path in files.items():
        (data / name).write_bytes(path.read_bytes())
        (data / name).chmod(0o600)
    (data / "password").write_text(password)
    subprocess.run(["chown", "-R", f"--reference={data}", data], check=True)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    cluster = data / "cluster"
    options = ["--username=ims", f"--pwfile={data}/password", "--auth=scram-sha-256", "--no-sync"]
    subprocess.run(
        [programs / "initdb", f"--pgdata={cluster}", *options], check=True, capture_output=True, cwd=data, **OWNER
    )
    (cluster / "pg_hba.conf").write_text(allowed)
    (cluster / "pg_ident.conf").write_text(idents)
    told = " ".join(f"-c {name}={data / value}" for name, value in settings.items())
    words = f"-p {port} -k {data} -c listen_addresses=127.0.0.1 -c fsync=off -c ssl=on {told}"
    control = [programs / "pg_ctl", f"--pgdata={cluster}", "--wait", f"--log={data}/log"]
    started = [*control, "start", f"--options={words}"]
    subprocess.run(started, check=True, capture_output=True, cwd=data, **OWNER)
    try:
        yield port
    finally:
        subprocess.run([*control, "stop", "--mode=immediate"], check=True, capture_output=True, cwd=data, **OWNER)
        subprocess.run(["rm", "-rf", data], check=True)
