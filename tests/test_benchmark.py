"The benchmark: its ways compute the same, and its command writes what it says"
import json
from functools import partial
from subprocess import CalledProcessError

import pytest,torch

from human_lm.all import *
from human_lm.runs.speed import _ways

def test_both_loaders_have_the_same_batches():
    for name in ('LMModel1','LMModel6'):
        plain,fast = recipe(name).dls(num_workers=None),recipe(name).dls(fast=True)
        assert plain.train.fake_l.num_workers>0 and fast.train.fake_l.num_workers==0
        for a,b in zip(plain, fast, strict=True):
            a = a.new(num_workers=0)
            for x,y in zip(a, b, strict=True): assert all(map(torch.equal, x, y))

def test_time_models(monkeypatch):
    "Medians a model and way, in turn, how far apart the figures are, and the memory of a process of its own"
    calls,secs = [],iter([4,2,1,.5, 8,2,3,.5, 6,2,2,.5])
    def way(w): return lambda name,n: (calls.append((name, w, n)), (next(secs), [[1., 2., .5 + (w=='floor')/8]]))[1]
    monkeypatch.setattr('human_lm.runs.speed._ways', {w:way(w) for w in _ways})
    monkeypatch.setattr('human_lm.runs.speed.run_all', lambda tasks, n_proc: {k: (f.__name__,kwargs['name'],n_proc) for k,(f,kwargs) in tasks.items()})
    res = time_models(['LMModel6'], repeats=3, n_epoch=2)['LMModel6']
    assert calls==[('LMModel6', w, 2) for _ in range(3) for w in ('plain','no_workers','ours','floor')]
    assert [res[f'{w}_s'] for w in _ways]==[3, 1, 1, .25] and res['apart']==.125
    assert res['tokens_per_s']==61*64*16 and res['peak_mb']==('model_mb','LMModel6',1)
    assert whole_chapter({'LMModel6':res})=={'plain_s':45., 'no_workers_s':15., 'ours_s':15., 'floor_s':3.75}

def test_model_mb(monkeypatch):
    monkeypatch.setattr('human_lm.runs.speed._fit', lambda *args, **kwargs: seen.append((args, kwargs)))
    seen = []
    assert model_mb('LMModel1')>50 and seen==[(('LMModel1',1), dict(fast=True))]

def test_time_wait():
    "Both commands as processes, in turn; one that fails is an error and no time"
    said = []
    res = time_wait(2, said.append, dict(a='pass', b='import time; time.sleep(0.5)'))
    assert list(res)==['a','b'] and [len(o) for o in res.values()]==[2,2] and min(res['b'])>=0.5 and len(said)==2
    with pytest.raises(CalledProcessError): time_wait(1, commands=dict(a='raise SystemExit(1)'))

def test_command(tmp_path, capsys, monkeypatch):
    "A small text, one thread and as many as there are, what a user waits for; all of it in print and in the files"
    monkeypatch.setattr('human_lm.runs.speed.time_scale', partial(time_scale, n_batch=15, repeats=1))
    monkeypatch.setattr('human_lm.runs.speed.time_grouping', partial(time_grouping, sizes=(200,400)))
    monkeypatch.setattr('human_lm.runs.speed.run_all', lambda tasks, n_proc: {k: 321 for k in tasks})
    monkeypatch.setattr('human_lm.runs.speed.time_wait', lambda n, each: dict(chapter=[2.]*n, ours=[1.]*n))
    monkeypatch.setattr('torch.get_num_threads', lambda: 2)
    asked = []
    monkeypatch.setattr('torch.set_num_threads', asked.append)
    path,pic = tmp_path/'b.json',tmp_path/'b.svg'
    assert human_lm_bench(f'--models 4 --repeats 1 --epochs 1 --numbers 1000 --wait 2 --json {path} --picture {pic}'.split())==0
    res,out = json.loads(path.read_text()),capsys.readouterr().out
    assert asked==[2,1] or asked==[1,2]
    assert list(res)==['LMModel4','whole_chapter','one_thread','group_chunks','scale','wait'] and res['wait']==dict(chapter=[2.,2.], ours=[1.,1.])
    for o,n in ((res,2), (res['one_thread'],1)):
        assert set(o['LMModel4'])=={'plain_s','no_workers_s','ours_s','floor_s','tokens_per_s','peak_mb','apart'} and o['LMModel4']['peak_mb']==321
        assert set(o['whole_chapter'])=={'plain_s','no_workers_s','ours_s','floor_s','threads'} and o['whole_chapter']['threads']==n
        assert o['LMModel4']['apart']<1e-5 and bench_table(o) in out
    assert [o[0] for o in res['group_chunks']]==[200,400] and all(len(o)==3 for o in res['group_chunks'])
    assert [o[:2] for o in res['scale']]==[[1000, len(number_stream(range(1, 1001))[1])]] and len(res['scale'][0])==5
    assert pic.read_text().startswith('<svg')

@pytest.mark.parametrize('args,says', [
    ('--models 8', "no model '8'"), ('--models ,', 'no model is named'), ('--repeats 0', 'at least 1'), ('--epochs 0', 'at least 1'), ('--threads 0', 'at least 1'),
    ('--numbers 10', 'from 1000 to'), ('--picture a.txt', '.svg, .png or .pdf'), ('--json no/such/folder.json', 'cannot write'), ('--json a.svg --picture a.svg', 'same file'), ('--wait -1', 'at least 0'), ('--what', 'unrecognized')])
def test_bad_arguments(args, says, capsys):
    with pytest.raises(SystemExit) as e: human_lm_bench(args.split())
    err = capsys.readouterr().err
    assert e.value.code==2 and says in err and err.count('\n')==1
