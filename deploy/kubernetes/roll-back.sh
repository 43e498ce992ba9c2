#!/bin/sh
# The release before, at once: deploy/kubernetes/roll-back.sh production. Its schema is what the newer one left, which a
# release goes on working with (docs/operations.md).
set -eu
folder=$(dirname "$0")
namespace=$("$folder/render.sh" "$1" namespace)
for name in api dashboards dagster; do
    kubectl rollout undo "deployment/$name" --namespace "$namespace"
done
for name in api dashboards dagster; do
    kubectl rollout status "deployment/$name" --namespace "$namespace" --timeout 300s
done
