import os,subprocess,sys
from pathlib import Path

import pytest,torch
from hypothesis import settings

torch.set_num_threads(1)
settings.register_profile('default', deadline=None, derandomize=True)
settings.load_profile('default')

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
