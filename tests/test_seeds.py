"What the figures are worth: spread, claims and the reference reader."
import os,statistics
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest,torch
from hypothesis import given,strategies as st

from human_lm.runs import seeds as worth
from human_lm.runs.published import published_table
from human_lm.runs.reader import *
from human_lm.runs.recipes import chapter_models,validation_rows
from human_lm.runs.seeds import *

accs = st.lists(st.floats(0, 1), min_size=2, max_size=8)

@given(accs, st.floats(0, 1))
def test_spread(xs, pub):
    o = seed_spread(xs, pub)
    assert o.least<=min(o.mean+1e-12, o.greatest) and o.greatest>=o.mean-1e-12
    assert o.std==pytest.approx(statistics.stdev(xs)) and o.n_below==len([x for x in xs if x<pub])

def test_tables_show_the_figures():
    t = spread_table(dict(LMModel1=[0.4,0.5], LMModel6=[0.25])).splitlines()
    assert len(t)==4 and len({len(o) for o in t})==1
    assert all(o in t[2] for o in ('LMModel1', f"{published_table('LMModel1')[-1][2]:.3f}", '0.450', '0.071', '0.400', '0.500', '1 of 2'))
    assert '1 of 1' in t[3]

def test_claims():
    models = dict(LMModel3=[0.5,0.6,0.4], LMModel2=[0.5,0.5,0.5], LMModel4=[0.9,0.9,0.9])
    a,b = check_claims(models)
    assert (a['better'],a['worse'],a['held'],a['of'])==('LMModel3','LMModel2',1,3)  # equal is not better
    assert (b['better'],b['worse'],b['held'])==('LMModel4','LMModel3',3) and b['mean_gain']==pytest.approx(0.4)
    assert '1 of 3' in claims_table([a]) and '+40.0' in claims_table([b])
    assert {o for c in chapter_claims for o in c[:2]}<=set(chapter_models)

def guesses_one_by_one(s, start, length):
    "What follows most of the places that fit the row so far; the smallest token if several do"
    hits = []
    for k in range(1, length+1):
        nxt = Counter(s[p+k] for p in range(len(s)-k) if s[p:p+k]==s[start:start+k])
        hits.append(min(nxt, key=lambda o: (-nxt[o], o))==s[start+k])
    return hits

@given(st.data())
def test_ideal_reader(data):
    "Groups give the same guesses as a list of places"
    s = data.draw(st.lists(st.integers(0, 3), min_size=3, max_size=40))
    length = data.draw(st.integers(1, len(s)-1))
    starts = data.draw(st.lists(st.integers(0, len(s)-1-length), min_size=1, max_size=5))
    assert reference_reader(torch.tensor(s), starts, length).tolist()==[guesses_one_by_one(s, o, length) for o in starts]

def test_ceiling():
    "The figure of the chapter's outline: 98.3 % of 12,288 targets, every mistake among a row's first six"
    from human_lm.runs.recipes import chapter_corpus
    starts,length = validation_rows()
    hits = reference_reader(chapter_corpus()[1], starts, length)
    assert hits.shape==(64,192) and hits.size==12288 and round(hits.mean(), 3)==0.983
    assert hits[:,6:].all() and not hits[:,:6].all(0).any()

@pytest.mark.parametrize('starts,length,match', [([0],0,'nothing'), ([],3,'nothing'), ([-1],2,'do not fit'), ([8],2,'do not fit')])
def test_bad_rows(starts, length, match):
    with pytest.raises(ValueError, match=match): reference_reader(torch.arange(10), starts, length)

def test_bad_seeds():
    with pytest.raises(ValueError, match='at least 1, got 0'): seed_accuracies(['LMModel1'], 0)
    with pytest.raises(ValueError, match='LMModel9'): seed_accuracies(['LMModel9'], 1)

def test_picture():
    import matplotlib
    matplotlib.use('Agg')
    ax, = plot_seeds(dict(LMModel1=[0.4,0.5], LMModel6=[0.7,0.8]), 0.15, 0.98).fig.axes
    drawn = {round(float(x), 6) for o in ax.lines for x in o.get_xdata()}
    assert {0.4, 0.5, 0.7, 0.8, 0.15, 0.98, *(round(published_table(n)[-1][2], 6) for n in ('LMModel1','LMModel6'))}<=drawn
    assert [o.get_text() for o in ax.get_yticklabels()]==['LMModel1','LMModel6']

def test_tables_to_the_letter():
    assert spread_table(dict(LMModel1=[0.4,0.5], LMModel6=[0.25])).splitlines()==[
        '| model    | published |  mean |   std | least | greatest | seeds below the published |',
        '|----------|----------:|------:|------:|------:|---------:|--------------------------:|',
        '| LMModel1 |     0.494 | 0.450 | 0.071 | 0.400 |    0.500 |                    1 of 2 |',
        '| LMModel6 |     0.758 | 0.250 |       | 0.250 |    0.250 |                    1 of 1 |']
    assert claims_table(check_claims(dict(LMModel2=[0.5,0.5], LMModel3=[0.6,0.4]))).splitlines()==[
        '| claim                   |   better |    worse | holds in | points apart (mean) |',
        '|-------------------------|---------:|---------:|---------:|--------------------:|',
        '| keeping the state helps | LMModel3 | LMModel2 |   1 of 2 |                +0.0 |']

class FakePool:
    "Runs what a pool of processes would run, in this one; a run that was to fail stops all"
    def __init__(self, n, context, start):
        FakePool.made = n,context.get_start_method(),start.__name__
        self.pool = ThreadPoolExecutor(1)
    def __enter__(self): return self
    def __exit__(self, *_): self.pool.shutdown()
    def submit(self, f, *args): return self.pool.submit(f, *args)
    def shutdown(self, **kwargs):
        FakePool.stopped = kwargs
        self.pool.shutdown(**kwargs)

@pytest.fixture
def fake_pool(monkeypatch):
    monkeypatch.setattr('human_lm.runs.seeds.ProcessPoolExecutor', FakePool)
    monkeypatch.setattr('human_lm.runs.seeds.reproduce_model', lambda name, seed: dict(rows=[[0, 0, 0.9], [0, 0, int(name[-1])+seed/10]]))

@pytest.mark.parametrize('n_proc,n', [(None,5), (2,2), (9,6)])
def test_seed_accuracies(fake_pool, monkeypatch, n_proc, n):
    "The last accuracy of each run in its place; no more processes than cores or runs"
    monkeypatch.setattr('human_lm.runs.seeds._n_cores', lambda: 5)
    told = []
    res = seed_accuracies(['LMModel3','LMModel1'], 3, n_proc, lambda *o: told.append(o))
    assert res=={'LMModel3':[3., 3.1, 3.2], 'LMModel1':[1., 1.1, 1.2]} and list(res)==['LMModel3','LMModel1']
    assert sorted(told)==sorted((k, i, v) for k,o in res.items() for i,v in enumerate(o))
    assert FakePool.made==(n, 'spawn', 'quiet_worker')

def test_a_run_that_fails_stops_the_others(fake_pool, monkeypatch):
    class Other:
        def terminate(self): stopped.append(self)
    stopped,before,ours = [],Other(),Other()
    children = iter([[before], [before,ours]])
    monkeypatch.setattr('human_lm.runs.seeds.active_children', lambda: next(children))
    def fail(*_): raise KeyboardInterrupt
    with pytest.raises(KeyboardInterrupt): seed_accuracies(['LMModel1'], 4, each=fail)
    assert FakePool.stopped==dict(wait=False, cancel_futures=True) and stopped==[ours]

def test_cores(monkeypatch):
    monkeypatch.setattr(os, 'sched_getaffinity', lambda pid: {pid,3,4}, raising=False)
    assert worth._n_cores()==3
    monkeypatch.delattr(os, 'sched_getaffinity')
    for n,want in ((7,7), (None,1)):
        monkeypatch.setattr(os, 'cpu_count', lambda: n)
        assert worth._n_cores()==want
