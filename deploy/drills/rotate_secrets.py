#!/usr/bin/env python
"""Drill: the JWT key, the database's password and the mail server's password are changed while a till works.

Secrets are files of IMS_SECRETS_DIR. A rotation is a release: a fresh process with the new file passes the gate, gets
the traffic, the old one ends (deploy/blue-green), so nobody is refused. Prints how long each took.
"""

from __future__ import annotations

import argparse
import ssl
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psycopg
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
from blue_green import COLOURS, Street
from scene import DrillFailed, Scene, expect, free_ports, say, scene, wait_until
from world import Chain, published_chain
from writing import Till, sign_in

from ims.bench.people import add_people

FIRST, SECOND = "the-first-one", "the-second-one"
PAYLOAD = '{"reference": "D-1", "store": "the drill"}'
MAIL = "INSERT INTO outbox_messages (topic, channel, recipient, subject, payload) VALUES (%s, 'smtp', %s, 'drill', %s)"


@dataclass
class Vault:
    """The folder of secrets, each a file named like its variable."""

    folder: Path

    def put(self, name: str, secret: str) -> None:
        """A secret in place of the one before; who reads the file sees the one or the other."""
        fresh = self.folder / f".{name}"
        fresh.write_text(secret)
        fresh.chmod(0o600)
        fresh.replace(self.folder / name)

    def get(self, name: str) -> str:
        """What is in force."""
        return (self.folder / name).read_text()


@dataclass
class MailServer:
    """Takes mail from whoever knows the password."""

    password: str
    port: int
    received: list[str] = field(default_factory=list)
    refused: int = 0

    def start(self, folder: Path) -> Controller:
        """Listen, with TLS, until stopped."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(folder / "mail.crt", folder / "mail.key")
        server = Controller(
            self,
            hostname="127.0.0.1",
            port=self.port,
            authenticator=self._know,
            auth_required=True,
            tls_context=context,
        )
        server.start()
        return server

    async def handle_DATA(self, _: Any, __: Any, envelope: Any) -> str:  # noqa: N802  (aiosmtpd's name)
        """A mail."""
        self.received.append(envelope.content.decode(errors="replace"))
        return "250 OK"

    def _know(self, _: Any, __: Any, ___: Any, ____: str, data: Any) -> AuthResult:
        is_known = data.password.decode() == self.password
        self.refused += not is_known
        return AuthResult(success=is_known)


class Rotation:
    """A chain whose secrets are files, behind two places of which one is served from."""

    def __init__(self, chain: Chain) -> None:
        self.chain = chain
        self.vault = Vault(chain.scene.folder_of("secrets"))
        chain.secrets = self.vault.folder
        self.street = Street(chain)
        self.hold = 1.5

    def begin(self) -> None:
        """A user of PostgreSQL with a password, keys, and the first release."""
        cluster = self.chain.cluster
        cluster.ask(f"CREATE ROLE ims_a LOGIN SUPERUSER PASSWORD '{FIRST}'")
        access = cluster.data / "pg_hba.conf"
        access.write_text(f"host all ims_a,ims_b 127.0.0.1/32 scram-sha-256\n{access.read_text()}")
        cluster.ask("SELECT pg_reload_conf()")
        self.vault.put("ims_database_url", cluster.url("ims", "ims_a", FIRST))
        self.vault.put("ims_jwt_key", new_key())
        self.street.open()
        self.street.put("blue")
        wait_until("blue is behind the door", lambda: self.street.proxy.is_up("blue"), 30)

    def release(self) -> float:
        """A fresh process with the secrets of now takes the traffic; seconds."""
        began = time.monotonic()
        old = next(iter(self.street.standing))
        new = COLOURS[1 - COLOURS.index(old)]
        self.street.put(new)
        code, words = self.street.switch(new, self.hold)
        expect(code == 0, f"a release with the new secret: {words.strip().splitlines()[-1]}")
        self.street.take_away(old)
        return time.monotonic() - began


def drill(playing: Scene, profile: str) -> None:
    """All of it, in order."""
    chain = published_chain(playing, profile)
    rotation = Rotation(chain)
    rotation.begin()
    passwords, _ = add_people(chain.cluster.url())
    address = f"http://127.0.0.1:{rotation.street.door}"
    who = {"username": "bench-admin", "password": passwords["bench-admin"]}
    token = sign_in(address, **who)
    with Till(address, token, chain.cluster.url()) as till:
        times = {"the database's password": change_database_password(rotation)}
        times["the mail server's password"] = change_mail_password(rotation)
        expect(not till.refused, f"a till was never refused, {len(till.kept)} orders later: it saw {till.seen(0)}")
        times["the JWT key"] = change_jwt_key(rotation, address, who, till)
    expect(not till.lost(), f"none of {len(till.kept)} orders is lost")
    logs = "".join(path.read_text(errors="replace") for path in playing.folder.glob("*.log"))
    bodies = [line for line in rotation.vault.get("ims_jwt_key").splitlines() if not line.startswith("---")]
    expect(not any(secret in logs for secret in (FIRST, SECOND, *bodies)), "no log has a secret")
    for what, seconds in times.items():
        say(f"{what}: {seconds:.1f} s")
    say(f"rotation of {len(times)} secrets, the longest: {max(times.values()):.1f} s")


def change_database_password(rotation: Rotation) -> float:
    """Another login with the same rights, then the file, then a release; the old login goes when nobody uses it.

    A new password for the same login would do it, but for what the old process still opens: it would not be ready.
    """
    began, cluster = time.monotonic(), rotation.chain.cluster
    cluster.ask(f"CREATE ROLE ims_b LOGIN SUPERUSER PASSWORD '{SECOND}'")
    rotation.vault.put("ims_database_url", cluster.url("ims", "ims_b", SECOND))
    rotation.release()
    cluster.ask("ALTER ROLE ims_a NOLOGIN")  # what it made stays its own
    try:
        psycopg.connect(cluster.url("ims", "ims_a", FIRST)).close()
    except psycopg.OperationalError:
        say("shown: the old password opens nothing any more")
    else:
        raise DrillFailed("NOT SO: the old password opens nothing any more")
    return time.monotonic() - began


def change_mail_password(rotation: Rotation) -> float:
    """Mail that the old password does not open the door for waits, and goes out with the new one."""
    folder, (port,) = rotation.chain.scene.folder, free_ports(1)
    make = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=localhost"]
    extension = ["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    rotation.chain.scene.run([*make, *extension, "-keyout", folder / "mail.key", "-out", folder / "mail.crt"])
    server = MailServer(FIRST, port)
    controller = server.start(folder)
    rotation.chain.scene.stack.callback(controller.stop)
    trust = {"SSL_CERT_FILE": str(folder / "mail.crt")}
    rotation.street.chain.scene.environment.update(trust)
    rotation.vault.put("ims_smtp_url", f"smtp+starttls://ims:{FIRST}@localhost:{port}")
    rotation.release()
    send(rotation.chain)
    wait_until("mail goes out with the first password", lambda: len(server.received) == 1, 90)
    began = time.monotonic()
    server.password = SECOND
    send(rotation.chain)
    wait_until("the old password is refused", lambda: server.refused > 0, 90)
    rotation.vault.put("ims_smtp_url", f"smtp+starttls://ims:{SECOND}@localhost:{port}")
    rotation.release()
    rotation.chain.cluster.ask("UPDATE outbox_messages SET available_at = now() WHERE state = 'pending'")
    wait_until("what waited goes out with the second password", lambda: len(server.received) == 2, 90)
    say("shown: mail waits while the password is wrong, and goes out with the right one")
    return time.monotonic() - began


def change_jwt_key(rotation: Rotation, address: str, who: dict[str, str], till: Till) -> float:
    """The new key signs and the old one still verifies; later the old one goes, and with it what it signed."""
    began, old = time.monotonic(), rotation.vault.get("ims_jwt_key")
    tokens = httpx.post(f"{address}/api/v1/tokens", json=who, timeout=30).json()
    rotation.vault.put("ims_jwt_key", new_key() + old)
    rotation.release()
    took = time.monotonic() - began
    expect(status(address, tokens["access_token"]) == 200, "a session of before goes on: its access token is taken")
    fresh = sign_in(address, **who)
    till.stop()
    expect(not till.refused, f"and a till was never refused: it saw {till.seen(0)}")
    rotation.vault.put("ims_jwt_key", rotation.vault.get("ims_jwt_key").removesuffix(old))
    rotation.release()
    expect(status(address, tokens["access_token"]) == 401, "with the old key gone its access tokens are refused")
    expect(status(address, fresh) == 200, "those of the new key are taken")
    again = httpx.post(f"{address}/api/v1/tokens/refresh", json={"refresh_token": tokens["refresh_token"]}, timeout=30)
    expect(again.status_code in {200, 201}, "and the session of before goes on all the same, by its refresh token")
    return took


def send(chain: Chain) -> None:
    """A mail into the outbox."""
    with psycopg.connect(chain.cluster.url()) as connection:
        connection.execute(MAIL, ("order.ready", "somebody@example.com", PAYLOAD))


def status(address: str, token: str) -> int:
    """What one with this token is told."""
    return httpx.get(f"{address}/api/v1/account", headers={"authorization": f"Bearer {token}"}, timeout=30).status_code


def new_key() -> str:
    """An Ed25519 key in PEM."""
    made = subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519"], check=True, capture_output=True, text=True)
    return made.stdout


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--profile", default="ci", choices=("ci", "demo", "large"))
    given = parser.parse_args()
    with scene("rotate-secrets") as stage:
        drill(stage, given.profile)
