"""What is deployed fits what there is: settings, roles, folders, secrets; the image's file by its own linter."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from cryptography import x509
from psycopg.conninfo import conninfo_to_dict

from ims.commands.serve import Role
from ims.settings import Settings
from tests.identities import make_identities

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
COMPOSE = yaml.safe_load((DEPLOY / "compose" / "compose.yml").read_text())
SERVED = {name: COMPOSE["services"][name] for name in ("postgres", "proxy")}
FILES = {"rootcert": "ca.crt", "cert": "tls.crt", "key": "tls.key"}
OURS = {name: each for name, each in COMPOSE["services"].items() if "image" in each and "ims" in each["image"].lower()}
VARIABLES = {f"IMS_{name.upper()}" for name in Settings.model_fields} | {"IMS_HOME"}


def test_the_image_is_linted_and_holds_every_package():
    linter = Path(sys.executable).parent / "hadolint"
    done = subprocess.run(
        [linter, DEPLOY / "image" / "Dockerfile"], capture_output=True, text=True, check=False, cwd=ROOT
    )
    assert done.returncode == 0, done.stdout
    text = (DEPLOY / "image" / "Dockerfile").read_text()
    packages = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    for package in packages["packages"]:
        assert f"COPY {package} {package}\n" in text
        assert f"\n!{package}\n" in (ROOT / ".dockerignore").read_text()
    assert "\nUSER 10001\n" in text
    assert set(re.findall(r"\b(IMS_[A-Z_]+)=", text)) <= VARIABLES


def test_compose_starts_each_role_that_there_is():
    roles = {each["command"][each["command"].index("--role") + 1] for each in OURS.values()}
    assert roles == {role.value for role in Role} - {"all"}


@pytest.mark.parametrize("name", sorted(OURS))
def test_a_container_of_ours_may_do_nothing_it_need_not(name):
    each = OURS[name]
    assert each["read_only"] is True
    assert each["cap_drop"] == ["ALL"]
    assert each["security_opt"] == ["no-new-privileges:true"]
    assert each["deploy"]["resources"]["limits"]["memory"]
    assert set(each["environment"]) <= VARIABLES


def test_every_secret_is_a_setting_or_somebody_elses_and_is_made_by_the_script(tmp_path):
    for name in COMPOSE["secrets"]:
        assert name.upper() in VARIABLES or not name.startswith("ims_"), name
    used = {name for each in COMPOSE["services"].values() for name in each.get("secrets", ())}
    assert used == set(COMPOSE["secrets"])
    script = tmp_path / "secrets.sh"
    script.write_text((DEPLOY / "compose" / "secrets.sh").read_text())
    for expected in (True, False):  # the second time there is nothing to make
        done = subprocess.run(["sh", str(script)], capture_output=True, text=True, check=True)
        assert bool(done.stdout) is expected
    made = {path.name: path for path in (tmp_path / "secrets").iterdir()}
    assert set(made) == set(COMPOSE["secrets"])
    # a container's user is not their owner, and sees them past the folder that keeps everybody else out
    assert (tmp_path / "secrets").stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in made.values()} == {0o444}


def test_the_secrets_that_are_made_can_be_used(tmp_path, monkeypatch):
    from api.identity.keys import load_key_ring, load_pseudonym_key, load_vault
    from ims.settings import get_settings

    script = tmp_path / "secrets.sh"
    script.write_text((DEPLOY / "compose" / "secrets.sh").read_text())
    subprocess.run(["sh", str(script)], capture_output=True, check=True)
    monkeypatch.setenv("IMS_SECRETS_DIR", str(tmp_path / "secrets"))
    monkeypatch.setenv("IMS_HOME", str(tmp_path / "home"))
    get_settings.cache_clear()
    settings = get_settings()
    assert load_key_ring(settings).algorithm == "EdDSA"
    assert load_vault(settings, "anything").encrypt(b"x")
    assert len(load_pseudonym_key(settings)) >= 32
    assert not (tmp_path / "home" / "keys").exists(), "no key is made where one is given"


def identity_of(service: dict[str, Any]) -> str:
    """Whose folder a container sees at /run/identity."""
    (mount,) = [each for each in service["volumes"] if not isinstance(each, str)]
    assert (mount["source"], mount["target"], mount["read_only"]) == ("identities", "/run/identity", True)
    return str(mount["volume"]["subpath"])


def test_each_part_has_its_own_certificate_and_no_other(tmp_path):
    make_identities(tmp_path)
    made = {path.name for path in tmp_path.iterdir()}
    seen = {name: identity_of(each) for name, each in {**OURS, **SERVED}.items()}
    assert seen == {**{name: name for name in (*OURS, "postgres")}, "proxy": "door"}
    assert made - set(seen.values()) == {"authority", "prometheus"}, "who signs is seen by nobody"
    assert {path.name for path in (tmp_path / "door").iterdir()} == {"ca.crt"}
    idents = (DEPLOY / "kubernetes" / "components" / "selfhosted" / "pg_ident.conf").read_text()
    assert set(re.findall(r"^parts (\w+) +ims$", idents, re.MULTILINE)) == set(OURS)


def test_the_parts_are_asked_by_tls_alone_and_ask_by_their_certificates(tmp_path):
    make_identities(tmp_path)
    for name, each in OURS.items():
        url = conninfo_to_dict(each["environment"]["IMS_DATABASE_URL"])
        assert url == {
            "user": "ims",
            "host": "postgres",
            "dbname": "ims",
            "sslmode": "verify-full",
            **{f"ssl{word}": f"/run/identity/{file}" for word, file in FILES.items()},
        }
        if name == "dagster":
            continue
        certificate = x509.load_pem_x509_certificate((tmp_path / name / "tls.crt").read_bytes())
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        assert set(names.get_values_for_type(x509.DNSName)) == {name, "localhost"}
        told = each["environment"]
        assert told["IMS_TLS_CERTIFICATE_FILE"] == "/run/identity/tls.crt", name
        assert told["IMS_TLS_KEY_FILE"] == "/run/identity/tls.key", name
        assert told["IMS_TLS_AUTHORITY_FILE"] == "/run/identity/ca.crt", name
        assert told["IMS_METRICS_NAMES"] == "prometheus"
        assert "https://localhost:8000/health" in each["healthcheck"]["test"][-1]
    assert OURS["dashboards"]["environment"]["IMS_API_URL"] == "https://api:8000"
    command = SERVED["postgres"]["command"]
    for setting in ("ssl=on", "hba_file=/etc/pg_hba.conf", "ident_file=/etc/pg_ident.conf"):
        assert setting in command


def test_the_proxy_knows_the_services_by_their_names():
    text = (DEPLOY / "proxy" / "ims.conf").read_text()
    for host, _ in re.findall(r"server (\w+):(\d+);", text):
        assert host in COMPOSE["services"]
    (network,) = COMPOSE["networks"]["default"]["ipam"]["config"]
    assert all(each["environment"]["IMS_PROXIES"] == network["subnet"] for each in OURS.values())
    assert set(re.findall(r"proxy_pass (\w+)://", text)) == {"https"}
    assert re.findall(r"proxy_ssl_verify (\w+);", text) == ["on"]
    ports = {mapping.split(":")[1] for mapping in COMPOSE["services"]["proxy"]["ports"]}
    assert ports == set(re.findall(r"listen (\d+)", text))
