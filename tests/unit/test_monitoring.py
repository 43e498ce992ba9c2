"""The rules of monitoring: valid, each with a case that fires it and one that does not, on figures that there are."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest
import yaml

from api.services.observations import BUSINESS, PIPELINE, POOL_COUNTERS, POOL_GAUGES

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "deploy" / "monitoring"
RULES = sorted((FOLDER / "alerts").glob("*.yml"))
CASES = sorted((FOLDER / "alerts" / "tests").glob("*.yml"))
GROUPS = [group for path in RULES for group in yaml.safe_load(path.read_text())["groups"]]
ALERTS = {rule["alert"]: rule for group in GROUPS for rule in group["rules"] if "alert" in rule}
# what exporters beside us say, and what the backup writes into the text files of node_exporter
OTHERS = re.compile(r"^(up|pg_|node_|ims_backup_|ims:)")


def ran(*command: str | Path) -> str:
    done = subprocess.run([str(word) for word in command], cwd=FOLDER, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def exported() -> set[str]:
    """The names under which `/metrics` shows samples, as the code gives them."""
    text = (ROOT / "api" / "services" / "observations.py").read_text()
    bases = set(re.findall(r'"(ims_[a-z_]+)"', text)) | {f"ims_{name}" for name in PIPELINE}
    bases |= {name for name, *_ in (*POOL_COUNTERS.values(), *POOL_GAUGES.values())}
    assert BUSINESS.events.describe()[0].name + "_total" in bases
    histograms = {name for name in bases if name.endswith("_seconds")}
    return bases | {f"{name}{end}" for name in histograms for end in ("_bucket", "_count", "_sum")}


def test_the_rules_are_valid():
    assert len(ALERTS) >= 20
    ran("promtool", "check", "rules", *RULES)
    ran("promtool", "check", "config", "--syntax-only", "prometheus.yml")


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_each_alert_fires_when_it_should_and_stays_silent_when_not(path):
    ran("promtool", "test", "rules", path)


def test_each_alert_has_a_case_that_fires_it_and_one_that_does_not():
    fired, silent = set[str](), set[str]()
    for path in CASES:
        for case in yaml.safe_load(path.read_text())["tests"]:
            for asked in case["alert_rule_test"]:
                (fired if asked["exp_alerts"] else silent).add(asked["alertname"])
    assert fired == set(ALERTS)
    assert silent == set(ALERTS)


@pytest.mark.parametrize("name", sorted(ALERTS))
def test_an_alert_says_how_grave_it_is_what_happened_and_what_to_do(name):
    assert ALERTS[name]["labels"]["severity"] in {"critical", "warning", "info"}
    assert len(ALERTS[name]["annotations"]["summary"]) > 20
    assert f"\n## {name}\n" in (ROOT / "docs" / "runbooks.md").read_text()


def test_no_runbook_is_of_an_alert_that_is_gone():
    assert set(re.findall(r"^## (\w+)$", (ROOT / "docs" / "runbooks.md").read_text(), re.M)) == set(ALERTS)


def check_names(query: str) -> None:
    """Each figure that the query names is exported by us or by an exporter beside us."""
    without_labels = re.sub(r"\{[^}]*\}|\"[^\"]*\"|\b(by|on|without) \([^)]*\)", " ", query)
    names = {name for name in re.findall(r"[a-z_:][a-z0-9_:]*", without_labels) if "_" in name or name == "up"}
    for name in names - {"histogram_quantile", "predict_linear", "avg_over_time"}:
        assert name in exported() or OTHERS.match(name), f"{query}: {name}"


def test_each_figure_of_a_rule_is_one_that_somebody_exports():
    for group in GROUPS:
        for rule in group["rules"]:
            check_names(rule["expr"])
    with pytest.raises(AssertionError, match="ims_nothing"):
        check_names("sum(rate(ims_nothing_total[5m]))")


def test_each_kind_and_code_that_a_rule_counts_is_one_of_ours():
    kinds = (ROOT / "api" / "services" / "audit_kinds.toml").read_text()
    code = "\n".join(path.read_text() for path in (ROOT / "api").rglob("*.py"))
    text = "\n".join(path.read_text() for path in RULES)
    for kind in re.findall(r'kind="([a-z.]+)"', text):
        assert f'"{kind}"' in kinds
    for refusal in re.findall(r'code="([a-z-]+)"', text):
        assert f'"{refusal}"' in code


@pytest.mark.parametrize(
    ("severity", "receivers"), [("critical", "on-call,lead,team"), ("warning", "team"), ("info", "mail")]
)
def test_an_alert_reaches_those_who_are_meant(severity, receivers):
    ran("amtool", "check-config", "alertmanager.yml")
    told = ran("amtool", "config", "routes", "test", "--config.file", "alertmanager.yml", f"severity={severity}")
    assert told.strip() == receivers


def test_what_is_silenced_by_something_greater_is_an_alert():
    text = (FOLDER / "alertmanager.yml").read_text()
    for pattern in re.findall(r"alertname =~? \"?([\w.*|]+)\"?\]", text):
        for part in pattern.split("|"):
            assert any(re.fullmatch(part, name) for name in ALERTS), part


def panels():
    for path in sorted((FOLDER / "grafana" / "dashboards").glob("*.json")):
        for panel in json.loads(path.read_text())["panels"]:
            yield path.stem, panel


def test_each_panel_asks_what_prometheus_can_read_of_figures_that_somebody_exports(tmp_path):
    asked = [(board, target["expr"]) for board, panel in panels() for target in panel["targets"]]
    assert {board for board, _ in asked} == {"api", "business", "database", "pipeline"}
    for _, query in asked:
        check_names(query)
    rules = [{"record": f"panel:{number}", "expr": query} for number, (_, query) in enumerate(asked)]
    path = tmp_path / "panels.yml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}))
    ran("promtool", "check", "rules", path)


def test_panels_have_a_title_a_unit_and_a_place_of_their_own():
    taken = set()
    for board, panel in panels():
        assert panel["title"]
        assert panel["fieldConfig"]["defaults"]["unit"]
        place = panel["gridPos"]
        cells = {
            (board, x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, (board, panel["title"])
        taken |= cells
