# make demo: the main job, end to end.   make test: lint, types, floors, tests.   Each does its own set-up.
.DEFAULT_GOAL := help
.PHONY: help demo test lint bench lock

SERVE ?= yes
TRACE ?=

help:
	@echo "make demo            run the whole chain and serve the pages (SERVE=no: end after printing; TRACE=file: a real trace)"
	@echo "make test            lint, types, floors and tests"
	@echo "make bench           the benchmarks, each against a named peer (a few minutes)"
	@echo "make lock            resolve the packages anew (needs uv)"

.venv: requirements.lock
	@sh setup/venv.sh

demo: .venv
	@sh setup/venv.sh
	@.venv/bin/huisuan demo $(if $(filter no,$(SERVE)),--no-serve) $(if $(TRACE),--trace '$(TRACE)')

lint: .venv
	@sh setup/venv.sh
	.venv/bin/ruff check . && .venv/bin/ruff format --check .
	.venv/bin/lint-imports
	.venv/bin/mypy
	@sh setup/check_policies.sh

test: .venv
	@sh setup/venv.sh
	@sh setup/browser.sh
	@$(MAKE) --no-print-directory lint
	.venv/bin/pytest -n 2

bench: .venv
	@sh setup/venv.sh
	@sh setup/bench.sh || echo "The peer OpenFisca could not be installed; bench/law.py will skip it." >&2
	.venv/bin/python bench/law.py
	.venv/bin/python bench/usage.py

lock:
	uv lock
	uv export --frozen --no-emit-project --all-extras --group dev --format requirements-txt -o requirements.lock
	uv export --frozen --no-emit-project --only-group bench --format requirements-txt -o bench/requirements.lock
