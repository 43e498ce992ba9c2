# The few commands of the project. uv is taken from the PATH, or fetched into the virtual environment.
VENV := .venv
UV := $(or $(shell command -v uv 2>/dev/null),$(VENV)/bin/uv)
RUN := $(VENV)/bin
ARGS ?=
PACKAGES := ims api warehouse expectations models pipelines dashboards

.PHONY: demo test test-slow coverage fuzz readiness check fmt docs environment tools

demo: environment ## build a demo chain, run it, serve it (make demo ARGS=--no-serve only runs it)
	$(RUN)/ims demo $(ARGS)

test: environment tools ## the test suite, in less than ten minutes
	$(RUN)/pytest -m "not slow" $(ARGS)

test-slow: environment tools ## what takes longer: kills, whole journeys, load
	$(RUN)/pytest -m slow $(ARGS)

coverage: environment tools ## the whole suite, counted: all packages, and with branches what must not be wrong (an hour and more)
	rm -f .coverage .coverage.*
	$(RUN)/pytest --cov --cov-report= $(or $(ARGS),tests)
	deploy/check-coverage.sh $(RUN)

MINUTES ?= 15
fuzz: environment ## hostile requests without end, as every role (make fuzz MINUTES=15; again with IMS_FUZZ_SEED)
	IMS_FUZZ_MINUTES=$(MINUTES) $(RUN)/pytest -s tests/api/hostile/test_fuzz.py $(ARGS)

readiness: environment tools ## run what proves each line of production and is not shown yet, and say which are met (hours)
	@for each in pgbackrest restic haproxy; do PATH=$$PATH:/usr/sbin command -v $$each >/dev/null || exec deploy/drills/install.sh; done
	$(RUN)/ims readiness --run $(or $(GROUP),all) --missing

check: environment ## lint, format, types, import layers, SQL, generated docs, security
	$(RUN)/ruff check .
	$(RUN)/ruff format --check .
	$(RUN)/mypy
	$(RUN)/lint-imports
	$(RUN)/python -m warehouse.docs --check
	$(RUN)/python -m api.docs --check
	$(RUN)/python -m expectations.docs --check
	$(RUN)/python -m ims.readiness.controls --check
	$(RUN)/python -m ims.readiness.page --check
	$(RUN)/bandit --quiet --configfile pyproject.toml --recursive $(PACKAGES)
	deploy/check-secrets.sh $(RUN)
	deploy/audit-dependencies.sh $(RUN)

fmt: environment ## format and fix
	$(RUN)/ruff check --fix .
	$(RUN)/ruff format .

docs: environment ## write the generated pages anew
	$(RUN)/python -m warehouse.docs
	$(RUN)/python -m api.docs
	$(RUN)/python -m expectations.docs
	$(RUN)/python -m ims.readiness.controls
	$(RUN)/python -m ims.readiness.page
	$(RUN)/typer ims.cli utils docs --name ims --output docs/cli.md

environment: $(UV) ## the virtual environment, as locked
	@$(UV) sync --quiet --locked

# browser tests need a chromium, the rate limits' tests a Redis, the alerts' tests promtool and amtool, the proxy's an nginx
tools:
	@for each in chromium redis-server promtool amtool nginx; do PATH=$$PATH:/usr/sbin command -v $$each >/dev/null || exec deploy/install-for-tests.sh; done
	@ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1 || exec deploy/install-for-tests.sh

$(VENV)/bin/uv:
	python3 -m venv $(VENV)
	$(RUN)/pip install --quiet uv

include deploy/release.mk
