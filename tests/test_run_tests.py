"`make test`: what it shares between notebooks and tests is what each would get by itself, and it fails when one of them does"
import random
from dataclasses import replace
from types import SimpleNamespace

import pytest,torch
from fastai.callback.core import Callback

import run_tests
from human_lm.runs.recipes import Recipe,recipe
from human_lm.first_model import LMModel1

short = replace(recipe('LMModel1'), n_epoch=2, bs=512)

class Note(Callback):
    order = 100
    def __init__(self): self.seen = []
    def after_epoch(self): self.seen.append((self.epoch, self.recorder.values[-1][2]))

def outcome(learn): return [o.tolist() for o in learn.model.parameters()], [list(o) for o in learn.recorder.values], learn.model.training, torch.rand(2).tolist(), random.random()

def test_a_shared_fit_is_the_one_that_would_be_made(tmp_path, monkeypatch):
    "Weights, table, mode and random state; and each epoch is told to who looks on"
    made,fit = [],Recipe.fit
    monkeypatch.setattr(Recipe, 'fit', run_tests.shared(lambda *args, **kwargs: (made.append(args), fit(*args, **kwargs))[1], tmp_path))
    def fitted(cbs):
        learn = short.learner(0, fast=True)
        random.seed(0)
        with learn.no_bar(), learn.no_logging(): assert short.fit(learn, cbs=cbs) is learn
        return outcome(learn)
    a,b = Note(),Note()
    first,second = fitted(a),fitted([b])
    assert len(made)==1 and first==second and a.seen==b.seen and len(a.seen)==2

def test_what_is_not_alike_is_not_shared(tmp_path):
    class Other(LMModel1): pass
    class Changes(Callback):
        def before_fit(self): pass
    def key(run=short, seed=0, n_epoch=None, cbs=(), fast=True, part='chapter', wd_biases=False):
        learn = run.learner(seed, fast, part)
        learn.wd_bn_bias = wd_biases
        return run_tests.fit_key(run, learn, n_epoch, cbs)
    keys = [key(**o) for o in ({}, dict(seed=1), dict(n_epoch=1), dict(fast=False), dict(part='held out'), dict(wd_biases=True), dict(run=replace(short, lr=2e-3)),
                               dict(run=replace(short, n_epoch=3)), dict(run=replace(short, bs=32)), dict(run=recipe('LMModel2')))]
    assert len(set(keys))==len(keys) and None not in keys and key(cbs=[Note()])==keys[0]==key()
    assert key(replace(short, model_cls=Other)) is key(replace(short, loss=lambda p,y: p.sum())) is key(cbs=[Note(),Changes()]) is None
    calls = []
    fit = run_tests.shared(lambda *args, **kwargs: calls.append(kwargs), tmp_path)
    for _ in range(2): fit(short, short.learner(0, fast=True), pct_start=0.3)
    assert calls==[dict(pct_start=0.3)]*2 and list(tmp_path.iterdir())==[]

@pytest.mark.parametrize('failed,status,want', [([],0,0), ([],1,1), (['a.ipynb'],0,1)])
def test_status(failed, status, want, monkeypatch, capsys):
    "A notebook that fails fails all, and the tests are run all the same"
    asked = []
    monkeypatch.setattr(run_tests, 'run_notebooks', lambda folder: failed)
    monkeypatch.setattr(run_tests.subprocess, 'run', lambda args, env: (asked.append((args, env)), SimpleNamespace(returncode=status))[1])
    assert run_tests.main(['-x'])==want and asked[0][0][-1]=='-x' and asked[0][1]['HUMAN_LM_FITS']
    assert ('a.ipynb' in capsys.readouterr().err)==bool(failed)

def test_the_longest_notebooks_are_there():
    assert all((run_tests.root/'nbs'/f'{o}.ipynb').exists() for o in run_tests.longest)
