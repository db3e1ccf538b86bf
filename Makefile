# The README's two commands: `make reproduce` and `make test`. Each sets up .venv first, if that has not been done.
PYTHON ?= python3
ARGS ?=
ifeq ($(OS),Windows_NT)
SCRIPTS := Scripts
else
SCRIPTS := bin
endif
BIN := .venv/$(SCRIPTS)
READY := .venv/.ready

.PHONY: reproduce test measure docs site site-test weights zh long coverage mutation release test-newest test-oldest
reproduce: $(READY)
	$(BIN)/human_lm_reproduce $(ARGS)

# What nbdev_test and pytest do, one process a core. One thread a process: the models are too small to gain from more.
test: export OMP_NUM_THREADS = 1
test: $(READY)
	$(BIN)/python tools/run_tests.py $(ARGS)

# Measure what takes long, and write it to nbs/measured: `make measure ARGS=NAME`, or `make measure ARGS=--list`.
measure: $(READY)
	$(BIN)/python tools/measure.py $(ARGS)

# Train the models of the site's live page and write them for the browser; what is there already is left as it is.
# `make weights ARGS=--help` says more.
weights: export OMP_NUM_THREADS = 1
weights: $(READY)
	$(BIN)/python site/models.py $(ARGS)

# Many random cases of each property, and many random sequences of calls: 1,000 each, others every time.
long: export OMP_NUM_THREADS = 1
long: export HYPOTHESIS_PROFILE = long
long: $(READY)
	$(BIN)/python -m pytest --hypothesis-show-statistics tests/test_calls.py tests/test_properties.py tests/test_models.py

# What share of the modules the tests and the notebooks' cells run, together.
coverage: export OMP_NUM_THREADS = 1
coverage: $(READY)
	$(BIN)/python tools/cover.py

# What share of small faults in the modules the tests notice. About two hours of two cores; it goes on where it was
# stopped.
mutation: export OMP_NUM_THREADS = 1
mutation: $(READY)
	$(BIN)/python -m pip install --quiet mutmut==3.8.1
	$(BIN)/python tools/mutate.py $(ARGS)

# The package with the newest of everything that the registry has, and with the oldest that settings.ini admits
# (an older Python may be needed for that: make test-oldest PYTHON=python3.10). nbdev has requirements of its own, so its tests stay out.
test-newest test-oldest: export OMP_NUM_THREADS = 1
test-newest: .venv-newest/.ready
	.venv-newest/$(SCRIPTS)/python -c "import fastai,fastcore,torch; print('fastai',fastai.__version__,'fastcore',fastcore.__version__,'torch',torch.__version__)"
	.venv-newest/$(SCRIPTS)/python -m pytest --ignore=tests/test_repo.py --ignore=tests/test_zh.py --ignore=tests/test_site.py --ignore=tests/test_live.py
test-oldest: .venv-oldest/.ready
	.venv-oldest/$(SCRIPTS)/python -c "import fastai,fastcore,torch; print('fastai',fastai.__version__,'fastcore',fastcore.__version__,'torch',torch.__version__)"
	.venv-oldest/$(SCRIPTS)/python -m pytest --ignore=tests/test_repo.py --ignore=tests/test_zh.py --ignore=tests/test_site.py --ignore=tests/test_live.py

# Build the package as it would be published, and try it in an empty environment.
release: $(READY)
	$(BIN)/python tools/release.py

# Bring the modules, the notebooks' metadata and the README up to date after editing a notebook.
docs: $(READY) .git/hooks/post-merge
	$(BIN)/nbdev_export
	$(BIN)/nbdev_clean
	$(BIN)/python tools/plain_outputs.py
	$(BIN)/python tools/readme.py

# The book as a site, in `_site`: English, Chinese, and both. It needs npm, for what the live page runs with.
site: $(READY)
	$(BIN)/python site/build.py

# The site, and its tests in a browser on every page. They take the chromium or chrome that is installed; on Debian and
# Ubuntu: apt-get install chromium.
site-test: export SITE_EVERY_PAGE = 1
site-test: site
	@command -v chromium || command -v chromium-browser || command -v google-chrome || command -v chrome || \
	  { echo "There is no browser to test the site in: install chromium, on Debian and Ubuntu with apt-get install chromium"; exit 1; }
	$(BIN)/python -m pytest tests/test_site.py tests/test_live.py

# Bring the Chinese edition up to date after editing an English notebook or a catalogue in zh/po: `make zh`, or `make zh ARGS=04_lstm`.
zh: $(READY)
	$(BIN)/python tools/translate.py zh $(ARGS)

# nbdev's hooks for git and Jupyter: notebooks are cleaned as they are saved, and merged cell by cell.
.git/hooks/post-merge: | $(READY)
	@[ ! -d .git ] || $(BIN)/nbdev_install_hooks

$(READY): settings.ini setup.py pyproject.toml constraints.txt
	@$(PYTHON) -c "import sys; sys.version_info>=(3,10) or sys.exit('human_lm needs Python 3.10 or later; this is '+sys.version.split()[0]+'. Name another: make PYTHON=python3.12')"
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet -c constraints.txt -e ".[dev]"
	@$(BIN)/python -c "import pathlib; pathlib.Path('$(READY)').touch()"

.venv-newest/.ready: settings.ini setup.py
	$(PYTHON) -m venv .venv-newest
	.venv-newest/$(SCRIPTS)/python -m pip install --quiet --upgrade --upgrade-strategy eager -e . pytest hypothesis
	@$(PYTHON) -c "import pathlib; pathlib.Path('$@').touch()"

.venv-oldest/.ready: settings.ini setup.py tools/floor.py
	$(PYTHON) -m venv .venv-oldest
	$(PYTHON) tools/floor.py > .venv-oldest/floor.txt
	.venv-oldest/$(SCRIPTS)/python -m pip install --quiet -r .venv-oldest/floor.txt -e . pytest hypothesis
	@$(PYTHON) -c "import pathlib; pathlib.Path('$@').touch()"
