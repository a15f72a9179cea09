# The project's verbs. `setup` builds .venv from the locked dependencies; every other verb uses it.
PYTHON ?= python3
BIN := .venv/bin
WORKERS ?= 2
CYCLES ?= 20
SECONDS ?= 60
OPERATIONS ?= 20000
PAIRS ?= 1000
STEPS ?= 262144

.PHONY: setup demo run test check cover crash conflicts model fuzz bench lock messages

setup: .venv/.ready

.venv/.ready: requirements.lock pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

demo: setup
	@$(BIN)/cardswitch demo

run: setup
	@$(BIN)/cardswitch demo --keep-running

# Twice: on uvloop as in production, and those with a loop on asyncio's own in debug mode, which finds what uvloop
# forgives.
test: check
	$(BIN)/python -m pytest -n $(WORKERS)
	CARDSWITCH_TEST_LOOP=asyncio $(BIN)/python -m pytest -n $(WORKERS) -m asyncio --ignore=tests/end_to_end --ignore=tests/crash --ignore=tests/architecture

check: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

cover: setup
	$(BIN)/python -m coverage run -m pytest
	$(BIN)/python -m coverage combine --quiet
	$(BIN)/python -m coverage report

# The kill test; SEED=n repeats the random choices of an earlier run.
crash: setup
	$(BIN)/python -m tests.crash kills --cycles $(CYCLES) $(if $(SEED),--seed $(SEED))

# Two nodes that fight for a few cards, and requests that race their reversals over both.
conflicts: setup
	$(BIN)/python -m tests.crash conflicts --operations $(OPERATIONS) $(if $(SEED),--seed $(SEED))
	$(BIN)/python -m tests.crash race --pairs $(PAIRS) $(if $(SEED),--seed $(SEED))

# The ledger beside a plain model of it, for STEPS requests of every kind.
model: setup
	CARDSWITCH_MODEL_STEPS=$(STEPS) $(BIN)/python -m pytest tests/ledger/test_every_movement.py --timeout 7200

# Everything that reads bytes of others, for SECONDS in all; corpus and findings are kept in var/fuzz.
fuzz: setup
	$(BIN)/python -m tests.fuzz --seconds $(SECONDS)

bench: setup
	$(BIN)/python -m benchmarks
	$(BIN)/python -m benchmarks.codec
	$(BIN)/python -m benchmarks.hsm
	$(BIN)/python -m benchmarks.verification
	$(BIN)/python -m benchmarks.directory
	$(BIN)/python -m benchmarks.card_batch
	$(BIN)/python -m benchmarks.idle_connections

# Needs `uv`; writes the versions and hashes that `setup` installs.
lock:
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
	  --group dev pyproject.toml -o requirements.lock

# Brings the catalogues up to date with the texts in the code; what is new is then translated by hand.
messages: setup
	@mkdir -p var
	$(BIN)/pybabel --quiet extract --keywords=message --keywords=local --no-location --sort-output \
	  --project=cardswitch --version=0 --output=var/messages.pot directory switch
	$(BIN)/pybabel --quiet update --domain=cardswitch --input=var/messages.pot --output-dir=switch/locale \
	  --no-fuzzy-matching --ignore-obsolete --width=110 --ignore-pot-creation-date
