"The command human_lm_count, and the recipes that it trains by"
import contextlib,io,json
from dataclasses import replace
from pathlib import Path

import pytest,torch
from fastai.callback.training import ShortEpochCallback

from human_lm.all import (ForeachAdam,GRULMModel7,LMModel4,LMModel7,PointerLMModel,Vocab,chapter_corpus,hold_out,human_lm_count,load_lm,pointer,read_rows,recipe,
                      save_lm,show_count,validation_rows)
from human_lm.commands import count
from human_lm.counting.measures import Written

@pytest.fixture
def saved(tmp_path):
    torch.manual_seed(0)
    save_lm(PointerLMModel(30, 16, sep=1), tmp_path/'m.safetensors', chapter_corpus()[0])
    return tmp_path/'m.safetensors'

def test_says_whether_there_was_a_mistake(saved, capsys):
    good = Path(__file__).parents[1]/'nbs'/'measured'/'pointer.safetensors'
    for model,said in ((good,True), (saved,False)):
        assert human_lm_count(['--load', str(model), '--start', '20', '--stop', '60'])==0
        out = capsys.readouterr().out
        assert ('; no mistake' in out)==said and ('before the first mistake' in out)!=said

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

def test_show_count_unless_one_asks(monkeypatch):
    "Fifty to a line and without colours, each sign as soon as it is known"
    class Out(io.StringIO):
        def flush(self): seen.append(self.getvalue())
    seen = []
    monkeypatch.setattr('sys.stdout', Out())
    show_count(Written(n, 'a' if n==99 else '', n<99) for n in range(98, 102))
    want = '     98  '+' '*48+'.x\n         99 was written: a\n    100  xx\n         100 was written: nothing\n         101 was written: nothing\n'
    assert seen[-1]==want and len(set(seen))==8

@pytest.mark.parametrize('cls', [LMModel7, GRULMModel7])
def test_gru_models_are_saved_too(cls, tmp_path):
    m = cls(30, 8, 2, 0.5).eval()
    save_lm(m, tmp_path/'m')
    o,x = load_lm(tmp_path/'m')[0],torch.randint(0, 30, (2,5))
    assert type(o) is cls and torch.equal(o(x)[0], m(x)[0])

def test_recipe_learner_is_seeded_and_rows_go_on():
    small = replace(pointer, sizes={**pointer.sizes, 'n_hidden':16})
    def held(seed): return small.learner(seed, fast=True, part='held out')
    learn = held(3)
    a,b = list(learn.dls.train)[:2]
    assert a[0].shape==(16,16) and torch.equal(a[0][:,1:], a[1][:,:-1]) and torch.equal(a[1][:,-1], b[0][:,0])
    assert learn.dls.valid.one_batch()[0].shape[0]==64
    w = held(3).model.i_h.weight
    assert torch.equal(learn.model.i_h.weight, w) and not torch.equal(w, held(4).model.i_h.weight)

def test_recipe_learner_is_built_as_the_recipe_says():
    "Each part of the text, of the batches and of the training"
    from fastai.callback.rnn import RNNRegularizer
    from fastai.losses import FocalLossFlat
    vocab,nums = chapter_corpus()
    small = replace(recipe('LMModel7'), sizes=dict(n_hidden=16, n_layers=1, p=0.1), bs=8, sl=5, wd_biases=True, alpha=3., beta=0.5, clip=0.3, loss=FocalLossFlat)
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
        assert isinstance(learn.opt, ForeachAdam) and learn.wd_bn_bias
        assert isinstance(learn.loss_func, FocalLossFlat)
        with learn.no_bar(),learn.no_logging(): learn.fit(1, 0., cbs=ShortEpochCallback(pct=0.01))
        assert list(learn.recorder.metric_names)==(['epoch','train_loss','time'] if final else ['epoch','train_loss','valid_loss','accuracy','time'])
    assert seen[False]<seen[True]

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
    assert ' '.join(p.format_usage().split())=='usage: human_lm_count [-h] [--start N] [--stop N] [--seeds N | --load FILE] [--save FILE] [--epochs N] [--json FILE]'
    assert 'Train the network that points' in text and text.endswith('no network is needed.')
    a = p.parse_args('--start 2 --stop 3 --seeds 4 --save s --epochs 5 --json j'.split())
    assert (a.start,a.stop,a.seeds,str(a.save),a.epochs,str(a.json))==(2,3,4,'s',5,'j')
    with pytest.raises(SystemExit): p.parse_args('--seeds 2 --load x'.split())

@pytest.mark.parametrize('option,bad,says', [('start','1','the start must be a whole number of at least 2'), ('stop','1','the stop must be a whole number of at least 2'),
    ('seeds','0','the number of seeds must be a whole number from 1 to 4294967296'), ('seeds','4294967297','the number of seeds must be a whole number from 1 to 4294967296'),
    ('epochs','x','the number of epochs must be a whole number of at least 1')])
def test_numbers_that_are_none(option, bad, says, capsys):
    with pytest.raises(SystemExit): count._parser().parse_args([f'--{option}', bad])
    assert capsys.readouterr().err==f'human_lm_count: argument --{option}: {says}, got {bad!r}\n'

def test_limits_of_numbers():
    parse = count._parser().parse_args
    assert parse(['--seeds','4294967296']).seeds==2**32 and parse(['--epochs','1']).epochs==1

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
        def fit(self, learn, n_epoch): calls.append((learn.model, n_epoch))
    monkeypatch.setattr('human_lm.counting.pointer.pointer', Run())
    monkeypatch.setattr('human_lm.commands.count.time.perf_counter', iter([10.,72.]).__next__)
    assert count._train(3, n_epoch)==('the model', 62.)
    assert calls==[((3,), dict(fast=True, part='final')), ('without','bar'), ('the model',n_epoch)]
