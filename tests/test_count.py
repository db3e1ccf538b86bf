"The command human_lm_count, and the models of notebook 48"
import contextlib,json,pickle,copy
from dataclasses import replace

import pytest,torch
from fastai.callback.training import ShortEpochCallback

from human_lm.all import (BlockGRU,BlockLMModel,MembersLoss,SplitLinear,GRU,Vocab,best_reader,chapter_corpus,committee,human_lm_count,load_lm,pointer,save_lm,
                      show_count,LMModel4,LMModel7,GRULMModel7)
from human_lm.all import hold_out,read_rows,validation_rows,ForeachAdam,PointerLMModel
from human_lm.commands import count
from human_lm.counting.measures import Written

@pytest.fixture
def saved(tmp_path):
    torch.manual_seed(0)
    save_lm(PointerLMModel(30, 16, sep=1), tmp_path/'m.safetensors', chapter_corpus()[0])
    return tmp_path/'m.safetensors'

def test_loaded_model_counts(saved, tmp_path, capsys):
    assert human_lm_count(f'--load {saved} --start 20 --stop 60 --json {tmp_path/"c.json"}'.split())==0
    res,out = json.loads((tmp_path/'c.json').read_text()),capsys.readouterr().out
    assert list(res)==['accuracy','reference','next_number_accuracy','count_length','seconds']
    assert res['reference']==0.9834 and res['count_length']==[0] and res['next_number_accuracy']==[0.] and res['seconds']==[0.]
    lines = out.splitlines()
    assert sum(o.count('x') for o in lines if o.startswith(('     20','     50')))==41 and 'Training' not in out
    assert sum('was written:' in o for o in lines)==41

def test_trains_saves_and_says_the_same_again(tmp_path, capsys):
    path = tmp_path/'m.safetensors'
    args = f'--start 8084 --stop 8090 --json {tmp_path/"c.json"}'
    assert human_lm_count(f'--epochs 1 --save {path} {args}'.split())==0
    first = json.loads((tmp_path/'c.json').read_text())
    assert human_lm_count(f'--load {path} {args}'.split())==0
    again = json.loads((tmp_path/'c.json').read_text())
    assert first['accuracy']==again['accuracy'] and first['accuracy'][0]>0.6 and first['seconds'][0]>0

@pytest.mark.parametrize('args,says', [
    ('--start 9 --stop 8', 'no numbers from 9 to 8'), ('--start 1', 'at least 2'), ('--stop x', 'whole number'), ('--seeds 0', 'from 1'),
    ('--stop 1000000', 'up to 999,999, got --stop 1000000'), ('--load nowhere', 'cannot read nowhere'), ('--save nowhere/m', 'cannot write'), ('--json .', 'cannot write'),
    ('--load a --save b', 'with --load there is none'), ('--save m --json m', 'same file'), ('--load m --json m', 'same file'), ('--epochs 0', 'at least 1'), ('--what', 'unrecognized')])
def test_bad_arguments(args, says, capsys, monkeypatch):
    monkeypatch.setattr('human_lm.commands.count._train', lambda *_: pytest.fail('something was trained'))
    with pytest.raises(SystemExit) as e: human_lm_count(args.split())
    err = capsys.readouterr().err
    assert e.value.code==2 and says in err and err.count('\n')==1

def test_other_vocabulary(tmp_path, capsys):
    "A model of other words, or of other many words, is not let loose on numbers"
    vocab = chapter_corpus()[0]
    for i,(words,says) in enumerate(((Vocab(reversed(vocab.words)), 'another vocabulary'), (None, 'knows 31 tokens'))):
        path = tmp_path/f'{i}.safetensors'
        save_lm(LMModel4(30 if words else 31, 8), path, words)
        with pytest.raises(SystemExit): human_lm_count(['--load', str(path)])
        assert says in capsys.readouterr().err

def test_a_corpus_that_cannot_be_written_is_not_the_fault_of_the_model(saved, capsys, monkeypatch):
    def fail(): raise OSError('cannot write the Human Numbers')
    monkeypatch.setattr('human_lm.runs.recipes.chapter_corpus', fail)
    assert human_lm_count(['--load', str(saved)])==2
    assert capsys.readouterr().err=='human_lm_count: cannot write the Human Numbers\n'

def test_a_trained_model_is_saved_before_it_counts(saved, tmp_path, capsys, monkeypatch):
    "Whoever has seen enough of the count, with `| head` or Ctrl-C, has the model"
    model = load_lm(saved)[0]
    monkeypatch.setattr('human_lm.commands.count._train', lambda *_: (model, 1.))
    for error,status,says in ((BrokenPipeError(32, 'Broken pipe'), 141, ''), (KeyboardInterrupt(), 130, 'holds the last model that was trained')):
        def stop(*_, **__): raise error
        monkeypatch.setattr('human_lm.commands.count.show_count', stop)
        path = tmp_path/f'{status}.safetensors'
        assert human_lm_count(['--save', str(path), '--json', str(tmp_path/'c.json')])==status
        assert torch.equal(load_lm(path)[0].h_o.weight, model.h_o.weight) and not (tmp_path/'c.json').exists()
        err = capsys.readouterr().err
        assert says in err and err.count('\n')==bool(says)

def test_interrupted(tmp_path, capsys, monkeypatch):
    def stop(*_): raise KeyboardInterrupt
    monkeypatch.setattr('human_lm.commands.count._train', stop)
    assert human_lm_count(['--json', str(tmp_path/'c.json')])==130
    assert not list(tmp_path.iterdir()) and 'interrupted' in capsys.readouterr().err

def test_show_count():
    shown = []
    right,length = show_count((Written(n, 'five', n not in (52,60)) for n in range(48, 63)), shown.append, colour=True, per_line=10)
    assert (right,length)==(13/15, 4)
    assert ''.join(shown).splitlines()==['     48  '+' '*8+'..', '     50  ..\033[31mx\033[0m.......', '         52 was written: five',
                                         '     60  \033[31mx\033[0m..', '         60 was written: five']
    assert show_count([Written(5, '', False)], shown.append)==(0, 0) and 'nothing' in shown[-1]
    assert show_count([Written(5, 'five', True)], shown.append)==(1, 1)

def test_block_gru_is_gru_with_a_block_each():
    torch.manual_seed(0)
    a,b = BlockGRU(5, 6, 2, n_blocks=6).double(),GRU(5, 6, 2).double()
    b.load_state_dict(a.state_dict())
    x,h = torch.randn(3, 4, 5, dtype=torch.double),torch.randn(2, 3, 6, dtype=torch.double)
    for p,q in zip(a(x, h), b(x, h)): torch.testing.assert_close(p, q)
    with pytest.raises(ValueError, match='evenly'): BlockGRU(5, 6, n_blocks=4)

def test_block_gates_are_shared():
    "All activations of a block are kept to the same share"
    torch.manual_seed(0)
    cell = BlockGRU(4, 12, n_blocks=3).cells[0]
    with torch.no_grad(): cell.ih.weight[6:] = 0; cell.ih.bias[6:] = 0; cell.hh.weight[6:] = 0; cell.hh.bias[6:] = 0  # nothing new comes in
    h = torch.rand(2, 12)+0.5
    share = (cell(torch.randn(2, 4), h)[0]/h).view(2, 3, 4)
    assert (share-share[...,:1]).abs().max()<1e-6 and (share[:,0,0]-share[:,1,0]).abs().min()>1e-3

def test_block_model_keeps_its_promises(tmp_path):
    torch.manual_seed(0)
    m,x = BlockLMModel(30, 16, 2, 0.5, p_in=0.3, n_blocks=4),torch.randint(0, 30, (3,8))
    m(x)
    for o in (pickle.loads(pickle.dumps(m)), copy.deepcopy(m)): assert o.h is None and o.rnn.cells[1].n_blocks==4
    save_lm(m, tmp_path/'m', None)
    o = load_lm(tmp_path/'m')[0]
    m.eval().reset()
    assert torch.equal(m(x)[0], o(x)[0]) and (o.drop_in.p,o.drop.p)==(0.3,0.5)
    m.reset()
    torch.testing.assert_close(torch.cat([m(p)[0] for p in x.split(3, 1)], 1), o(x)[0] if o.reset() is None else None, rtol=1e-4, atol=1e-5)
    with pytest.raises(ValueError, match='between 0 and 1'): BlockLMModel(30, 16, 2, 0.5, p_in=2)

def member(m, i):
    "Member `i` of the committee `m`, as a model by itself"
    k,res = m.n_members,BlockLMModel(m.i_h.num_embeddings, m.i_h.embedding_dim//m.n_members, m.rnn.num_layers, m.drop.p, m.drop_in.p, m.rnn.cells[0].n_blocks)
    with torch.no_grad():
        for p,q in zip(res.parameters(), m.parameters()): p.copy_(q.chunk(k, dim=-1)[i] if q.ndim==2 else q.chunk(k)[i])
    return res

def test_committee_is_its_members(tmp_path):
    "In training mode each member's scores, in evaluation mode the mean of their probabilities, through kept states too; also when saved"
    torch.manual_seed(0)
    m,x = BlockLMModel(30, 8, 2, 0., p_in=0., n_blocks=4, n_members=3),torch.randint(0, 30, (4,10))
    alone = [member(m, i) for i in range(3)]
    for part in x.split(5, 1): scores = m(part)[0]
    want = [[o(part)[0] for part in x.split(5, 1)][-1] for o in alone]
    torch.testing.assert_close(scores, torch.cat(want), rtol=1e-4, atol=1e-5)
    y = torch.randint(0, 30, (4,5))
    loss = sum(MembersLoss()(o, y) for o in want)/3
    torch.testing.assert_close(MembersLoss()(scores, y), loss)
    save_lm(m, tmp_path/'m')
    for o in (m, load_lm(tmp_path/'m')[0]):
        for a in (o, *alone): a.eval().reset()
        torch.testing.assert_close(o(x)[0].exp(), sum(a(x)[0].exp() for a in alone)/3, rtol=1e-4, atol=1e-6)
    assert o.n_members==3

def test_scan_under_autocast():
    "Mixed precision reaches the layers around the scan, and not the scan"
    torch.manual_seed(0)
    m,x = BlockLMModel(30, 8, 2, 0., p_in=0., n_members=2),torch.randint(0, 30, (4,10))
    want = m(x)[1]
    m.reset()
    with torch.autocast('cpu', torch.bfloat16): scores,raw,_ = m(x)
    assert raw.dtype==torch.float32
    torch.testing.assert_close(raw, want, rtol=0, atol=0.05)
    MembersLoss()(scores.float(), x).backward()
    assert all(p.grad.isfinite().all() for p in m.parameters())

@pytest.mark.parametrize('sizes', [(6,6,1,4), (6,8,1,3), (5,6,1,2)])
def test_members_must_come_out_even(sizes):
    ni,nh,n_layers,n_members = sizes
    with pytest.raises(ValueError, match='evenly'): BlockGRU(ni, nh, n_layers, n_blocks=2, n_members=n_members)
    with pytest.raises(ValueError, match='n_members'): SplitLinear(6, 6, 0)

@pytest.mark.parametrize('cls', [LMModel7, GRULMModel7])
def test_gru_models_are_saved_too(cls, tmp_path):
    m = cls(30, 8, 2, 0.5).eval()
    save_lm(m, tmp_path/'m')
    o,x = load_lm(tmp_path/'m')[0],torch.randint(0, 30, (2,5))
    assert type(o) is cls and torch.equal(o(x)[0], m(x)[0])


def test_recipe_learner_is_seeded_and_rows_go_on():
    small = replace(committee, sizes={**committee.sizes, 'n_hidden':16}, n_epoch=1)
    def held(seed): return small.learner(seed, fast=True, part='held out')
    learn = held(3)
    a,b = list(learn.dls.train)[:2]
    assert a[0].shape==(32,16) and torch.equal(a[0][:,1:], a[1][:,:-1]) and torch.equal(a[1][:,-1], b[0][:,0])
    assert learn.dls.valid.one_batch()[0].shape[0]==64
    w = held(3).model.i_h.weight
    assert torch.equal(learn.model.i_h.weight, w) and not torch.equal(w, held(4).model.i_h.weight)
    assert (best_reader(learn.model).theta,best_reader(LMModel4(30, 8)).theta)==(6.,30.)  # the states of five members are compared at once

def test_recipe_learner_is_built_as_the_recipe_says():
    "Each part of the text, of the batches and of the training"
    from fastai.callback.rnn import RNNRegularizer
    vocab,nums = chapter_corpus()
    small = replace(committee, sizes={**committee.sizes, 'n_hidden':16, 'n_members':2}, bs=8, sl=5, alpha=3., beta=0.5, eps=5e-6, clip=0.3)
    seen = {}
    for final in (False,True):
        learn = small.learner(fast=True, part='final' if final else 'held out')
        train,valid = (o.dataset for o in learn.dls)
        end = validation_rows()[0][0]+1 if final else len(hold_out(vocab, nums).train)
        seen[final] = end
        assert torch.equal(train.nums.long(), nums[:end]) and train.sl==5 and train.vocab is valid.vocab is vocab
        assert final or torch.equal(valid.nums.long(), hold_out(vocab, nums).held)
        assert [o.bs for o in learn.dls]==[8,64]
        reg = next(o for o in learn.cbs if isinstance(o, RNNRegularizer))
        assert (reg.alpha,reg.beta)==(3.,0.5)
        assert learn.gradient_clip.max_norm==0.3
        learn.create_opt()
        assert isinstance(learn.opt, ForeachAdam) and learn.opt.hypers[0]['eps']==5e-6 and learn.wd_bn_bias
        assert isinstance(learn.loss_func, MembersLoss)
        with learn.no_bar(),learn.no_logging(): learn.fit(1, 0., cbs=ShortEpochCallback(pct=0.01))
        assert list(learn.recorder.metric_names)==(['epoch','train_loss','time'] if final else ['epoch','train_loss','valid_loss','accuracy','time'])
    assert seen[False]<seen[True]

def test_the_best_reader_is_the_one_of_the_notebook():
    r = best_reader(LMModel4(30, 8))
    assert (r.theta,r.lam,r.size)==(30.,0.25,300)

def test_what_the_command_says(saved, capsys, monkeypatch):
    "Line by line; for a model that is trained, its seed and its time too"
    model = load_lm(saved)[0]
    def lines(args):
        assert human_lm_count(args.split())==0
        return capsys.readouterr().out.splitlines()
    vocab,nums = chapter_corpus()
    acc = read_rows(model, nums, *validation_rows()).hits.float().mean().item()
    out = lines(f'--load {saved} --start 20 --stop 23')
    assert out[:2]==[f'0 s; {100*acc:.2f} % of the validation tokens; a reader who may be anywhere in the text gets 98.34 %', '']
    assert out[2].split()==['20','xxxx'] and out[-3:]==['', '0.00 % of the numbers right; 0 before the first mistake', '']
    asked = []
    monkeypatch.setattr('human_lm.commands.count._train', lambda *a: (asked.append(a), (model, 61.3))[1])
    out = lines('--seeds 2 --epochs 3 --start 20 --stop 20')
    assert asked==[(0,3), (1,3)] and [o for o in out if 'Training' in o]==['Training from seed 0','Training from seed 1']
    assert sum(o.startswith('61 s; ') for o in out)==2

def test_options_of_the_command():
    "What is taken if nothing is said is what the help says"
    p = count._parser()
    a = vars(p.parse_args([]))
    assert a==dict(start=8084, stop=9999, seeds=1, load=None, save=None, epochs=None, json=None)
    text = ' '.join(p.format_help().split())
    assert all(o in text for o in ('(default: 8084)','(default: 9999)','(default: 1)',f'(default: {pointer.n_epoch})'))
    a = p.parse_args('--start 2 --stop 3 --seeds 4 --save s --epochs 5 --json j'.split())
    assert (a.start,a.stop,a.seeds,str(a.save),a.epochs,str(a.json))==(2,3,4,'s',5,'j')
    with pytest.raises(SystemExit): p.parse_args('--seeds 2 --load x'.split())

@pytest.mark.parametrize('n_epoch', [None,2])
def test_training_of_the_command(monkeypatch, n_epoch):
    "The recipe of the network that points, on the whole training text, as long as it says or as one asks, and without a bar where nobody looks"
    class Learn:
        progress,model = 'bar','the model'
        def no_logging(self): return contextlib.nullcontext()
        def remove_cb(self, cb): calls.append(('without',cb))
    calls = []
    class Run:
        def learner(self, *a, **kw): return (calls.append((a,kw)), Learn())[1]
        def fit(self, learn, n_epoch): calls.append(n_epoch)
    monkeypatch.setattr('human_lm.counting.pointer.pointer', Run())
    monkeypatch.setattr('human_lm.commands.count.time.perf_counter', iter([10.,72.]).__next__)
    assert count._train(3, n_epoch)==('the model', 62.)
    assert calls==[((3,), dict(fast=True, part='final')), ('without','bar'), n_epoch]

def test_members_sizes_and_start():
    "Defaults are one member of 8 blocks; weights are drawn as for one member; each size is checked"
    torch.manual_seed(0)
    lin = SplitLinear(4000, 3, 4)
    bound = 1000**-0.5
    for o in lin.parameters(): assert 0.5*bound<o.abs().max()<=bound and o.min()<0<o.max()
    assert SplitLinear(6, 3).n_members==1 and BlockGRU(8, 16).cells[0].n_blocks==8 and len(BlockGRU(8, 16).cells)==1
    for sizes in ((0,3,1), (3,0,1), (3,3,0)):
        with pytest.raises(ValueError, match='at least 1'): SplitLinear(*sizes)
    cell = type(BlockGRU(8, 16).cells[0])
    for sizes in ((0,8), (8,0), (8,8,0), (8,8,8,0)):
        with pytest.raises(ValueError, match='at least 1'): cell(*sizes)
    for n,says in ((1,'1 member of 3 blocks each'), (2,'2 members of 3 blocks each')):
        with pytest.raises(ValueError, match=says): cell(8, 16, 3, n)
    rnn,x = BlockGRU(6, 8, n_blocks=2),torch.randn(3, 5, 6)
    assert torch.equal(rnn(x)[0], rnn(x, torch.zeros(1, 3, 8))[0])
