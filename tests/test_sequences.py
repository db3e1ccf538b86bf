"Sequences over one flat tensor: the same samples and batches as the plain lists, and clear errors"
import numpy as np
import pandas as pd
import pytest,torch
from fastai.data.core import DataLoaders,TfmdDL
from fastcore.foundation import L
from hypothesis import given, strategies as st

from human_lm.all import *
from human_lm.training.batches import FlatDL, flat_dls
from human_lm.training.learner import ForeachAdam, QuickLearner

def stream(n, top=30): return torch.arange(n)*7%top

sizes = st.integers(1, 6),st.integers(2, 300)

def plain_and_flat(sl, n, last):
    nums = stream(n+sl)
    return (next_token_seqs if last else lm_seqs)(nums, sl), FlatSeqs(nums, sl, last=last)

def same(a, b):
    "Two samples or batches are alike: type, dtype and every element"
    assert len(a)==len(b)==2
    for x,y in zip(a, b):
        assert type(x)==type(y)
        if isinstance(x, torch.Tensor): assert x.dtype==y.dtype and torch.equal(x, y)
        else: assert x==y

@given(*sizes, st.booleans(), st.data())
def test_samples_are_those_of_the_list(sl, n, last, data):
    plain,flat = plain_and_flat(sl, n, last)
    assert len(plain)==len(flat)
    for a,b in zip(plain, flat, strict=True): same(a, b)
    i = data.draw(st.integers(-len(plain), len(plain)-1))
    same(plain[i], flat[i])
    cut = slice(*(data.draw(st.none() | st.integers(-len(plain)-2, len(plain)+2)) for _ in range(2)), data.draw(st.sampled_from([None,1,2,3,-1,-2])))
    for a,b in zip(plain[cut], flat[cut], strict=True): same(a, b)
    picked = data.draw(st.lists(st.integers(0, len(plain)-1), max_size=5))
    for a,b in zip([plain[i] for i in picked], flat[picked], strict=True): same(a, b)

@given(*sizes, st.booleans(), st.integers(1, 9), st.integers(0, 3))
def test_grouping_is_that_of_the_list(sl, n, last, bs, skip):
    plain,flat = plain_and_flat(sl, n, last)
    plain,flat = plain[skip:],flat[skip:]
    if len(plain)<bs:
        for f in (lambda: group_chunks(plain, bs), lambda: flat.group_chunks(bs)):
            with pytest.raises(ValueError, match=f'{len(plain)} samples do not fill one batch of {bs}'): f()
    else:
        for a,b in zip(group_chunks(plain, bs), flat.group_chunks(bs), strict=True): same(a, b)
        for a,b in zip(group_chunks(plain, bs), group_chunks(flat, bs), strict=True): same(a, b)

@given(*sizes, st.booleans(), st.integers(1, 9), st.booleans(), st.integers(0, 2))
def test_batches_are_those_of_fastai(sl, n, last, bs, drop_last, skip):
    plain,flat = plain_and_flat(sl, n, last)
    a = TfmdDL(plain[skip:], bs=bs, drop_last=drop_last, num_workers=0)
    b = FlatDL(flat[skip:], bs=bs, drop_last=drop_last)
    assert len(a)==len(b)
    for x,y in zip(a, b, strict=True): same(x, y)

def some_dls(**kw): return DataLoaders.from_dsets(*split_seqs(FlatSeqs(stream(500), 4)), bs=8, dl_type=FlatDL, **kw)

def test_what_people_do_with_loaders():
    dls = some_dls(shuffle=False)
    same(dls.one_batch(), dls.train.one_batch())
    same(dls.one_batch(), next(iter(dls.train)))
    assert len(dls.train)==len(list(dls.train)) and len(dls.valid)==len(list(dls.valid))
    assert dls.train.n_inp==1 and dls.train.drop_last and not dls.valid.drop_last
    new = dls.train.new(bs=4)
    assert type(new) is FlatDL and new.bs==4
    same([o[:4] for o in dls.one_batch()], new.one_batch())
    with pytest.raises(ValueError, match='does not contain any batches'): FlatDL(FlatSeqs(stream(20), 4), bs=8, drop_last=True).one_batch()

def test_from_dsets_shuffles_training_only():
    dls = some_dls()
    assert dls.train.shuffle and not dls.valid.shuffle
    order = torch.cat([o[0] for o in dls.train])
    assert not torch.equal(order, torch.cat([o[0] for o in FlatDL(dls.train_ds, bs=8, drop_last=True)]))
    assert len(order)==len(dls.train_ds)//8*8

def test_workers_and_sample_transforms_step_aside():
    flat = FlatSeqs(stream(100), 4)
    plain = list(FlatDL(flat, bs=8))
    for a,b in zip(plain, FlatDL(flat, bs=8, num_workers=1), strict=True): same(a, b)
    for (x,y),(x1,y1) in zip(plain, FlatDL(flat, bs=8, after_item=lambda o: o+1), strict=True): same((x+1,y+1), (x1,y1))
    for (x,y),(x1,y1) in zip(plain, FlatDL(flat, bs=8, after_batch=lambda o: o+1), strict=True): same((x+1,y+1), (x1,y1))

@pytest.mark.parametrize('make', [lambda ds: FlatDL(ds, bs=8), lambda ds: FlatDL(ds, bs=8, num_workers=0, after_item=lambda o: o)], ids=['in one step','sample by sample'])
def test_a_pass_draws_what_a_pass_of_fastai_draws(make):
    def after(dl):
        torch.manual_seed(5)
        for _ in range(2): list(dl)
        return torch.rand(2)
    assert torch.equal(after(make(FlatSeqs(stream(100), 4))), after(TfmdDL(lm_seqs(stream(100), 4), bs=8, num_workers=0)))

def test_batches_are_made_on_the_device():
    dls = some_dls(shuffle=False).to('meta')
    assert all(o.device.type=='meta' for dl in dls for b in dl for o in b)
    assert dls.train_ds.nums.device.type=='meta'
    assert some_dls(device='cpu').one_batch()[0].device.type=='cpu'

def test_a_learner_is_exported_without_its_data(tmp_path):
    from fastai.learner import load_learner
    dls = some_dls(shuffle=False)
    learn = QuickLearner(dls, torch.nn.Embedding(30, 30), loss_func=torch.nn.functional.cross_entropy, path=tmp_path, opt_func=ForeachAdam)
    learn.create_opt()
    learn.export()
    with pytest.warns(UserWarning, match='pickle'): back = load_learner(tmp_path/'export.pkl')
    assert len(back.dls.train_ds)==0 and len(back.dls.train_ds.nums)==0 and len(learn.dls.train_ds)>0
    assert torch.equal(back.model.weight, learn.model.weight)

def test_show_batch(monkeypatch):
    shown = []
    monkeypatch.setattr('human_lm.training.batches.display_df', shown.append)
    nums = torch.arange(120)%6
    flat_dls(*split_seqs(FlatSeqs(nums, 2, vocab=Vocab('a b c d e f'.split()))), bs=4).show_batch(max_n=2)
    assert shown[-1].to_dict('list')=={'text':['a b','e f'], 'target':['b c','f a']}  # a row holds 11 samples: the next one starts 22 tokens on
    dl = FlatDL(FlatSeqs(nums, 2, last=True), bs=4)
    dl.show_batch()
    assert shown[-1].to_dict('list')=={'text':['0 1','2 3','4 5','0 1'], 'target':['2','4','0','2']}
    x,y,samples = dl.show_batch(show=False, max_n=3)
    assert x.shape==(4,2) and y.shape==(4,) and len(samples)==3

def test_show_batch_as_it_is_asked(monkeypatch):
    "Nine samples unless one asks for more; of the batch that is given, into rows that are given; other samples are left to fastai"
    shown = []
    monkeypatch.setattr('human_lm.training.batches.display_df', lambda df: shown.append(df.to_dict('list')))
    dl = FlatDL(FlatSeqs(torch.arange(66), 2), bs=16)
    dl.show_batch()
    assert shown[-1]['text']==[f'{2*i} {2*i+1}' for i in range(9)]
    b,rows = list(dl)[1],[pd.Series(dict(n='a')), pd.Series(dict(n='b'))]
    dl.show_batch(b, ctxs=rows)
    assert shown[-1]==dict(n=['a','b'], text=['32 33','34 35'], target=['33 34','35 36'])
    dl.show_results(b, b[0])
    assert len(shown[-1]['text'])==9
    rows = [pd.Series(dict(n='a')), pd.Series(dict(n='b'))]
    dl.show_results(b, b[0], ctxs=rows)
    assert shown[-1]==dict(n=['a','b'], text=['32 33','34 35'], target=['33 34','35 36'], prediction=['32 33','34 35'])
    for o in ('show_batch','show_results'): monkeypatch.setattr(TfmdDL, o, lambda self, *args, **kwargs: (args, kwargs))
    for show,other in ((True,FlatDL([1,2], bs=2)), (False,dl)):
        assert other.show_batch('b', 3, 'rows', show, 'unique', x=1)==(('b',3,'rows',show,'unique'), dict(x=1))
        assert other.show_results('b', 'out', 3, 'rows', show, x=1)==(('b','out',3,'rows',show), dict(x=1))

def test_memory_is_close_to_that_of_the_tokens():
    flat = FlatSeqs(stream(100_000), 16)
    assert flat.nums.dtype==torch.uint8 and flat.nbytes==100_000
    assert flat.group_chunks(64).nbytes <= 1.25*100_000
    assert flat[10:20].nums.data_ptr()==flat.group_chunks(4).nums.data_ptr()==flat.nums.data_ptr()

@given(st.integers(1, 4), st.integers(1, 4), st.integers(40, 200))
def test_rows_of_each_process_go_on(world, each, n):
    bs,sl = world*each,2
    flat = FlatSeqs(torch.arange(n*sl+2), sl)  # each token is its own place
    if len(flat)<bs: return
    whole = flat.group_chunks(bs)
    parts = [list(FlatDL(whole.share(bs, r, world), bs=each)) for r in range(world)]
    for part in parts:
        for (x,_),(nxt,_) in zip(part, part[1:]): assert torch.equal(nxt[:,0], x[:,-1]+1)
    for got in zip(FlatDL(whole, bs=bs), *parts, strict=True):
        for i in (0,1): assert torch.equal(got[0][i], torch.cat([o[i] for o in got[1:]]))

@pytest.mark.parametrize('f,says', [
    (lambda: FlatSeqs(torch.tensor([], dtype=torch.long), 16), 'a stream of 0 tokens is too short for one sequence of 16: it takes 18'),
    (lambda: FlatSeqs([], 16), 'a stream of 0 tokens is too short'),
    (lambda: FlatSeqs(stream(17), 16), 'a stream of 17 tokens'),
    (lambda: FlatSeqs(stream(99), 0), '`sl` must be a whole number of at least 1, got 0'),
    (lambda: FlatSeqs(stream(99), -3), 'got -3'),
    (lambda: FlatSeqs(stream(99), 2.), 'got 2.0'),
    (lambda: FlatSeqs(stream(99).float(), 4), 'whole numbers, got torch.float32'),
    (lambda: FlatSeqs(stream(99)>3, 4), 'whole numbers, got torch.bool'),
    (lambda: FlatSeqs(stream(99)-5, 4), 'at least 0, got -5'),
    (lambda: FlatSeqs(stream(100).view(10, 10), 4), r'shape \(10, 10\)'),
    (lambda: FlatSeqs(stream(99), 4).group_chunks(0), '`bs` must be a whole number of at least 1, got 0'),
    (lambda: FlatSeqs(stream(99), 4).group_chunks(64), '24 samples do not fill one batch of 64'),
    (lambda: FlatSeqs(stream(99), 4).share(8, 0, 3), '3 processes cannot share 8 rows evenly'),
    (lambda: FlatSeqs(stream(99), 4).share(8, 2, 2), '`rank` must lie between 0 and 1, got 2'),
    (lambda: FlatSeqs(stream(99), 4).share(64, 0, 2), '24 samples do not fill one batch of 64'),
    (lambda: flat_dls(*split_seqs(FlatSeqs(stream(99), 4)), bs=64), 'samples do not fill one batch of 64'),
    (lambda: flat_dls(*split_seqs(FlatSeqs(stream(99), 4)), bs=64, group=False), '19 samples do not fill one batch of 64'),
    (lambda: flat_dls(*split_seqs(FlatSeqs(stream(99), 4)), bs=0), '`bs` must be a whole number of at least 1, got 0')])
def test_bad_input(f, says):
    with pytest.raises(ValueError, match=says): f()

def test_other_bad_input():
    flat = FlatSeqs(stream(99), 4)
    for i in (24, -25):
        with pytest.raises(IndexError, match=f'no sample {i} in 24'): flat[i]
    with pytest.raises(TypeError, match='`FlatSeqs`, got a list'): flat_dls([1], flat)

def test_the_function_leaves_it_to_the_data_set():
    "`group_chunks` of a flat data set is one too, in the same order as for a list"
    from human_lm.stateful import group_chunks
    ds = FlatSeqs(torch.arange(100), sl=3)
    flat,plain = group_chunks(ds, 4),group_chunks(list(ds), 4)
    assert type(flat) is FlatSeqs and len(flat)==len(plain)
    for (a,b),(c,d) in zip(flat, plain): assert torch.equal(a, c) and torch.equal(b, d)

def test_what_it_says_of_itself():
    ds = FlatSeqs(torch.arange(300)%7, 5)
    assert repr(ds)=='FlatSeqs of 59 sequences of 5 in a stream of 300 tokens (torch.uint8); each next token is predicted'
    assert repr(FlatSeqs(torch.arange(300), 5, last=True)[:2])=='FlatSeqs of 2 sequences of 5 in a stream of 300 tokens (torch.int16); the next token is predicted'

@pytest.mark.parametrize('group', [False,True])
@pytest.mark.parametrize('part', [slice(None), slice(3, None), slice(4, 30, 3), slice(None, None, -1)], ids=str)
def test_a_list_of_samples_of_a_slice(group, part):
    "However they were cut and grouped before: numbers, as a list, a tensor, a tuple or a range, and numbers of those again"
    ds = FlatSeqs(torch.arange(500), 4)
    if group: ds = ds.group_chunks(3)
    ds = ds[part]
    want = [ds[i][0].tolist() for i in range(len(ds))]
    for idxs in ([5,0,2], (5,0,2), torch.tensor([5,0,2])):
        some = ds[idxs]
        assert [o[0].tolist() for o in some]==[want[5],want[0],want[2]]==ds.batch(idxs)[0].tolist()
        assert some[[2,0]].batch(range(2))[0].tolist()==[want[2],want[5]]
    assert ds.batch(range(1, 4))[0].tolist()==want[1:4] and ds.batch(range(4, 0, -2))[0].tolist()==[want[4],want[2]]
    assert [o.tolist() for o in ds[torch.tensor(2)]]==[o.tolist() for o in ds[2]]
    n = len(ds)
    assert ds[[-1,0,-n]].batch(range(3))[0].tolist()==[want[-1],want[0],want[0]] and ds.batch(range(-1, -3, -1))[0].tolist()==want[:-3:-1]
    assert [o[0].tolist() for o in ds[5:1:-2]]==want[5:1:-2] and [o[0].tolist() for o in ds[-3:]]==want[-3:]
    for none in ([], range(0), range(3, 1), slice(0, 0), slice(4, 2)): assert len(ds[none] if isinstance(none, (list,slice)) else ds.batch(none)[0])==0
    for wrong in ([n], [0,-n-1], range(n-1, n+1), torch.tensor([n])):
        with pytest.raises(IndexError, match=f'no sample -?{n}|no sample {-n-1}'): ds.batch(wrong)

@pytest.mark.parametrize('group', [False,True])
@pytest.mark.parametrize('idxs', [L(5,0,2), np.array([5,0,2]), np.array([2,0,5])[::-1], np.array([5,0,2], dtype=np.uint8), range(5, 0, -2), torch.tensor([5,-1]),
                                  [np.int64(5),torch.tensor(2)], [], np.array([]), np.arange(23)%3==0, torch.arange(23)%3==0, [i%3==0 for i in range(23)]], ids=repr)
def test_indexed_as_numpy_is(idxs, group):
    ds = FlatSeqs(torch.arange(100), 4)
    if group: ds = ds.group_chunks(1)
    ds = ds[:23]
    want = np.arange(23)[np.array(list(idxs)) if len(idxs) else []].tolist()
    firsts = [o[0][0].item()//4 for o in ds]
    assert [o[0][0].item()//4 for o in ds[idxs]]==[firsts[i] for i in want]==(ds.batch(idxs)[0][:,0]//4).tolist()

@pytest.mark.parametrize('i', [True, np.True_, torch.tensor(True), 1.5, np.float64(2.), torch.tensor(1.), 'a', None], ids=repr)
def test_one_sample_has_a_whole_number(i):
    with pytest.raises(TypeError, match='whole number'): FlatSeqs(stream(99), 4)[i]

@pytest.mark.parametrize('idxs', [[1.,2.], np.array([0.5]), torch.tensor([1.]), ['a'], torch.zeros(2, 2, dtype=torch.long), 'ab'], ids=repr)
def test_samples_have_whole_numbers(idxs):
    ds = FlatSeqs(stream(99), 4)
    for f in (ds.batch, ds.__getitem__):
        with pytest.raises(TypeError, match='whole numbers'): f(idxs)

def test_a_mask_is_for_all_samples():
    with pytest.raises(IndexError, match='a mask of 2 does not fit 24 samples'): FlatSeqs(stream(99), 4)[[True,False]]

def test_whole_numbers_of_any_kind():
    "Sizes may come from NumPy or a tensor; `True` and 2.0 are no sizes"
    for four in (4, np.int64(4), np.uint8(4), torch.tensor(4)):
        dls = flat_dls(*split_seqs(FlatSeqs(stream(500), four)), bs=four)
        for a,b in zip(dls.train, flat_dls(*split_seqs(FlatSeqs(stream(500), 4)), bs=4).train, strict=True): same(a, b)
        same(FlatSeqs(stream(500), 4)[np.int64(2)], FlatSeqs(stream(500), 4)[torch.tensor(2)])
        assert len(FlatSeqs(stream(500), 4).share(four, np.int64(0), np.int64(2)))==62
    for wrong in (True, np.True_, 4., np.float64(4), '4', None):
        with pytest.raises(ValueError, match='whole number of at least 1'): FlatSeqs(stream(500), wrong)
        with pytest.raises(ValueError, match='whole number of at least 1'): flat_dls(*split_seqs(FlatSeqs(stream(500), 4)), bs=wrong)

# ---- whoever changes how samples or batches are made is obeyed, however it is done
def doubled(b): return tuple(o*2 for o in b)
class DoubledItems(FlatDL):
    def create_item(self, s): return doubled(super().create_item(s))
class DoubledItems2(FlatDL):
    def do_item(self, s): return doubled(super().do_item(s))
class DoubledBatches(FlatDL):
    def create_batch(self, b): return doubled(super().create_batch(b))
class DoubledBatches2(FlatDL):
    def do_batch(self, b): return doubled(super().do_batch(b))
class DoubledBatches3(FlatDL):
    def retain(self, res, b): return doubled(super().retain(res, b))
class DoubledBatches4(FlatDL):
    def create_batches(self, samps): return map(doubled, super().create_batches(samps))
class DoubledAfter(FlatDL):
    def __init__(self, *args, **kwargs): super().__init__(*args, **{**kwargs, 'after_batch':lambda o: o*2})
class DoubledSeqs(FlatSeqs):
    def __getitem__(self, i): return doubled(super().__getitem__(i)) if isinstance(i, int) else super().__getitem__(i)

@pytest.mark.parametrize('cls', [DoubledItems,DoubledItems2,DoubledBatches,DoubledBatches2,DoubledBatches3,DoubledBatches4,DoubledAfter,DoubledSeqs])
def test_overridden_methods_are_called(cls):
    ds = FlatSeqs(stream(100), 4)
    dl = cls(ds, bs=8) if issubclass(cls, FlatDL) else FlatDL(cls(stream(100), 4), bs=8)
    for a,b in zip(FlatDL(ds, bs=8), dl, strict=True): same(doubled(a), b)
    same(doubled(FlatDL(ds, bs=8).one_batch()), dl.one_batch())

@pytest.mark.parametrize('how', ['create_item','do_item','create_batch','do_batch','create_batches'])
@pytest.mark.parametrize('where', ['instance','class','TfmdDL'])
def test_replaced_methods_are_called(how, where, monkeypatch):
    "Set on the loader itself, or patched into its class or the one before that"
    dl = FlatDL(FlatSeqs(stream(100), 4), bs=8)
    want = [doubled(o) for o in dl]
    owner = dict(instance=dl, TfmdDL=TfmdDL)[where] if where!='class' else FlatDL
    old = getattr(owner, how)
    if how=='create_batches' and where=='TfmdDL': return  # `FlatDL` has its own
    def new(*args): return map(doubled, old(*args)) if how=='create_batches' else doubled(old(*args))
    monkeypatch.setattr(owner, how, new)
    for a,b in zip(want, dl, strict=True): same(a, b)

def test_shuffled_by_a_function_of_ones_own():
    class Backwards(FlatDL):
        def get_idxs(self): return list(super().get_idxs())[::-1]
    ds = FlatSeqs(stream(100), 4)
    assert torch.equal(torch.cat([o[0] for o in Backwards(ds, bs=5)]), torch.cat([o[0] for o in FlatDL(ds, bs=5)]).flip(0))

@pytest.mark.parametrize('top,kind', [(0,torch.uint8), (255,torch.uint8), (256,torch.int16), (2**15-1,torch.int16), (2**15,torch.int32), (2**31-1,torch.int32), (2**31,torch.int64)])
def test_smallest_type_that_holds_them(top, kind):
    nums = torch.tensor([0,top])
    assert compact(nums).dtype==kind and compact(nums).tolist()==[0,top]
    assert compact(nums[:0]).dtype==torch.uint8
    with pytest.raises(ValueError, match='at least 0, got -1'): compact(torch.tensor([-1,top]))

def test_staying_on_a_device():
    ds = FlatSeqs(torch.arange(300)%7)
    assert ds.to('cpu') is ds and ds.sl==16
    moved = ds.to('meta')
    assert moved.nums.device.type=='meta' and ds.nums.device.type=='cpu' and len(moved)==len(ds)

@pytest.mark.parametrize('kw,says', [(dict(bs=0, rank=0, world_size=1), 'bs'), (dict(bs=4, rank=0, world_size=0), 'world_size')])
def test_sizes_of_a_share(kw, says):
    with pytest.raises(ValueError, match=says): FlatSeqs(torch.arange(300)%7).share(**kw)

def test_batches_of_a_block_are_apart():
    "Many batches are cut at once; what is done to one of them changes neither another one, nor the text, nor the next pass"
    nums = torch.arange(2000)
    dl = FlatDL(FlatSeqs(nums, sl=3), bs=64)
    want = [(x.clone(),y.clone()) for x,y in dl]
    for _ in range(2):
        for (x,y),(a,b) in zip(dl, want, strict=True):
            assert torch.equal(x, a) and torch.equal(y, b)
            x.zero_(), y.add_(1)
    assert torch.equal(nums, torch.arange(2000))
