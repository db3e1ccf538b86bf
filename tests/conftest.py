import os,subprocess,sys

import pytest,torch
from hypothesis import settings

torch.set_num_threads(1)
settings.register_profile('default', deadline=None, derandomize=True)
# `make long`: other cases each time, and many of them
settings.register_profile('long', deadline=None, max_examples=1000, print_blob=True)
long_run = os.environ.get('HYPOTHESIS_PROFILE')=='long'
settings.load_profile('long' if long_run else 'default')

def few(n):
    "Settings of a test that is slow: `n` cases, and all of them in the long run"
    return settings() if long_run else settings(max_examples=n)

@pytest.fixture
def fastai_home(tmp_path, monkeypatch):
    "An empty folder for fastai's configuration and data"
    from fastai.data.external import fastai_cfg
    home = tmp_path/'fastai'
    monkeypatch.setenv('FASTAI_HOME', str(home))
    fastai_cfg.cache_clear()
    yield home
    fastai_cfg.cache_clear()

def run_python(code, *args, cwd=None, **env):
    "Run `code` in a Python of its own; its standard output"
    res = subprocess.run([sys.executable, '-c', code, *map(str, args)], cwd=cwd, env={**os.environ, **env}, capture_output=True, text=True)
    assert res.returncode==0, res.stderr
    return res.stdout

# they take longest, so they begin: at the end no core waits for one of them
longest = ('test_processes.py::test_two_processes','test_count.py::test_trains','test_reproduce.py','test_measure.py','test_data.py::test_processes','test_repo.py::test_modules')

def pytest_collection_modifyitems(items):
    items.sort(key=lambda o: not o.nodeid.removeprefix('tests/').startswith(longest))
