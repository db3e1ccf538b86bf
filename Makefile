# The README's two commands: `make reproduce` and `make test`. Each sets up .venv first, if that has not been done.
PYTHON ?= python3
ARGS ?=
ifeq ($(OS),Windows_NT)
BIN := .venv/Scripts
else
BIN := .venv/bin
endif
READY := .venv/.ready

.PHONY: reproduce test docs
reproduce: $(READY)
	$(BIN)/human_lm_reproduce $(ARGS)

# One thread a process: the notebooks run side by side, and the models are too small to gain from more.
test: export OMP_NUM_THREADS = 1
test: $(READY)
	$(BIN)/nbdev_test --do_print --timing
	$(BIN)/python -m pytest

# Bring the modules, the notebooks' metadata and the README up to date after editing a notebook.
docs: $(READY)
	$(BIN)/nbdev_export
	$(BIN)/nbdev_clean
	$(BIN)/python tools/readme.py

$(READY): settings.ini setup.py pyproject.toml constraints.txt
	@$(PYTHON) -c "import sys; sys.version_info>=(3,10) or sys.exit('human_lm needs Python 3.10 or later; this is '+sys.version.split()[0]+'. Name another: make PYTHON=python3.12')"
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet -c constraints.txt -e ".[dev]"
	@$(BIN)/python -c "import pathlib; pathlib.Path('$(READY)').touch()"
