# The front door. `make study` is all a researcher needs; `make help` lists the rest.

PYTHON ?= python3
STUDY ?= toy_robustness
VENV := .venv
BIN := $(VENV)/bin
RUNNING := $(VENV)/.installed

export RAY_USAGE_STATS_ENABLED := 0
export MLFLOW_DISABLE_TELEMETRY := true
export PYTHONWARNINGS := ignore::DeprecationWarning

.DEFAULT_GOAL := help
.PHONY: help setup study data ui tracking-server report paper check format test test-slow test-gpu test-cluster test-browser drills check-statistics docs wheel bench bench-search bench-scale ground-truth audit clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 16

setup: $(RUNNING) ## create .venv and install what running a study needs, as pinned in constraints.txt

$(RUNNING): pyproject.toml constraints.txt infra/environment.py
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "error: Python must be >= 3.11, got $$($(PYTHON) --version); set PYTHON=/path/to/python3.11" >&2; exit 2; }
	@$(PYTHON) infra/environment.py $(VENV)
	@touch $@

# What an extra of pyproject.toml adds.
$(RUNNING)-%: $(RUNNING)
	@$(PYTHON) infra/environment.py $(VENV) $*
	@touch $@

study: setup ## the toy robustness study, embedded preset; STUDY=lambda_sweep, ARGS="--preset smoke" for others
	@$(BIN)/python sweeps/$(STUDY).py $(ARGS)

ui: setup ## open the MLflow UI on the study's runs
	@$(BIN)/python -m sweeps.tracking.ui --study $(STUDY) $(ARGS)

tracking-server: $(RUNNING)-server ## MLflow for a team, on PostgreSQL; ARGS="--host … --allowed-hosts … --artifacts s3://…"
	@ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || { apt-get update -qq && RUNLEVEL=1 apt-get install -y -qq --no-install-recommends postgresql; }
	@$(BIN)/python -m infra.tracking.server $(ARGS)

data: setup ## where the files of image data sets go and which are here; installs Fashion-MNIST where there is apt-get; ARGS="--data-dir …"
	@[ -e /usr/share/datasets/fashion-mnist/train-images-idx3-ubyte.gz ] \
		|| { apt-get update -qq && RUNLEVEL=1 apt-get install -y -qq --no-install-recommends dataset-fashion-mnist; } \
		|| echo "data: Debian's package dataset-fashion-mnist cannot be installed here; put its files where this says" >&2
	@$(BIN)/python -m sweeps.cli.data $(ARGS)

report: setup ## rebuild the report from the stored rows
	@$(BIN)/python -m analysis.report results/$(STUDY) $(ARGS)

paper: $(RUNNING)-paper ## tables as LaTeX and CSV, figures as PDF, report.pdf, from the stored rows
	@$(BIN)/python -m analysis.paper results/$(STUDY) $(ARGS)

docs: $(RUNNING)-docs ## the documentation as a site, into docs/_site; a warning and a link that leads nowhere are errors
	@rm -rf docs/_site
	@$(BIN)/python -m sphinx -W --keep-going -q -E docs docs/_site
	@$(BIN)/python -m infra.documentation.links docs/_site

wheel: setup ## what a node of a cluster installs, into dist/
	@rm -rf build dist
	@$(BIN)/python -m pip wheel --quiet --no-deps --wheel-dir dist .
	@cp constraints.txt infra/ray/node.sh infra/ray/setup.sh dist/
	@rm -rf build

check: $(RUNNING)-dev ## format, lint, strict types, import layering
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m pytest tests/test_layers.py

format: $(RUNNING)-dev ## format and fix what can be fixed
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

test: $(RUNNING)-dev ## the fast tests
	$(BIN)/python -m pytest -n auto --dist worksteal

test-slow: $(RUNNING)-dev ## the tests that take minutes
	@command -v latexmk >/dev/null || { apt-get update -qq && apt-get install -y -qq --no-install-recommends latexmk texlive-latex-recommended; }
	$(BIN)/python -m pytest -m slow --timeout 3600 -n auto --dist worksteal

test-gpu: $(RUNNING)-dev ## needs a CUDA device
	$(BIN)/python -m pytest -m gpu

test-cluster: $(RUNNING)-dev ## several Ray nodes on this machine, ray submit over ssh, the tracking server
	@{ [ -x /usr/sbin/sshd ] && command -v rsync >/dev/null; } || { apt-get update -qq && RUNLEVEL=1 apt-get install -y -qq --no-install-recommends openssh-server rsync; }
	@mkdir -p /run/sshd
	$(BIN)/python -m pytest -m cluster --timeout 3600

test-browser: $(RUNNING)-dev ## the MLflow UI in Chromium
	@command -v chromedriver >/dev/null || { apt-get update -qq && apt-get install -y -qq chromium chromium-driver; }
	$(BIN)/python -m pytest -m browser --timeout 1800

drills: $(RUNNING)-dev ## faults on real studies, with real kills; rewrites the table of docs/reliability.md
	@DRILLS_OUT=$(CURDIR)/docs/drills.jsonl $(BIN)/python -m pytest tests/drills -s -m 'drill or not drill' --timeout 3600 $(ARGS); \
		code=$$?; $(BIN)/python -m tests.drills.table docs/drills.jsonl docs/reliability.md; exit $$code

check-statistics: setup ## how often the report's intervals cover and its verdicts are false, by simulation; minutes
	@$(BIN)/python -m analysis.calibration $(ARGS)

bench: setup ## this project against plain Ray Tune, and convolutions against eager PyTorch; writes docs/benchmarks.md
	@$(BIN)/python -m infra.benchmarks $(ARGS)
	@$(BIN)/python -m infra.benchmarks.images

bench-search: setup ## halving and the samplers against the whole grid, which is trained first; what searches of 10,000 runs cost
	@rm -rf results/bench-search
	@$(BIN)/python -m infra.benchmarks.halving results/bench-search
	@$(BIN)/python -m infra.benchmarks.search --results results/bench-search/grid/$(STUDY)
	@$(BIN)/python -m infra.benchmarks.at_scale.long_search

bench-scale: $(RUNNING)-dev ## all that is not training, up to a million rows: folding, reading, starting, reporting; writes docs/benchmarks.md
	@$(BIN)/python -m infra.benchmarks.at_scale --output docs/benchmarks.md $(ARGS)

ground-truth: $(RUNNING)-reference ## draw the posterior of the Eight Schools study again, by NUTS
	@JAX_PLATFORMS=cpu $(BIN)/python -m infra.ground_truth

audit: $(RUNNING)-dev ## known vulnerabilities of what is pinned; a report, it fails nothing
	-@$(BIN)/python -m infra.audit constraints.txt $(ARGS)

clean: ## remove what was installed and built; results and MLflow's store stay
	rm -rf $(VENV) build docs/_site *.egg-info .mypy_cache .ruff_cache .pytest_cache
