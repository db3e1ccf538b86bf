"`make test` runs all notebooks and all tests, and fails when one of them does"
from types import SimpleNamespace

import pytest

import run_tests

@pytest.mark.parametrize('failed,status,want', [([],0,0), ([],1,1), (['a.ipynb'],0,1)])
def test_status(failed, status, want, monkeypatch, capsys):
    "A notebook that fails fails all, and the tests are run all the same"
    asked = []
    monkeypatch.setattr(run_tests, 'run_notebooks', lambda: failed)
    monkeypatch.setattr(run_tests.subprocess, 'run', lambda args: (asked.append(args), SimpleNamespace(returncode=status))[1])
    assert run_tests.main(['-x'])==want and asked[0][-1]=='-x'
    assert ('a.ipynb' in capsys.readouterr().err)==bool(failed)

def test_the_longest_notebooks_are_there():
    assert all((run_tests.root/'nbs'/f'{o}.ipynb').exists() for o in run_tests.longest)
