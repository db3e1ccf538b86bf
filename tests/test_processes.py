"Each process reads its own rows, they go on from batch to batch, and the result is that of one process"
import os,subprocess,sys
from importlib.util import find_spec
from pathlib import Path

import pytest,torch

from human_lm.all import *
from human_lm.training.batches import FlatDL, flat_dls

def loaders(bs=8): return flat_dls(*split_seqs(FlatSeqs(torch.arange(1000)%30, 4)), bs=bs)

@pytest.mark.parametrize('world', [1,2,4])
def test_shares_side_by_side_are_the_whole(world):
    dls = loaders()
    shares = [rows_dls(dls, r, world) for r in range(world)]
    for i,whole in enumerate(dls):
        assert all(len(s[i])==len(whole) for s in shares)
        for got in zip(whole, *(s[i] for s in shares), strict=True):
            for j in (0,1): assert torch.equal(got[0][j], torch.cat([o[j] for o in got[1:]]))

def test_a_pass_draws_as_much_as_one_of_the_whole():
    dl = loaders().train
    def after(o):
        torch.manual_seed(1)
        list(o)
        return torch.rand(2)
    assert torch.equal(after(dl), after(rows_dl(dl, 1, 2)))

def test_moves_with_its_loaders():
    dls = rows_dls(loaders(), 0, 2).to('meta')
    assert all(o.device.type=='meta' for dl in dls for o in dl.one_batch())

def test_bad_input():
    dls = loaders()
    with pytest.raises(ValueError, match='3 processes cannot share 8 rows evenly'): rows_dls(dls, 0, 3)
    with pytest.raises(ValueError, match='`shuffle=False`'): rows_dl(FlatDL(dls.train_ds, bs=8, shuffle=True), 0, 2)
    with pytest.raises(TypeError, match='`FlatDL` of `FlatSeqs`, got a list'): rows_dl([1], 0, 2)

def test_without_accelerate(monkeypatch):
    monkeypatch.setitem(sys.modules, 'accelerate', None)
    monkeypatch.setenv('WORLD_SIZE', '2')
    with pytest.raises(ImportError, match='pip install accelerate'): fit_processes(None, 1, 1e-3)

@pytest.mark.parametrize('args,env,says', [('--bs 9', '2', '2 processes cannot share 9 rows evenly'), ('--seeds 0', '1', 'at least 1'), ('--json .', '1', 'is a folder'),
    ('--bs 100000', '1', 'do not fill one batch of 100000')])
def test_bad_arguments(args, env, says, capsys, monkeypatch):
    monkeypatch.setenv('WORLD_SIZE', env)
    with pytest.raises(SystemExit) as e: train_in_processes(args.split())
    err = capsys.readouterr().err
    assert e.value.code==2 and says in err and err.count('\n')==1

script = '''
import sys,torch
from pathlib import Path
from fastai.callback.core import Callback
from fastai.torch_core import rank_distrib
from human_lm.runs.recipes import chapter_learner
from human_lm.training.processes import fit_processes
torch.set_num_threads(1)
class Diary(Callback):
    "What was read, the state that was kept of it, and the gradients of the first step"
    def __init__(self): self.read,self.kept,self.grads = [],[],{}
    def before_step(self):
        for k,p in self.learn.model.named_parameters(): self.grads.setdefault(k.removeprefix('module.'), p.grad.clone())
    def after_batch(self):
        if not self.training: return
        model = getattr(self.learn.model, 'module', self.learn.model)
        self.read.append(self.xb[0].clone())
        self.kept.append(model.h.clone())
def train():
    learn,diary = chapter_learner('LMModel4', 0, fast=True),Diary()
    learn.add_cb(diary)
    with learn.no_bar(),learn.no_logging(): fit_processes(learn, 1, 3e-3)
    return dict(read=diary.read, kept=diary.kept, grads=diary.grads, rows=[list(o) for o in learn.recorder.values],
                weights={k:v for k,v in learn.model.state_dict().items()})
if __name__=='__main__':
    torch.save(train(), Path(sys.argv[1])/f'{rank_distrib()}.pt')
    torch.distributed.destroy_process_group()
'''

@pytest.mark.skipif(not find_spec('accelerate'), reason='Accelerate is not installed')
@pytest.mark.skipif(sys.platform=='win32', reason='gloo needs more set-up on Windows')
def test_two_processes_do_what_one_does(tmp_path):
    (tmp_path/'train.py').write_text(script)
    root = str(Path(__file__).resolve().parent.parent)
    env = {**os.environ, 'OMP_NUM_THREADS':'1', 'PYTHONPATH':os.pathsep.join([root, os.environ.get('PYTHONPATH', '')])}
    res = subprocess.run([sys.executable, '-m', 'torch.distributed.run', '--standalone', '--nproc_per_node', '2', str(tmp_path/'train.py'), str(tmp_path)],
                         env=env, capture_output=True, text=True, timeout=300)
    assert res.returncode==0, res.stderr
    two = [torch.load(tmp_path/f'{r}.pt') for r in range(2)]
    here = dict(__name__='here')
    exec(script, here)
    one = here['train']()
    assert len(one['read'])==len(two[0]['read'])==len(two[1]['read'])>40
    for x,a,b in zip(one['read'], two[0]['read'], two[1]['read']): assert torch.equal(x, torch.cat([a,b]))  # the rows that were read
    for x,a,b in zip(one['kept'], two[0]['kept'], two[1]['kept']):  # the state is each row's own
        torch.testing.assert_close(x, torch.cat([a,b]), rtol=0, atol=1e-3)
    assert not torch.allclose(two[0]['kept'][-1], two[1]['kept'][-1], atol=1e-2)
    for k,v in one['grads'].items():  # before rounding has had time to grow
        assert v.abs().max()>1e-4 and torch.equal(two[0]['grads'][k], two[1]['grads'][k])
        torch.testing.assert_close(two[0]['grads'][k], v, rtol=1e-4, atol=1e-7)
    for k,v in one['weights'].items(): assert torch.equal(two[0]['weights'][k], two[1]['weights'][k])
    torch.testing.assert_close(torch.tensor(two[0]['rows']), torch.tensor(one['rows']), rtol=0, atol=2e-3)
