#!/bin/sh
# Roll an image out: deploy/kubernetes/roll-out.sh production ghcr.io/example/ims@sha256:…  It must be named by its digest
# and signed by our workflow. A release that does not get well within five minutes is taken back, and this ends with 1.
set -eu
folder=$(dirname "$0")
overlay=$1
image=$2
case $image in *@sha256:*) ;; *) echo "Name the image by its digest: $image" >&2; exit 2 ;; esac
cosign verify --certificate-oidc-issuer https://token.actions.githubusercontent.com \
    --certificate-identity-regexp "${SIGNER:-^https://github.com/.+/.github/workflows/ci.yml@refs/heads/main$}" "$image" >/dev/null

IMAGE=$image "$folder/render.sh" "$overlay" | kubectl apply --server-side --filename -
for name in dagster api dashboards; do
    kubectl rollout status "deployment/$name" --namespace "$("$folder/render.sh" "$overlay" namespace)" --timeout 300s || {
        "$folder/roll-back.sh" "$overlay"
        exit 1
    }
done
