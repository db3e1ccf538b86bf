"What the figures are worth: spread, claims and the reference reader."
import statistics
from collections import Counter

import pytest,torch
from hypothesis import given,strategies as st

from human_lm.runs.published import published_table
from human_lm.runs.reader import *
from human_lm.runs.recipes import chapter_models,validation_rows
from human_lm.runs.reproduce import reproduce_model
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

def test_the_reference_reader():
    "The figure of the chapter's outline: 98.3 % of 12,288 targets, every mistake among a row's first six"
    from human_lm.runs.recipes import chapter_corpus
    starts,length = validation_rows()
    hits = reference_reader(chapter_corpus()[1], starts, length)
    assert hits.shape==(64,192) and hits.size==12288 and round(hits.mean(), 3)==0.983
    assert hits[:,6:].all() and not hits[:,:6].all(0).any()

@pytest.mark.parametrize('starts,length,match', [([0],0,'^there is nothing to guess in 1 rows of 0 tokens$'), ([],3,'nothing'), ([-1],2,'do not fit'),
    ([8],2,'do not fit'), ([3,1,9],2,'^rows of 3 tokens do not fit everywhere from 1 to 9 in a stream of 10$')])
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
    assert spread_table(dict(LMModel2=[0.4,0.5], LMModel6=[0.25])).splitlines()==[
        '| model    | published |  mean |   std | least | greatest | seeds below the published |',
        '|----------|----------:|------:|------:|------:|---------:|--------------------------:|',
        '| LMModel2 |     0.470 | 0.450 | 0.071 | 0.400 |    0.500 |                    1 of 2 |',
        '| LMModel6 |     0.758 | 0.250 |       | 0.250 |    0.250 |                    1 of 1 |']
    assert claims_table(check_claims(dict(LMModel2=[0.5,0.5], LMModel3=[0.6,0.4]))).splitlines()==[
        '| claim                   |   better |    worse | holds in | points apart (mean) |',
        '|-------------------------|---------:|---------:|---------:|--------------------:|',
        '| keeping the state helps | LMModel3 | LMModel2 |   1 of 2 |                +0.0 |']

def test_tasks_of_the_seeds():
    "The longest models first, seed by seed, in the fast way unless one asks for the other"
    for kw in ({}, dict(fast=True), dict(fast=False)):
        tasks = seed_tasks(['LMModel1','LMModel3'], 2, **kw)
        assert list(tasks)==[('LMModel3',0), ('LMModel1',0), ('LMModel3',1), ('LMModel1',1)]
        assert all(o==(reproduce_model, dict(name=k[0], seed=k[1], **{'fast':True, **kw})) for k,o in tasks.items())

def test_seed_accuracies(monkeypatch):
    "The last accuracy of each run in its place; the longest runs of each seed first"
    def model(name, seed, fast): return dict(rows=[[0, 0, 0.9], [0, 0, int(name[-1])+seed/10]], fast=fast)
    def run_all(tasks, n_proc, each):
        asked.append((list(tasks), n_proc))
        res = {k: f(**kwargs) for k,(f,kwargs) in tasks.items()}
        for k,o in res.items(): each(k, o)
        asked.append({o['fast'] for o in res.values()})
        return res
    monkeypatch.setattr('human_lm.runs.seeds.reproduce_model', model)
    monkeypatch.setattr('human_lm.runs.seeds.run_all', run_all)
    asked,told = [],[]
    res = seed_accuracies(['LMModel1','LMModel3'], 3, 2, lambda *o: told.append(o))
    assert res=={'LMModel1':[1., 1.1, 1.2], 'LMModel3':[3., 3.1, 3.2]} and list(res)==['LMModel1','LMModel3']
    assert sorted(told)==sorted((k, i, v) for k,o in res.items() for i,v in enumerate(o))
    assert asked==[([(f'LMModel{i}',seed) for seed in range(3) for i in (3,1)], 2), {True}]
    assert seed_accuracies(['LMModel1'], 1, fast=False)=={'LMModel1':[1.]} and asked[2:]==[([('LMModel1',0)], None), {False}]
