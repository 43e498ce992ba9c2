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

from api.identity.policy import roles
from ims.commands.serve import Role
from ims.failure import WrongInput
from ims.settings import Settings, get_settings

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "deploy" / "kubernetes"
OVERLAYS = ("staging", "production")
# of operators that the cluster has; their schemas are not Kubernetes' own
OPERATORS = {"Issuer", "Certificate", "ExternalSecret", "Cluster", "ScheduledBackup", "ObjectStore"}
VARIABLES = {f"IMS_{name.upper()}" for name in Settings.model_fields} | {"PGSSLMODE", "PGSSLROOTCERT"}

every_overlay = pytest.mark.parametrize("overlay", OVERLAYS)


@cache
def rendered(overlay: str) -> list[dict[str, Any]]:
    done = subprocess.run([FOLDER / "render.sh", overlay], capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    return list(yaml.safe_load_all(done.stdout))


def of_kind(overlay: str, *kinds: str) -> dict[str, dict[str, Any]]:
    return {each["metadata"]["name"]: each for each in rendered(overlay) if each["kind"] in kinds}


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
    (settings,) = of_kind(overlay, "ConfigMap").values()
    for name, template in ours(overlay).items():
        container = template["spec"]["containers"][0]
        if container["args"] == ["run"]:
            continue
        assert {"startupProbe", "livenessProbe", "readinessProbe"} <= set(container), name
        told = float(settings["data"]["IMS_DRAIN_SECONDS"]) + Settings.model_fields["stop_timeout_seconds"].default
        assert template["spec"]["terminationGracePeriodSeconds"] > told
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
    (settings,) = of_kind(overlay, "ConfigMap").values()
    host = settings["data"]["IMS_ALLOWED_HOSTS"]
    assert settings["data"]["IMS_PUBLIC_URL"] == f"https://{host}"
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
        (volume,) = [each["secret"] for each in pod["volumes"] if each["name"] == "tls"]
        assert volume["secretName"] == parts["secretName"]
    (settings,) = of_kind(overlay, "ConfigMap").values()
    assert settings["data"]["IMS_API_URL"] == "https://api:8000"
    assert given["IMS_TLS_AUTHORITY_FILE"] == "/tls/ca.crt", "the dashboards believe nobody else"


@every_overlay
def test_every_setting_is_one_of_ours_and_can_be_used(overlay, tmp_path, monkeypatch):
    (settings,) = of_kind(overlay, "ConfigMap").values()
    assert set(settings["data"]) <= VARIABLES
    started(overlay, tmp_path, monkeypatch, left_out="")


def started(overlay: str, folder: Path, monkeypatch: pytest.MonkeyPatch, left_out: str) -> Settings:
    """What a pod of the overlay would read, where the file `left_out` is not mounted."""
    (settings,) = of_kind(overlay, "ConfigMap").values()
    for name, value in settings["data"].items():
        monkeypatch.setenv(name, value)
    for name in mounted(overlay):
        if name != left_out and name.startswith("ims_"):
            (folder / name).write_text("postgresql://ims@database/ims" if name.endswith("_url") else "x" * 32)
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
@pytest.mark.parametrize("name", ["database_url", "jwt_key", "secret_key", "pseudonym_key", "metrics_token"])
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
    # the operator names its secrets after the cluster
    asked = {secret for secret, _ in mounted("production").values()} - {"ims"}
    assert asked == {f"{cluster['metadata']['name']}-{end}" for end in ("app", "ca")}
    (plugin,) = cluster["spec"]["plugins"]
    assert plugin["parameters"]["barmanObjectName"] in of_kind("production", "ObjectStore")
    (backup,) = of_kind("production", "ScheduledBackup").values()
    assert backup["spec"]["cluster"]["name"] == cluster["metadata"]["name"]
    (server,) = of_kind("staging", "StatefulSet").values()
    (postgres,) = server["spec"]["template"]["spec"]["containers"]
    compose = yaml.safe_load((ROOT / "deploy" / "compose" / "compose.yml").read_text())
    assert postgres["image"] == compose["services"]["postgres"]["image"]
    assert "ssl=on" in postgres["args"]
