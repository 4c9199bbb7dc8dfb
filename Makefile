# Everything that these targets write stays in this folder: packages in .venv, handouts in build,
# the rest in .cache.
# Variables: PORT= where JupyterLab serves (8888), PYTHON= which Python makes .venv.

define HELP
make lab     install what was tested, then open JupyterLab at notebooks/00_start_here.ipynb
make board   the design board alone, as a page in the browser
make test    ruff, mypy, floors, doctests, unit tests, every notebook
make handouts  the lessons on paper, for students and for teachers, in build/handouts
make bench   engines against SimPy and cimba, theory against LINE, pyworkforce and Ciw, boards by key press
make coverage  how often the simulation's intervals hold the exact value: five minutes
make lock    write requirements.lock anew, with the newest versions that fit pyproject.toml
make clean   remove .venv, .cache, build and compiled files
endef

PORT ?= 8888
FITS = import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))
NAMES = python3 python python3.15 python3.14 python3.13 python3.12 python3.11
FIND = for p in $(NAMES); do "$$p" -c "$(FITS)" && echo "$$p" && exit; done; command -v python3
BOOTSTRAP = p="$(or $(PYTHON),$(shell ($(FIND)) 2>/dev/null))"; \
	command -v "$$p" >/dev/null || { echo "MailForge Lab: needs Python 3.11 or newer, found none" >&2; exit 1; }; \
	"$$p" .make/bootstrap.py
RUN = .venv/bin/python -m
PEERS = "line-solver==3.0.8.0" "pyworkforce==0.5.1" "ciw==3.2.7" \
	"cimba==0.9.6" "simpy>=4.1,<5"

export JUPYTER_CONFIG_PATH = $(CURDIR)/.make/jupyter
export JUPYTER_CONFIG_DIR = $(CURDIR)/.cache/jupyter/config
export JUPYTER_PREFER_ENV_PATH = 1
export JUPYTER_DATA_DIR = $(CURDIR)/.cache/jupyter/data
export JUPYTER_RUNTIME_DIR = $(CURDIR)/.cache/jupyter/runtime
export IPYTHONDIR = $(CURDIR)/.cache/ipython
export MPLCONFIGDIR = $(CURDIR)/.cache/matplotlib
export NUMBA_CACHE_DIR = $(CURDIR)/.cache/numba
export HYPOTHESIS_STORAGE_DIRECTORY = $(CURDIR)/.cache/hypothesis
export PYTEST_DEBUG_TEMPROOT = $(CURDIR)/.cache/tmp
export XDG_CACHE_HOME = $(CURDIR)/.cache
unexport JUPYTER_PATH JUPYTER_TOKEN JUPYTERLAB_SETTINGS_DIR JUPYTERLAB_WORKSPACES_DIR
unexport MPLBACKEND PYTHONHOME PYTHONPATH

.PHONY: help lab board test handouts bench coverage lock clean

help:
	$(info $(HELP))@:

lab:
	@$(BOOTSTRAP) "$(PORT)"
	@echo "MailForge Lab: starting JupyterLab; open the address that follows, stop with Ctrl-C"
	@PATH="$(CURDIR)/.venv/bin:$$PATH" exec $(RUN) jupyterlab --port=$(PORT) --Application.log_level=ERROR

board:
	@$(BOOTSTRAP)
	@$(RUN) pip install --quiet --disable-pip-version-check "voila>=0.5,<1"
	@echo "MailForge Lab: serving the design board; open the address that follows, stop with Ctrl-C"
	@exec $(RUN) voila notebooks/page/design_board.ipynb --port=$(PORT) --no-browser

test:
	@$(BOOTSTRAP)
	@echo "MailForge Lab: ruff, style"
	@$(RUN) ruff check --quiet .
	@$(RUN) ruff format --check --quiet .
	@echo "MailForge Lab: mypy, types"
	@$(RUN) mypy
	@echo "MailForge Lab: pytest, floors, doctests, unit tests, notebooks"
	@$(RUN) pytest --numprocesses=auto --dist=loadfile

handouts:
	@$(BOOTSTRAP)
	@$(RUN) queueing handouts

bench:
	@$(BOOTSTRAP)
	@$(RUN) pip install --quiet --disable-pip-version-check "simpy>=4.1,<5"
	@$(RUN) bench.surge
	@test -x .cache/peers/bin/python || .venv/bin/python -m venv .cache/peers
	@.cache/peers/bin/python -m pip install --quiet --disable-pip-version-check $(PEERS)
	@$(RUN) bench.theory .cache/peers/bin/python
	@$(RUN) bench.stations .cache/peers/bin/python
	@$(RUN) pip install --quiet --disable-pip-version-check "playwright>=1.50,<2"
	@.venv/bin/python tests/browser/bench_board.py

coverage:
	@$(BOOTSTRAP)
	@$(RUN) bench.coverage

lock:
	@$(BOOTSTRAP)
	@$(RUN) pip install --quiet --disable-pip-version-check "uv>=0.9"
	@$(RUN) uv pip compile --quiet --upgrade --universal --python-version=3.11 --extra=test \
		--generate-hashes --no-header --annotation-style=line --no-emit-index-url \
		--no-emit-find-links --cache-dir=.cache/uv pyproject.toml --output-file=requirements.lock

clean:
	rm -rf .venv .cache .hypothesis build dist
	find queueing tests notebooks -name __pycache__ -prune -exec rm -rf {} +
