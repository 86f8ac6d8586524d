# The two commands a newcomer needs are `make run` and `make test`; `make help` lists the rest.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PORT ?= 8000
TEST_WORKERS ?= 2

export PORT

.DEFAULT_GOAL := help
.PHONY: help port-is-free setup setup-dev run test lint schema clean

help: ## List the commands
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

setup: $(VENV)/.runtime ## Make the environment for running

setup-dev: $(VENV)/.development ## Make the environment for tests and lint

$(VENV)/.runtime: requirements.txt
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --requirement requirements.txt
	@touch $@

$(VENV)/.development: requirements-dev.txt $(VENV)/.runtime
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --requirement requirements-dev.txt
	@touch $@

port-is-free: setup
	@$(BIN)/python -c 'import socket; socket.create_server(("127.0.0.1", $(PORT)))' 2> /dev/null \
		|| { echo "Port $(PORT) is in use; try: make run PORT=8010"; exit 1; }

run: port-is-free ## Set up, migrate, load the demo, serve, and say what to try
	@$(BIN)/python manage.py migrate --verbosity 0
	@$(BIN)/python manage.py collectstatic --noinput --verbosity 0
	@$(BIN)/python manage.py seed
	@$(BIN)/python manage.py demo_access
	@$(BIN)/python manage.py audit_seal --every 5s > /dev/null & \
		exec $(BIN)/gunicorn --config gunicorn.conf.py cs_integrations.wsgi

test: setup-dev ## Run the whole suite
	@$(BIN)/python -m pytest -n $(TEST_WORKERS) --dist loadscope

lint: setup-dev ## Check style, types, imports, migrations and the OpenAPI document
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python manage.py makemigrations --check --dry-run
	@$(BIN)/python manage.py spectacular --validate --fail-on-warn --file /dev/null
	@echo "lint: clean"

schema: setup ## Print the OpenAPI document
	@$(BIN)/python manage.py spectacular --format openapi-json --validate --fail-on-warn

clean: ## Remove the environment and the embedded database
	rm -rf $(VENV) .data staticfiles
