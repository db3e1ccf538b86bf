"The benchmark: its three ways compute the same, and its command writes what it says"
import json

import pytest,torch

from human_lm.all import *
from human_lm.commands.benchmark import _ways

def test_the_three_ways_have_the_same_batches():
    for name in ('LMModel1','LMModel6'):
        plain,fast = recipe(name).dls(num_workers=None),recipe(name).dls(fast=True)
        assert plain.train.fake_l.num_workers>0 and fast.train.fake_l.num_workers==0
        for a,b in zip(plain, fast, strict=True):
            a = a.new(num_workers=0)
            for x,y in zip(a, b, strict=True): assert all(map(torch.equal, x, y))

def test_time_models(monkeypatch):
    "Medians a model and way, in turn, and how far apart the figures are"
    calls,secs = [],iter([4,1,.5, 8,3,.5, 6,2,.5])
    def way(w): return lambda name,n: (calls.append((name, w, n)), (next(secs), [[1., 2., .5 + (w=='floor')/8]]))[1]
    monkeypatch.setattr('human_lm.commands.benchmark._ways', {w:way(w) for w in _ways})
    res = time_models(['LMModel6'], repeats=3, n_epoch=2)['LMModel6']
    assert calls==[('LMModel6', w, 2) for _ in range(3) for w in ('plain','ours','floor')]
    assert (res['plain_s'],res['ours_s'],res['floor_s'])==(3, 1, .25) and res['apart']==.125
    assert res['tokens_per_s']==61*64*16 and res['peak_mb']>50
    assert whole_chapter({'LMModel6':res})=={'plain_s':45., 'ours_s':15., 'floor_s':3.75}

def test_command(tmp_path, capsys):
    path,pic = tmp_path/'b.json',tmp_path/'b.svg'
    assert human_lm_bench(f'--models 6 --repeats 1 --epochs 1 --numbers 3000 --threads 1 --json {path} --picture {pic}'.split())==0
    res,out = json.loads(path.read_text()),capsys.readouterr().out
    assert list(res)==['LMModel6','whole_chapter','group_chunks','scale']
    assert set(res['LMModel6'])>={'plain_s','ours_s','floor_s'} and set(res['whole_chapter'])=={'plain_s','ours_s','floor_s','threads'}
    assert [o[0] for o in res['group_chunks']]==[20_000,80_000,320_000,1_280_000] and all(len(o)==3 for o in res['group_chunks'])
    assert [o[:2] for o in res['scale']]==[[3000, len(number_stream(range(1, 3001))[1])]] and len(res['scale'][0])==5
    assert res['LMModel6']['apart']<1e-5 and res['whole_chapter']['threads']==1 and out.startswith('threads: 1\n')
    assert bench_table(res) in out and pic.read_text().startswith('<svg')

@pytest.mark.parametrize('args,says', [
    ('--models 8', "no model '8'"), ('--models ,', 'no model is named'), ('--repeats 0', 'at least 1'), ('--epochs 0', 'at least 1'), ('--threads 0', 'at least 1'),
    ('--numbers 10', 'from 1000 to'), ('--picture a.txt', '.svg, .png or .pdf'), ('--json no/such/folder.json', 'cannot write'), ('--what', 'unrecognized')])
def test_bad_arguments(args, says, capsys):
    with pytest.raises(SystemExit) as e: human_lm_bench(args.split())
    err = capsys.readouterr().err
    assert e.value.code==2 and says in err and err.count('\n')==1
