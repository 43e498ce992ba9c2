"""The Terraform files fit together: what `terraform validate` would say first, as there is no terraform here."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
import yaml

from ims.settings import Settings

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "deploy" / "terraform"
MODULES = sorted((FOLDER / "modules").iterdir())
FOLDERS = [FOLDER, *MODULES]
VARIABLES = {f"IMS_{name.upper()}" for name in Settings.model_fields}


def text_of(folder: Path) -> str:
    """The folder's files, without comments."""
    text = "\n".join(path.read_text() for path in sorted(folder.glob("*.tf")))
    return re.sub(r"(^|\s)#.*$", "", text, flags=re.M)


def blocks(text: str, head: str) -> dict[str, str]:
    """The bodies of the top-level blocks that begin with `head "<name>" {`, by name."""
    found = re.findall(rf'^{head} "([\w-]+)" {{(?: ([^\n]*) }}$|\n(.*?)\n}}$)', text, re.M | re.S)
    return {name: line or body for name, line, body in found}


named = pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)


@named
def test_each_variable_is_declared_with_its_type_and_used(folder):
    text = text_of(folder)
    declared = blocks(text, "variable")
    assert set(re.findall(r"\bvar\.(\w+)", text)) == set(declared)
    assert all(re.search(r"\btype\s+=", body) for body in declared.values())


@named
def test_each_resource_and_local_that_is_named_is_there(folder):
    text = text_of(folder)
    there = {f"{kind}.{name}" for kind, name in re.findall(r'^resource "(\w+)" "(\w+)"', text, re.M)}
    there |= {f"data.{kind}.{name}" for kind, name in re.findall(r'^data "(\w+)" "(\w+)"', text, re.M)}
    asked = re.findall(r"(?<![\w.\"/])((?:data\.)?(?:aws|random)_\w+\.\w+)", text)
    assert set(asked) <= there
    said = re.findall(r"^locals {(?: ([^\n]*) }$|\n(.*?)\n}$)", text, re.M | re.S)
    locals_ = "\n".join(line or body for line, body in said)
    assert set(re.findall(r"\blocal\.(\w+)", text)) <= set(re.findall(r"^\s*(\w+)\s*=", locals_, re.M))


def test_each_module_is_told_what_it_asks_for_and_gives_what_is_asked():
    text = text_of(FOLDER)
    calls = blocks(text, "module")
    sources = {name: re.search(r'source\s+= "\./modules/(\w+)"', body)[1] for name, body in calls.items()}
    assert set(sources.values()) == {path.name for path in MODULES}
    for name, body in calls.items():
        module = text_of(FOLDER / "modules" / sources[name])
        told = set(re.findall(r"^  (\w+)\s*=", body, re.M)) - {"source", "for_each"}
        assert told == set(blocks(module, "variable")), name
        outputs = set(blocks(module, "output"))
        asked = set(re.findall(rf"module\.{name}(?:\[[^\]]+\])?\.(\w+)", text))
        assert asked <= outputs, name
    for name in ("network",):  # given as a whole: a module names the parts that it takes
        for each in MODULES:
            wanted = set(re.findall(rf"\bvar\.{name}\.(\w+)", text_of(each)))
            assert wanted <= set(blocks(text_of(FOLDER / "modules" / name), "output"))


@pytest.mark.parametrize("environment", ["staging", "production"])
def test_an_environment_says_each_variable_but_the_image(environment):
    said = re.sub(r"{ least = (\d+), most = (\d+) }", r"[\1, \2]", (FOLDER / f"{environment}.tfvars").read_text())
    values = tomllib.loads(said)
    assert set(values) == set(blocks(text_of(FOLDER), "variable")) - {"image"}
    assert values["environment"] == environment
    backend = tomllib.loads((FOLDER / f"{environment}.backend").read_text())
    assert backend["key"] == f"{environment}.tfstate"


def test_every_setting_is_one_of_ours():
    said = set(re.findall(r"\b(IMS_[A-Z_]+)\b", text_of(FOLDER)))
    assert said <= VARIABLES
    secrets = re.search(r"secrets = (\[.*?\])", text_of(FOLDER))[1]
    files = set(re.findall(r"'(IMS_\w+)'", text_of(FOLDER / "modules" / "service")))
    assert files == {"IMS_DATABASE_CA", "IMS_PARTS_CERTIFICATE", "IMS_PARTS_KEY"}
    assert {f"IMS_{name.upper()}" for name in yaml.safe_load(secrets)} - files <= VARIABLES


def test_the_load_balancer_and_the_tasks_talk_by_tls():
    door = text_of(FOLDER / "modules" / "door")
    (group,) = re.findall(r'^resource "aws_lb_target_group" "this" {\n(.*?)\n}$', door, re.M | re.S)
    assert set(re.findall(r'protocol\s+= "(\w+)"', group)) == {"HTTPS"}
    (words,) = re.findall(r'entryPoint\s+= (\["python".*\])$', text_of(FOLDER / "modules" / "service"), re.M)
    compile(yaml.safe_load(words)[-1], "entry", "exec")
    told = dict(re.findall(r'(IMS_TLS_\w+)\s+= "/var/lib/ims/([\w.]+)"', text_of(FOLDER)))
    assert told == {"IMS_TLS_CERTIFICATE_FILE": "parts.crt", "IMS_TLS_KEY_FILE": "parts.key"}
    assert all(f"('{name}'" in words for name in told.values())
    assert 'IMS_API_URL       = "https://' in text_of(FOLDER)


def test_what_stands_in_more_than_one_place_is_the_same():
    image = (ROOT / "deploy" / "image" / "Dockerfile").read_text()
    user = re.search(r"^USER (\d+)$", image, re.M)[1]
    assert f'user                   = "{user}"' in text_of(FOLDER / "modules" / "service")
    assert f"uid = {user}" in text_of(FOLDER / "modules" / "data")
    runbooks = (ROOT / "docs" / "runbooks.md").read_text()
    for name in re.findall(r"runbook (\w+)", text_of(FOLDER / "modules" / "watch")):
        assert f"\n## {name}\n" in runbooks
    proxy = (ROOT / "deploy" / "proxy" / "ims.conf").read_text()
    closed = re.search(r'values = (\["/metrics".*?\])', text_of(FOLDER / "modules" / "door"))[1]
    assert all(path[1:] in proxy for path in yaml.safe_load(closed))
