# make demo: the main job, end to end.   make check: before each commit.   make test: everything.   Each does its own set-up.
.DEFAULT_GOAL := help
.PHONY: help demo check pure test coverage lint bench crawl accessibility agree lock snapshots

SERVE ?= yes
TRACE ?=
PEER ?=
ROWS ?= 1000000

help:
	@echo "make demo            run the whole chain and serve the pages (SERVE=no: end after printing; TRACE=file: a real trace)"
	@echo "make lint            rules, format, floors and types"
	@echo "make check           lint, types, floors and the pure tests, in a minute: no database, no servers"
	@echo "make test            lint, types, floors and all tests (HYPOTHESIS_PROFILE=quick|house|deep: how many examples)"
	@echo "make coverage        all tests, and which branches they took, room by room; money, law, meter and access must reach 95%"
	@echo "                     (TESTS=tests/law: some tests only)"
	@echo "make crawl           every page of every role that links lead to, with its time and its queries"
	@echo "make accessibility   axe-core on every page of every role (minutes)"
	@echo "make bench           the benchmarks, each against a named peer or limit (ten minutes; TRACE=venus-2020-09.csv adds"
	@echo "                     the simulator, PEER=folder a checkout of HeliosArtifact to compare it with)"
	@echo "make agree           every rule, sums of claims and stacking, decided twice over a million random rows (ROWS=n)"
	@echo "make snapshots       store the present API, protocol, help texts and demo figures as the contract (tests/contract)"
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

# What starts no database, no server and no browser; the marks are described in pyproject.toml.
PURE = not db and not slow and not slurm and not ray and not kube and not browser and not spark and not traces

check: .venv
	@sh setup/venv.sh
	@$(MAKE) --no-print-directory -j2 lint pure

pure: .venv
	HYPOTHESIS_PROFILE=$${HYPOTHESIS_PROFILE:-quick} .venv/bin/pytest -n 2 -q -m '$(PURE)'

test: .venv
	@sh setup/venv.sh
	@sh setup/browser.sh
	@sh setup/slurm.sh
	@sh setup/spark.sh
	@sh setup/ray.sh
	@sh setup/jupyter.sh
	@sh setup/catalogue.sh
	@sh setup/names.sh
	@$(MAKE) --no-print-directory lint
	@sh setup/tests.sh

coverage: .venv
	@sh setup/venv.sh
	.venv/bin/coverage erase
	.venv/bin/coverage run -m pytest -n 2 -q $(TESTS)
	.venv/bin/coverage combine -q
	@sh setup/coverage.sh

crawl: .venv
	.venv/bin/python bench/crawl.py

accessibility: .venv
	HUISUAN_ALL_ROLES=1 .venv/bin/python -m pytest -n 0 -q tests/portal/ui/test_accessibility.py

bench: .venv
	@sh setup/venv.sh
	@sh setup/bench.sh || echo "The peer OpenFisca could not be installed; bench/law.py --peer will skip it." >&2
	.venv/bin/python bench/law.py
	.venv/bin/python bench/law.py --peer
	.venv/bin/python bench/usage.py
	.venv/bin/python bench/meter.py
	.venv/bin/python bench/placement.py
	.venv/bin/python bench/sync.py
	.venv/bin/python bench/programmes.py
	.venv/bin/python bench/treasury.py --peer
	.venv/bin/python bench/outputs.py
	.venv/bin/python bench/documents.py
	.venv/bin/python bench/draw.py
	.venv/bin/python bench/opendata.py
	@sh setup/privacy.sh
	.venv/bin/python bench/privacy.py
	.venv/bin/python bench/corpora.py
	.venv/bin/python bench/lattice.py
	$(if $(TRACE),.venv/bin/python bench/simulate.py --trace '$(TRACE)' $(if $(PEER),--peer '$(PEER)'))

agree: .venv
	@sh setup/venv.sh
	.venv/bin/python bench/agree.py --rows $(ROWS)

# Rewrites what tests/contract compares with: for a change that is meant, together with its line in CHANGELOG.md.
snapshots: .venv
	@sh setup/venv.sh
	HUISUAN_REWRITE_SNAPSHOTS=1 .venv/bin/pytest -n 0 -q tests/contract
	@git --no-pager diff --stat -- tests/contract/snapshots

lock:
	uv pip compile -q pyproject.toml --extra platform --extra kubernetes --group dev --generate-hashes --universal \
		--python-version 3.11 --no-emit-index-url -o requirements.lock
	uv pip compile -q --group spark --generate-hashes --universal --python-version 3.11 --no-emit-index-url -o requirements-spark.lock
	uv pip compile -q --group ray --generate-hashes --universal --python-version 3.11 --no-emit-index-url -o requirements-ray.lock
	uv pip compile -q --group jupyter --generate-hashes --universal --python-version 3.11 --no-emit-index-url -o requirements-jupyter.lock
	uv pip compile -q --group catalogue --generate-hashes --universal --python-version 3.11 --no-emit-index-url -o requirements-catalogue.lock
	uv pip compile -q --group privacy --generate-hashes --universal --python-version 3.11 --no-emit-index-url -o requirements-privacy.lock
	uv pip compile -q pyproject.toml --extra names -c requirements.lock --generate-hashes --universal --python-version 3.11 \
		--no-emit-index-url -o requirements-names.lock
	uv pip compile -q pyproject.toml --extra platform --extra agent --extra kubernetes --extra scan --extra names \
		-c requirements.lock -c requirements-names.lock --generate-hashes --universal --python-version 3.11 \
		--no-emit-index-url -o deploy/requirements.lock
	uv pip compile -q --group bench --generate-hashes --universal --python-version 3.11 --no-emit-index-url -o bench/requirements.lock
