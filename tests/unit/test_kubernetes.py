"""The manifests as kustomize renders them: valid for the oldest and the newest Kubernetes, and what they say of IMS."""

from __future__ import annotations

import json
import re
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from psycopg.conninfo import conninfo_to_dict

from api.identity.policy import roles
from ims.commands.serve import Role
from ims.failure import WrongInput
from ims.settings import Settings, get_settings

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "deploy" / "kubernetes"
OVERLAYS = ("staging", "production")
# of operators that the cluster has; their schemas are not Kubernetes' own
OPERATORS = {"Issuer", "Certificate", "ExternalSecret", "Cluster", "ScheduledBackup", "ObjectStore", "ServiceMonitor"}
PROVED = {"PGSSLROOTCERT": "ca.crt", "PGSSLCERT": "tls.crt", "PGSSLKEY": "tls.key"}
VARIABLES = {f"IMS_{name.upper()}" for name in Settings.model_fields} | {"PGSSLMODE", *PROVED}

every_overlay = pytest.mark.parametrize("overlay", OVERLAYS)


@cache
def rendered(overlay: str) -> list[dict[str, Any]]:
    done = subprocess.run([FOLDER / "render.sh", overlay], capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    return list(yaml.safe_load_all(done.stdout))


def of_kind(overlay: str, *kinds: str) -> dict[str, dict[str, Any]]:
    return {each["metadata"]["name"]: each for each in rendered(overlay) if each["kind"] in kinds}


def told(overlay: str) -> dict[str, str]:
    """The settings that every pod of ours is given."""
    (found,) = [each["data"] for name, each in of_kind(overlay, "ConfigMap").items() if name.startswith("ims-")]
    return dict(found)


def pods(overlay: str) -> dict[str, dict[str, Any]]:
    """The template of each pod by the name of who makes it."""
    found = {name: each["spec"]["template"] for name, each in of_kind(overlay, "Deployment", "StatefulSet").items()}
    jobs = of_kind(overlay, "CronJob")
    return found | {name: each["spec"]["jobTemplate"]["spec"]["template"] for name, each in jobs.items()}


def ours(overlay: str) -> dict[str, dict[str, Any]]:
    return {name: each for name, each in pods(overlay).items() if each["spec"]["containers"][0]["name"] == "ims"}


@every_overlay
@pytest.mark.parametrize("version", ["1.28", kubernetes_validate.latest_version()])
def test_each_object_is_valid(overlay, version):
    kinds = set()
    for each in rendered(overlay):
        if each["kind"] not in OPERATORS:
            kubernetes_validate.validate(each, version, strict=True)
            kinds.add(each["kind"])
    assert len(kinds) >= 13
    broken = yaml.safe_load(yaml.safe_dump(of_kind(overlay, "Deployment")["api"]))
    broken["spec"]["template"]["spec"]["containers"][0]["livenesProbe"] = {}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(broken, version, strict=True)


@every_overlay
def test_each_role_is_served_and_every_object_lies_in_the_overlays_namespace(overlay):
    (namespace,) = of_kind(overlay, "Namespace")
    assert namespace == ("ims" if overlay == "production" else "ims-staging")
    assert all(each["metadata"].get("namespace") in {namespace, None} for each in rendered(overlay))
    arguments = [each["spec"]["containers"][0]["args"] for each in ours(overlay).values()]
    assert {each[2] for each in arguments if each[:2] == ["serve", "--role"]} == {role.value for role in Role} - {"all"}
    assert ["run"] in arguments


@every_overlay
def test_a_pod_may_do_nothing_it_need_not(overlay):
    for name, template in pods(overlay).items():
        pod = template["spec"]
        assert pod["automountServiceAccountToken"] is False, name
        assert pod["securityContext"]["runAsNonRoot"] is True, name
        for container in pod["containers"]:
            assert container["securityContext"] == {
                "readOnlyRootFilesystem": True,
                "allowPrivilegeEscalation": False,
                "capabilities": {"drop": ["ALL"]},
            }, name
            assert set(container["resources"]) == {"requests", "limits"}, name


@every_overlay
def test_everything_that_serves_is_probed_and_ends_in_its_time(overlay):
    settings = told(overlay)
    for name, template in ours(overlay).items():
        container = template["spec"]["containers"][0]
        if container["args"] == ["run"]:
            continue
        assert {"startupProbe", "livenessProbe", "readinessProbe"} <= set(container), name
        drained = float(settings["IMS_DRAIN_SECONDS"]) + Settings.model_fields["stop_timeout_seconds"].default
        assert template["spec"]["terminationGracePeriodSeconds"] > drained
        assert {each["topologyKey"] for each in template["spec"]["topologySpreadConstraints"]} == {
            "topology.kubernetes.io/zone",
            "kubernetes.io/hostname",
        }


@every_overlay
def test_a_service_an_autoscaler_and_a_budget_find_their_pods(overlay):
    labels = {name: each["metadata"]["labels"] for name, each in pods(overlay).items()}

    def found(selector: dict[str, str]) -> set[str]:
        return {name for name, each in labels.items() if selector.items() <= each.items()}

    for name, service in of_kind(overlay, "Service").items():
        assert found(service["spec"]["selector"]) == (set() if name == "nobody" else {name})
    for name, budget in of_kind(overlay, "PodDisruptionBudget").items():
        assert found(budget["spec"]["selector"]["matchLabels"]) == {name}
    (scaler,) = of_kind(overlay, "HorizontalPodAutoscaler").values()
    assert "replicas" not in of_kind(overlay, "Deployment")[scaler["spec"]["scaleTargetRef"]["name"]]["spec"]
    if overlay == "production":
        assert (scaler["spec"]["minReplicas"], scaler["spec"]["maxReplicas"]) == (3, 10)


@every_overlay
def test_pages_are_sent_on_to_https_and_the_api_is_not(overlay):
    named = {name: each["metadata"]["annotations"] for name, each in of_kind(overlay, "Ingress").items()}
    found = {name: each.get("nginx.ingress.kubernetes.io/ssl-redirect") for name, each in named.items()}
    assert found == {"api": "false", "dashboards": None}
    (settings,) = [
        each["data"] for each in of_kind(overlay, "ConfigMap").values() if "IMS_ALLOWED_HOSTS" in each["data"]
    ]
    assert settings["IMS_PUBLIC_URL"].startswith("https://")


def test_everybody_has_a_second_factor_in_production():
    asked = rf"IMS_REQUIRE_TOTP_ROLES\W+(?:jsonencode\()?({re.escape(json.dumps(roles()))})"
    for name in ("kubernetes/overlays/production/settings/kustomization.yaml", "terraform/main.tf"):
        assert re.search(asked, (ROOT / "deploy" / name).read_text()), name


@every_overlay
def test_the_network_is_closed_but_for_what_is_named(overlay):
    policies = of_kind(overlay, "NetworkPolicy")
    assert policies["nothing"]["spec"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    (world,) = policies["to-the-world"]["spec"]["egress"][0]["to"]
    assert {"10.0.0.0/8", "169.254.0.0/16"} <= set(world["ipBlock"]["except"])
    for name in ours(overlay):
        reached = policies["to-database"]["spec"]["podSelector"]["matchExpressions"][0]["values"]
        assert name in reached
    assert "dagster" not in str(policies["web"]), "Dagster's page has no sign-in"


@every_overlay
def test_the_host_is_one_and_only_the_outside_of_it_is_open(overlay):
    settings = told(overlay)
    host = settings["IMS_ALLOWED_HOSTS"]
    assert settings["IMS_PUBLIC_URL"] == f"https://{host}"
    closed, services = set(), of_kind(overlay, "Service")
    for each in of_kind(overlay, "Ingress").values():
        assert each["spec"]["tls"] == [{"hosts": [host], "secretName": "tls"}]
        (rule,) = each["spec"]["rules"]
        assert rule["host"] == host
        for path in rule["http"]["paths"]:
            assert path["backend"]["service"]["name"] in services
            if path["backend"]["service"]["name"] == "nobody":
                closed.add(path["path"])
    proxy = (ROOT / "deploy" / "proxy" / "ims.conf").read_text()
    assert all(path[1:] in proxy for path in closed)
    assert closed == {"/metrics", "/ready", "/health"}


@every_overlay
def test_the_parts_are_asked_by_tls_and_proved(overlay):
    """By the door, by the dashboards and by the probes; of the door's words, those that its documentation has."""
    (namespace,) = of_kind(overlay, "Namespace")
    certificates = of_kind(overlay, "Certificate")
    issuers = of_kind(overlay, "Issuer")
    parts, authority = certificates["parts"]["spec"], certificates["parts-authority"]["spec"]
    assert issuers[parts["issuerRef"]["name"]]["spec"]["ca"]["secretName"] == authority["secretName"]
    for name in ("api", "dashboards"):
        assert name in parts["dnsNames"]
        said = of_kind(overlay, "Ingress")[name]["metadata"]["annotations"]
        prefix = "nginx.ingress.kubernetes.io/"
        assert {word.removeprefix(prefix): said[word] for word in said if "ssl-" in word or "backend" in word} == {
            "backend-protocol": "HTTPS",
            "proxy-ssl-verify": "on",
            "proxy-ssl-server-name": "on",
            "proxy-ssl-protocols": "TLSv1.3",
            "proxy-ssl-name": name,
            "proxy-ssl-secret": f"{namespace}/{parts['secretName']}",
        } | ({"ssl-redirect": "false"} if name == "api" else {})
        pod = pods(overlay)[name]["spec"]
        (container,) = pod["containers"]
        assert {container[f"{kind}Probe"]["httpGet"]["scheme"] for kind in ("startup", "liveness", "readiness")} == {
            "HTTPS"
        }
        given = {each["name"]: each["value"] for each in container["env"]}
        assert set(given) <= VARIABLES
        assert given["IMS_TLS_CERTIFICATE_FILE"] == "/tls/tls.crt"
        assert given["IMS_TLS_KEY_FILE"] == "/tls/tls.key"
        assert given["IMS_TLS_AUTHORITY_FILE"] == "/tls/ca.crt", "nobody else is believed"
        assert given["IMS_METRICS_NAMES"] == "prometheus"
        (volume,) = [each["secret"] for each in pod["volumes"] if each["name"] == "tls"]
        assert volume["secretName"] == parts["secretName"]
    settings = told(overlay)
    assert settings["IMS_API_URL"] == "https://api:8000"


@every_overlay
def test_every_setting_is_one_of_ours_and_can_be_used(overlay, tmp_path, monkeypatch):
    settings = told(overlay)
    assert set(settings) <= VARIABLES
    started(overlay, tmp_path, monkeypatch, left_out="")


def started(overlay: str, folder: Path, monkeypatch: pytest.MonkeyPatch, left_out: str) -> Settings:
    """What a pod of the overlay would read, where the file `left_out` is not mounted."""
    settings = told(overlay)
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    for name in mounted(overlay):
        if name != left_out and name.startswith("ims_"):
            (folder / name).write_text("x" * 32)
    monkeypatch.setenv("IMS_SECRETS_DIR", str(folder))
    get_settings.cache_clear()
    try:
        return get_settings()
    finally:
        get_settings.cache_clear()


def mounted(overlay: str) -> dict[str, tuple[str, str]]:
    """The files of secrets in each pod of ours: secret and key by name; none of them may be missing."""
    (volume,) = {
        yaml.safe_dump(volume["projected"])
        for template in ours(overlay).values()
        for volume in template["spec"]["volumes"]
        if volume["name"] == "secrets"
    }
    found = {}
    for source in yaml.safe_load(volume)["sources"]:
        assert not source["secret"].get("optional")
        for item in source["secret"]["items"]:
            found[item["path"]] = (source["secret"]["name"], item["key"])
    return found


@every_overlay
@pytest.mark.parametrize("name", ["jwt_key", "secret_key", "pseudonym_key"])
def test_a_secret_that_is_missing_fails_at_the_start_by_its_name(overlay, name, tmp_path, monkeypatch):
    assert f"ims_{name}" in mounted(overlay)
    with pytest.raises(WrongInput, match=f"IMS_{name.upper()} is not given"):
        started(overlay, tmp_path, monkeypatch, left_out=f"ims_{name}")


@every_overlay
def test_no_secret_is_written_in_a_manifest_and_each_comes_from_somebody(overlay):
    assert not of_kind(overlay, "Secret")
    (given,) = of_kind(overlay, "ExternalSecret").values()
    assert {each["secretKey"] for each in given["spec"]["data"]} == {
        key for secret, key in mounted(overlay).values() if secret == given["spec"]["target"]["name"]
    }


def test_the_database_is_an_operators_or_our_own():
    (cluster,) = of_kind("production", "Cluster").values()
    assert cluster["spec"]["instances"] == 3
    (plugin,) = cluster["spec"]["plugins"]
    assert plugin["parameters"]["barmanObjectName"] in of_kind("production", "ObjectStore")
    (backup,) = of_kind("production", "ScheduledBackup").values()
    assert backup["spec"]["cluster"]["name"] == cluster["metadata"]["name"]
    (server,) = of_kind("staging", "StatefulSet").values()
    (postgres,) = server["spec"]["template"]["spec"]["containers"]
    compose = yaml.safe_load((ROOT / "deploy" / "compose" / "compose.yml").read_text())
    assert postgres["image"] == compose["services"]["postgres"]["image"]
    assert "ssl=on" in postgres["args"]


@every_overlay
def test_each_part_signs_in_by_a_certificate_of_a_day(overlay):
    certificates = {each["spec"]["secretName"]: each["spec"] for each in of_kind(overlay, "Certificate").values()}
    names = set()
    for pod in ours(overlay).values():
        (secret,) = [each["secret"]["secretName"] for each in pod["spec"]["volumes"] if each["name"] == "identity"]
        mounts = {each["name"]: each["mountPath"] for each in pod["spec"]["containers"][0]["volumeMounts"]}
        assert mounts["identity"] == "/run/identity"
        assert certificates[secret]["duration"] == "24h"
        assert certificates[secret]["issuerRef"]["name"] == "parts"
        names.add(certificates[secret]["commonName"])
    settings = told(overlay)
    assert {name: settings[name] for name in PROVED} == {name: f"/run/identity/{file}" for name, file in PROVED.items()}
    assert settings["PGSSLMODE"] == "verify-full"
    url = conninfo_to_dict(settings["IMS_DATABASE_URL"])
    assert set(url) == {"user", "host", "dbname"}, "no password"
    assert url["host"] in certificates["database-tls"]["dnsNames"]
    allowed, idents = rules(overlay)
    assert "hostssl all ims all cert map=parts" in allowed
    assert not re.search(r"scram|md5|trust|password", " ".join(allowed))
    assert {line for line in idents if line.startswith("parts ")} == {f"parts {name} ims" for name in names}


def rules(overlay: str) -> tuple[list[str], list[str]]:
    """Of pg_hba.conf and of pg_ident.conf, one blank between words."""
    if overlay == "production":
        (cluster,) = of_kind(overlay, "Cluster").values()
        said = cluster["spec"]["postgresql"]
        assert said["pg_hba"][-1] == "host all all all reject", "the operator's own last rule lets passwords in"
        used = cluster["spec"]["certificates"]
        assert used["clientCASecret"] == used["replicationTLSSecret"] == "database-replication"
        return said["pg_hba"], said["pg_ident"]
    (files,) = [each["data"] for name, each in of_kind(overlay, "ConfigMap").items() if name.startswith("database-")]
    (server,) = of_kind(overlay, "StatefulSet").values()
    (postgres,) = server["spec"]["template"]["spec"]["containers"]
    for name in files:
        assert any(word.endswith(f"=/etc/database/{name}") for word in postgres["args"])
    texts = (files["pg_hba.conf"], files["pg_ident.conf"])
    hba, ident = ([" ".join(line.split()) for line in text.splitlines() if line[:1] not in "#"] for text in texts)
    return hba, ident


def test_prometheus_asks_by_its_certificate():
    (monitor,) = of_kind("production", "ServiceMonitor").values()
    (endpoint,) = monitor["spec"]["endpoints"]
    proved = endpoint["tlsConfig"]
    secret = proved["keySecret"]["name"]
    assert {proved["ca"]["secret"]["name"], proved["cert"]["secret"]["name"]} == {secret}
    certificate = of_kind("production", "Certificate")[secret]["spec"]
    assert (certificate["commonName"], certificate["duration"]) == ("prometheus", "24h")
    assert proved["serverName"] in of_kind("production", "Certificate")["parts"]["spec"]["dnsNames"]
    ports = {port["name"] for each in of_kind("production", "Service").values() for port in each["spec"]["ports"]}
    assert endpoint["port"] in ports
