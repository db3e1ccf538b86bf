"Saving and loading: nothing lost, nothing run, whole or not at all"
import copy,errno,hashlib,json,os,pickle,subprocess,sys
from types import SimpleNamespace

import pytest,torch
from hypothesis import given, strategies as st
from safetensors.torch import save as st_save, load as st_load

import human_lm.runs.results
from human_lm.all import *
from human_lm.text import save as saving
from human_lm.text.tokens import as_tok
from conftest import run_python,says

words = [f'w{i}' for i in range(9)]
others = dict(GRULMModel6=(9,5,2), GRULMModel7=(9,5,1,0.3), CoupledLSTMLMModel6=(9,5,1), OpenLSTMLMModel7=(9,5,1,0.3), AWDLSTMModel=(9,5,2,0.5,4), BuiltinAWDLSTMModel=(9,5,2,0.5,4),
              PointerLMModel=(9,6,4,3,2,5,0.4,3))
models = {'LMModel1':(9,5), 'LMModel2':(9,5), 'LMModel3':(9,5), 'LMModel4':(9,5), 'LMModel5':(9,5,2), 'LMModel6':(9,5,2), 'LMModel7':(9,5,2,0.3)}

def build(name='LMModel7', seed=0):
    torch.manual_seed(seed)
    return globals()[name](*{**models,**others}[name])

def scores(m, x):
    m.eval()
    if hasattr(m, 'reset'): m.reset()
    out = m(x)
    return out[0] if isinstance(out, tuple) else out

x = torch.randint(0, 9, (4,3), generator=torch.Generator().manual_seed(1))

@pytest.fixture
def path(tmp_path): return tmp_path/'m.safetensors'

@pytest.fixture
def saved(path):
    save_lm(build(), path, Vocab(words))
    return path

@pytest.mark.parametrize('dtype', [torch.float32, torch.float64, torch.float16, torch.bfloat16])
@pytest.mark.parametrize('name', models)
def test_bit_for_bit(name, dtype, path):
    m = build(name).to(dtype)
    want = scores(m, x)
    save_lm(m, path, Vocab(words))
    got,vocab = load_lm(path)
    assert type(got) is type(m) and not got.training and vocab==Vocab(words) and type(vocab) is Vocab
    assert torch.equal(scores(got, x), want) and all(p.dtype==dtype and p.requires_grad for p in got.parameters())
    assert got.state_dict().keys()==m.state_dict().keys()
    assert [(n,p.shape) for n,p in got.named_parameters()]==[(n,p.shape) for n,p in m.named_parameters()]

def test_arguments_are_found():
    for name,args in models.items(): assert tuple(lm_sizes(build(name)).values())==args

@pytest.mark.parametrize('name', others)
def test_every_model_of_the_package(name, path):
    "Saved and loaded without its class being passed"
    m = build(name)
    save_lm(m, path, Vocab(words))
    got,_ = load_lm(path)
    assert type(got) is type(m) and torch.equal(scores(got, x), scores(m, x)) and got.made_with==m.made_with

@pytest.mark.parametrize('name', ['LMModel5','LMModel6','LMModel7','GRULMModel7','BuiltinAWDLSTMModel'])
def test_layers_from_scratch(name, path):
    "They come back as they were; a file that says so of other weights is damaged"
    m = from_scratch(build(name))
    save_lm(m, path)
    got,_ = load_lm(path)
    assert type(got) is type(m) and [type(o) for o in got.modules()]==[type(o) for o in m.modules()] and torch.equal(scores(got, x), scores(m, x))
    tensors = st_load(path.read_bytes())
    forged(path, layers='elsewhere', tensors=tensors)
    with pytest.raises(ValueError, match='do not fit'): load_lm(path)
    save_lm(build(), path)
    forged(path, layers='from_scratch', tensors=st_load(path.read_bytes()))
    with pytest.raises(ValueError, match='do not fit'): load_lm(path)

def test_another_layer_from_scratch_is_noticed(path):
    m = from_scratch(build('LMModel6'))
    m.rnn.cells[0] = LSTMCell(5, 6)
    with pytest.raises(TypeError, match='not as its class makes it'): save_lm(m, path)

class Counts(LMModel5):
    "A model with a buffer that its class makes, and one that is not kept"
    def __init__(self, vocab_sz, n_hidden, n_layers):
        super().__init__(vocab_sz, n_hidden, n_layers)
        self.register_buffer('seen', torch.zeros(3, dtype=torch.long))
        self.register_buffer('passing', torch.zeros(2), persistent=False)

def test_buffers(path):
    m = Counts(9, 5, 1)
    m.seen += 7
    save_lm(m, path)
    got,_ = load_lm(path, classes=[Counts])
    assert got.seen.tolist()==[7,7,7] and 'passing' not in st_load(path.read_bytes())

def test_arguments_that_no_file_holds(path):
    class Odd(LMModel5):
        def __init__(self, vocab_sz, n_hidden, kind): super().__init__(vocab_sz, n_hidden, 1)
    for kind,match in ((torch.nn.LSTM,'no file can hold'), ((1,2),'would come back as')):
        with pytest.raises(TypeError, match=match): save_lm(Odd(9, 5, kind), path)

@pytest.mark.parametrize('tok', ['words','chars','fastai','bpe'])
@pytest.mark.filterwarnings('ignore:the text is small')
def test_tokeniser_comes_along(tok, path):
    from human_lm.text.own import text_dls
    v = text_dls('The cat sat on the mat, and the dog lay. '*30, tok=tok, max_vocab=280).vocab
    save_lm(LMModel4(len(v), 4), path, v)
    got = load_lm(path)[1]
    assert type(got) is TextVocab and got.encode('The Dog, sat!').tolist()==v.encode('The Dog, sat!').tolist() and got.to_text(got.encode('The mat.'))==v.to_text(v.encode('The mat.'))

def cut_at_dashes(items): return (o.split('-') for o in items)

def test_tokeniser_that_is_a_function(path):
    from human_lm.text.tokens import as_tok
    v = TextVocab('abab', 1, tok=as_tok(cut_at_dashes))
    save_lm(LMModel4(4, 4), path, v)
    with pytest.warns(UserWarning, match='cut by a function, cut_at_dashes, which no file can hold: pass it as `tok`'): got = load_lm(path)[1]
    assert got.encode('a b').tolist()==v.encode('a-b').tolist()
    assert load_lm(path, tok=cut_at_dashes)[1].encode('a-b').tolist()==v.encode('a-b').tolist()

def test_older_files(path):
    v = TextVocab('aaabbb', 1)
    save_lm(LMModel5(4, 5, 1), path, v)
    for cls in ('TextVocab','Vocab'):
        forged(path, format='1', tok=None, vocab_class=cls, tensors=st_load(path.read_bytes()))
        if cls=='TextVocab':
            with pytest.warns(UserWarning, match='older format, without the tokeniser'): got = load_lm(path)[1]
            assert load_lm(path, tok='chars')[1].encode('ab').tolist()==v.encode(['a','b']).tolist()
        else: got = load_lm(path)[1]
        assert got==v

@pytest.mark.parametrize('tok', ['3', '{}', '{"name":"bpe","state":{"state":"x"}}', '{"name":"bpe","state":{"vocab_sz":1}}', '{"name":"words","state":[]}', '{"name":"words","state":{"a":1}}'])
def test_forged_tokenisers(path, tok):
    v = TextVocab('aaabbb', 1)
    save_lm(LMModel5(4, 5, 1), path, v)
    forged(path, tok=tok, tensors=st_load(path.read_bytes()))
    with pytest.raises(ValueError, match='tokeniser'): load_lm(path)

def test_large_and_endless_files(tmp_path):
    "Refused by what they say of themselves, before they are read"
    path = tmp_path/'m'
    save_lm(build(), path)
    head = path.read_bytes()
    with open(path, 'r+b') as f: f.truncate(40*2**30)
    with pytest.raises(ValueError, match='damaged: it has 42,949,672,960 bytes, and should have'): load_lm(path)
    path.write_bytes((2**40).to_bytes(8, 'little')+head[8:])
    with pytest.raises(ValueError, match='its description alone should have 1,099,511,627,776'): load_lm(path)
    many = {f't{i}':torch.zeros(1) for i in range(20_000)}
    path.write_bytes(st_save(many, dict(library='human_lm', format='2', model='LMModel5', sizes=json.dumps(dict(vocab_sz=1, n_hidden=1, n_layers=5000)))))
    with pytest.raises(ValueError, match='lists 20,000 tensors'): load_lm(path)
    for device in ('/dev/zero','/dev/null'):
        if os.path.exists(device):
            with pytest.raises(ValueError, match='a device or a pipe'): load_lm(device)

@pytest.mark.skipif(not hasattr(os, 'mkfifo'), reason='pipes with a name are of Unix')
def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path/'p')
    with pytest.raises(ValueError, match='a device or a pipe'): load_lm(tmp_path/'p')

def test_float8_files(path):
    save_lm(build(), path)
    forged(path, tensors={n:p.detach().to(torch.float8_e4m3fn) for n,p in build().named_parameters()})
    with pytest.raises(ValueError, match='do not fit'): load_lm(path)

def test_long_names(tmp_path):
    path = tmp_path/('n'*250)
    save_lm(build(), path)
    assert load_lm(path)[1] is None and [o.name for o in tmp_path.iterdir()]==[path.name]

def test_what_is_noted(saved):
    info = saved_info(saved)
    assert info['library']=='human_lm' and info['format']=='2' and info['model']=='LMModel7'
    assert info['sizes']==dict(vocab_sz=9, n_hidden=5, n_layers=2, p=0.3) and info['vocab']==words and info['tok'] is None
    assert info['versions']==dict(human_lm=human_lm.__version__, torch=torch.__version__, python='.'.join(map(str, sys.version_info[:3])))

def test_any_program_can_read_it(saved):
    tensors = st_load(saved.read_bytes())
    assert set(tensors)=={n for n,_ in build().named_parameters()} and 'h_o.weight' not in tensors  # tied: once is enough
    head = json.loads(saved.read_bytes()[8:8+int.from_bytes(saved.read_bytes()[:8], 'little')])
    assert json.loads(head['__metadata__']['vocab'])==words

def test_vocabularies(path):
    m = build('LMModel5')
    save_lm(m, path)
    assert load_lm(path)[1] is None
    v = TextVocab(['é','\ud800','日']*3 + list('aaabbbcccddd'))
    save_lm(m, path, v)
    got = load_lm(path)[1]
    assert type(got) is TextVocab and got==v and got.encode('é never').tolist()==v.encode('é never').tolist()==[v.w2i['é'],0]
    for bad,match in ((Vocab('ab'),'2 tokens, but the model was made for 9'), (Vocab(range(9)),'list of texts')):
        before = path.read_bytes()
        with pytest.raises(ValueError, match=match): save_lm(m, path, bad)
        assert path.read_bytes()==before

def test_loaded_model_trains_and_stays_tied(saved):
    m,_ = load_lm(saved)
    assert m.h_o.weight is m.i_h.weight
    m.train()(x)[0].sum().backward()
    before = m.i_h.weight.clone()
    torch.optim.SGD(m.parameters(), 0.1).step()
    assert not torch.equal(m.i_h.weight, before) and torch.equal(m.h_o.weight, m.i_h.weight)

def test_kept_state_is_not_saved(path):
    m = build()
    save_lm(m, path)
    fresh = saved_info(path)['sha256']
    m(x)
    kept = [o.clone() for o in m.h]
    save_lm(m, path)
    assert saved_info(path)['sha256']==fresh and all(torch.equal(a, b) for a,b in zip(m.h, kept)) and m.training
    assert load_lm(path)[0].h is None

def test_loading_leaves_the_random_state_alone(saved):
    torch.manual_seed(3)
    want = torch.rand(2)
    torch.manual_seed(3)
    load_lm(saved)
    assert torch.equal(torch.rand(2), want)

@pytest.mark.parametrize('make', [
    lambda b: b[:-1], lambda b: b[:20], lambda b: b[:4], lambda b: b'', lambda b: b+b'x', lambda b: b'\xff'*8+b[8:], lambda b: b'hello'*40,
    lambda b: pickle.dumps({'a':1}), lambda b: b[:-3]+bytes([b[-3]^1])+b[-2:], lambda b: b.replace(b'w3', b'w4', 1), lambda b: b.replace(b'LMModel7', b'LMModel6')])
def test_damaged_files(saved, make):
    saved.write_bytes(make(saved.read_bytes()))
    for f in (load_lm, saved_info):
        with pytest.raises(ValueError, match=r'm.safetensors is damaged'): f(saved)

@given(st.data())
def test_any_flipped_bit_is_noticed(data):
    import tempfile,pathlib
    with tempfile.TemporaryDirectory() as d:
        path = pathlib.Path(d)/'m.safetensors'
        save_lm(build('LMModel1'), path, Vocab(words))
        b = bytearray(path.read_bytes())
        i = data.draw(st.integers(0, len(b)-1))
        b[i] ^= 1<<data.draw(st.integers(0, 7))
        path.write_bytes(b)
        with pytest.raises(ValueError, match='m.safetensors'): load_lm(path)

def forged(path, **meta):
    "Write a file whose digest is right, and whose content is not"
    tensors,info = {n:p.detach().contiguous() for n,p in build().named_parameters()},saved_info(path)
    info = {k:json.dumps(v) if k in ('sizes','vocab','versions','tok') else v for k,v in info.items()}
    tensors = meta.pop('tensors', tensors)
    info = {k:v for k,v in {**info, **meta}.items() if v is not None}
    info['sha256'] = saving._digest(tensors, info)
    path.write_bytes(st_save(tensors, info))

def sizes(**kw): return json.dumps({**dict(vocab_sz=9, n_hidden=5, n_layers=2, p=0.3), **kw})

@pytest.mark.parametrize('meta,match', [
    (dict(format='3'), 'format 3, and this version of human_lm reads format 2: update'), (dict(format=None), 'format None'), (dict(library=None), 'not one that `save_lm` wrote'),
    (dict(sizes=None), 'lacks what makes a model'), (dict(sizes='{'), 'lacks what makes'), (dict(sizes='['*9999), 'lacks what makes'), (dict(vocab=None), 'lacks'),
    (dict(model='Secret'), 'holds a Secret, which is no model of this package: pass its class'), (dict(model='Vocab'), 'holds a Vocab'), (dict(model='check_ids'), 'no model of this'), (dict(model='os.system'), 'holds a os.system'), (dict(model=None), 'holds a None'),
    (dict(model='LMModel6'), 'do not fit a LMModel6'), (dict(sizes='[]'), 'do not fit'), (dict(sizes=sizes(n_hidden=6)), 'do not fit'), (dict(sizes=sizes(vocab_sz=10**30)), 'do not fit'),
    (dict(sizes=sizes(n_layers=10**9)), 'do not fit'), (dict(sizes=sizes(p=7)), 'do not fit'), (dict(sizes=sizes(extra=1)), 'do not fit'), (dict(tensors={'i_h.weight':torch.ones(9,5)}), 'do not fit'),
    (dict(tensors={n:p.detach().int() for n,p in build().named_parameters()}), 'do not fit'),
    (dict(vocab='["a"]'), '1 tokens'), (dict(vocab='{"a":1}'), 'list of texts'), (dict(vocab='[1,2,3,4,5,6,7,8,9]'), 'list of texts'), (dict(vocab=json.dumps(['a']*9)), 'twice')])
def test_forged_files(saved, meta, match):
    forged(saved, **meta)
    with pytest.raises(ValueError, match=match): load_lm(saved)

def test_foreign_files_and_folders(tmp_path, path):
    path.write_bytes(st_save({'w':torch.ones(2)}))
    with pytest.raises(ValueError, match='not one that `save_lm` wrote'): load_lm(path)
    with pytest.raises(FileNotFoundError): load_lm(tmp_path/'no')
    with pytest.raises(IsADirectoryError, match='is a folder'): load_lm(tmp_path)

class MyLM(LMModel6): "A model class of somebody's own"

def test_models_of_ones_own(path):
    m = MyLM(9, 5, 1)
    save_lm(m, path)
    with pytest.raises(ValueError, match='MyLM, which is no model .*`classes`'): load_lm(path)
    got,_ = load_lm(str(path), classes=[MyLM])
    assert type(got) is MyLM and torch.equal(scores(got, x), scores(m, x))

def test_models_that_cannot_be_saved(saved):
    before = saved.read_bytes()
    odd = build('LMModel6'); odd.extra = torch.nn.Linear(2, 2)
    untied = build(); untied.h_o.weight = torch.nn.Parameter(torch.ones(9, 5))
    relu = LMModel5(9, 5, 1); relu.rnn = torch.nn.RNN(5, 5, 1, batch_first=True, nonlinearity='relu')
    dropped = build(); dropped.drop.p = 0.5
    patched = build(); patched.forward = lambda x: x
    extra = build(); extra.register_buffer('seen', torch.ones(2))
    for m,match in ((torch.nn.Linear(2,3),'cannot tell what a Linear'), (odd,'`extra` is a Linear, where its class makes none'), (untied,'other weights'), ('text','cannot tell'),
                    (relu,"`rnn` has .*relu.*, where its class makes .*tanh"), (dropped,'`drop` has p=0.5, where its class makes 0.3'), (patched,'it has forward='), (extra,'other weights or buffers'),
                    (build().to(torch.float8_e4m3fn),'cannot run after loading: `i_h.weight` is torch.float8')):
        with pytest.raises(TypeError, match=match): save_lm(m, saved)
    assert saved.read_bytes()==before

def alone(path): return [o.name for o in path.parent.iterdir()]==[path.name]

def test_paths_that_cannot_be_written(tmp_path, saved):
    before = saved.read_bytes()
    with pytest.raises(IsADirectoryError, match='is a folder: name a file in it'): save_lm(build(), tmp_path)
    with pytest.raises(FileNotFoundError, match='there is no folder'): save_lm(build(), tmp_path/'no'/'m')
    with pytest.raises(OSError, match='there is no folder'): save_lm(build(), saved/'m')
    saved.chmod(0o400)
    if not os.access(saved, os.W_OK):  # who is root may write anyway
        with pytest.raises(PermissionError, match='read-only'): save_lm(build(seed=1), saved)
    assert saved.read_bytes()==before and alone(saved)

def test_disk_full(saved, monkeypatch):
    before = saved.read_bytes()
    def full(fd): raise OSError(errno.ENOSPC, 'No space left on device')
    monkeypatch.setattr(human_lm.runs.results.os, 'fsync', full)
    with pytest.raises(OSError, match='No space left'): save_lm(build(seed=1), saved)
    assert saved.read_bytes()==before and alone(saved)

_child = '''
import os,signal,sys
from pathlib import Path
import torch
from human_lm.lstm import LMModel6
from human_lm.text.save import save_lm
m = LMModel6(9, 200, 2)
'''

@pytest.mark.skipif(os.name=='nt', reason='limits on the size of a file are of Unix')
def test_no_room_for_the_whole_file(saved):
    "The system itself refuses to write on, in the middle of the file"
    before = saved.read_bytes()
    out = run_python(_child + '''
import resource
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (50_000,50_000))
try: save_lm(m, sys.argv[1])
except OSError as e: print(type(e).__name__, e)
''', saved)
    assert out.startswith('OSError') and saved.read_bytes()==before and alone(saved)

def test_killed_in_the_middle(saved):
    before = saved.read_bytes()
    p = subprocess.Popen([sys.executable, '-c', _child + '''
import time
os.fsync = lambda fd: (print('writing', flush=True), time.sleep(60))
save_lm(m, sys.argv[1])
''', str(saved)], stdout=subprocess.PIPE, text=True)
    assert p.stdout.readline().strip()=='writing'
    p.kill(); p.wait(); p.stdout.close()
    assert saved.read_bytes()==before and load_lm(saved)
    save_lm(build(seed=1), saved)
    assert saved.read_bytes()!=before and load_lm(saved)

def test_loading_runs_nothing(saved):
    "Neither pickle nor an import happens while a file is read"
    out = run_python('''
import sys
from human_lm.text.save import load_lm
load_lm(sys.argv[1])  # what torch itself sets up on its first use comes before
import builtins,pickle
def no(*a, **k): raise AssertionError('pickle')
pickle.load = pickle.loads = pickle.Unpickler = no
builtins.eval = builtins.exec = no
print(type(load_lm(sys.argv[1])[0]).__name__, 'fastai' in sys.modules)
''', saved)
    assert out.split()==['LMModel7','False']

def quiet_fit(learn, n=1):
    with learn.no_bar(), learn.no_logging(): learn.fit(n, 1e-2)

@pytest.mark.filterwarnings('ignore:.*insecure pickle.*', 'ignore:.*optimizer state.*')
@pytest.mark.parametrize('name', ['LMModel4','LMModel5','LMModel6','LMModel7'])
def test_other_ways_to_save(name, tmp_path):
    from fastai.learner import load_learner
    dls = text_dls(words*30, Vocab(words), bs=2, sl=4)
    learn = text_learner(dls, build(name), path=tmp_path)
    quiet_fit(learn)
    learn.save('w'); learn.export('l.pkl')
    want = scores(learn.model, x.to(dls.device))
    keeps = learn.model.h is not None
    other = load_learner(tmp_path/'l.pkl', cpu=str(dls.device)=='cpu')
    assert other.dls.vocab==dls.vocab and len(other.dls.train_ds)==0 and len(learn.dls.train_ds)>0
    copies = [other.model, copy.deepcopy(learn.model), pickle.loads(pickle.dumps(learn.model)), build(name, seed=5).to(dls.device)]
    copies[-1].load_state_dict(learn.model.state_dict())
    assert keeps
    quiet_fit(learn)
    assert not torch.equal(scores(learn.model, x.to(dls.device)), want)
    learn.load('w')
    for m in (*copies, learn.model):
        if m is not learn.model: assert m.h is None
        assert torch.equal(scores(m, x.to(next(m.parameters()).device)), want)

# exactly

def head_of(path): return json.loads(path.read_bytes()[8:8+int.from_bytes(path.read_bytes()[:8], 'little')])['__metadata__']

def test_all_that_is_noted(path):
    v = TextVocab(['a']*3, tok=as_tok('chars'))
    for m,vocab,want in ((build(), None, dict(vocab='null', vocab_class='NoneType', tok='null')), (from_scratch(LMModel5(3, 2, 1)), v, dict(layers='from_scratch', vocab='["xxunk", "xxbos", "a"]', vocab_class='TextVocab', tok='{"name": "chars", "state": {}}'))):
        save_lm(m, path, vocab)
        got = head_of(path)
        h = hashlib.sha256(json.dumps({k:got[k] for k in sorted(got) if k!='sha256'}).encode())
        for k,t in sorted(st_load(path.read_bytes()).items()): h.update(f'{k} {t.dtype} {tuple(t.shape)}'.encode()+t.numpy().tobytes())
        assert got.pop('sha256')==h.hexdigest() and json.loads(got.pop('versions')).keys()=={'human_lm','torch','python'}
        assert got==dict(want, library='human_lm', format='2', model=type(m).__name__, sizes=json.dumps(m.made_with))

class Odd(LMModel5):
    def __init__(self, vocab_sz, kind): super().__init__(vocab_sz, 3, 1)

class Bare(torch.nn.Module): pass

def changed(name='LMModel7', **kwargs):
    m = build(name)
    for k,o in kwargs.items(): delattr(m, k) if o is None else setattr(m, k, o)
    return m

def test_what_is_wrong_with_models(path):
    instead = 'save its `state_dict` instead'
    def differs(name, what): return f'this {name} is not as its class makes it: {what}; {instead}'
    drop,untied = build(),build()
    drop.drop.p = 0.5
    untied.h_o.weight = torch.nn.Parameter(torch.ones(9, 5))
    for m,want in (('text', 'cannot tell the sizes of a str: it is no model'), (Bare(), f'cannot tell what a Bare was made with: it is no `LanguageModel`; {instead}'),
                   (Odd(9, int), f"this Odd was made with {{'vocab_sz': 9, 'kind': <class 'int'>}}, which no file can hold (Object of type type is not JSON serializable): {instead}"),
                   (Odd(9, (1,)), f"this Odd was made with {{'vocab_sz': 9, 'kind': (1,)}}, which would come back as {{'vocab_sz': 9, 'kind': [1]}}: {instead}"),
                   (changed(extra=torch.nn.Linear(2, 2)), differs('LMModel7', '`extra` is a Linear, where its class makes none')), (changed(drop=None), differs('LMModel7', '`drop` is missing, where its class makes a Dropout')),
                   (changed(rnn=torch.nn.GRU(5, 5, 2, batch_first=True)), differs('LMModel7', '`rnn` is a GRU, where its class makes a LSTM')), (drop, differs('LMModel7', '`drop` has p=0.5, where its class makes 0.3')),
                   (changed('LMModel4', extra=GRU(2, 2)), differs('LMModel4', '`extra` is a GRU, where its class makes none')), (changed('LMModel4', note='x'), differs('LMModel4', "it has note='x', where its class makes None")),
                   (untied, differs('LMModel7', 'it has other weights or buffers than its class makes')),
                   (build().to(torch.float8_e4m3fn), 'this LMModel7 cannot run after loading: `i_h.weight` is torch.float8_e4m3fn; save it in one of torch.float64, torch.float32, torch.float16, torch.bfloat16')):
        with says(TypeError, want): save_lm(m, path)
    for v,want in ((Vocab('ab'), 'the vocabulary has 2 tokens, but the model was made for 9'), (Vocab(range(9)), 'the vocabulary of a saved model must be a list of texts')):
        with says(ValueError, want): save_lm(build(), path, v)
    assert not path.exists()

def test_as_many_tensors_as_a_file_holds(path, monkeypatch):
    m = LMModel5(9, 5, 1)
    monkeypatch.setattr(saving, '_most', 7)
    save_lm(m, path)
    assert load_lm(path)
    monkeypatch.setattr(saving, '_most', 6)
    with says(ValueError, f'{path} lists 7 tensors, and a model that `save_lm` wrote has up to 6'): load_lm(path)
    with says(TypeError, 'this LMModel5 has 7 tensors, and a file holds up to 6: save its `state_dict` instead'): save_lm(m, path)

def test_what_is_wrong_with_paths(path):
    where = path.parent
    with says(IsADirectoryError, f"{where} is a folder: name a file in it, such as {where/'model.safetensors'}"): save_lm(build(), where)
    with says(FileNotFoundError, f"there is no folder {where/'no'} to save the model in"): save_lm(build(), where/'no'/'m')
    with says(IsADirectoryError, f'{where} is a folder, not a saved model'): load_lm(where)
    if os.path.exists('/dev/null'):
        with says(ValueError, '/dev/null is no file that a model could be saved in: it is a device or a pipe'): load_lm('/dev/null')

def with_head(head, data=b''):
    head = head if isinstance(head, bytes) else json.dumps(head).encode()
    return len(head).to_bytes(8, 'little')+head+data

@pytest.mark.parametrize('content,want', [
    (b'', 'is damaged or no safetensors file: it has 0 bytes, and its description alone should have 0'), (b'\1'+b'\0'*6, 'is damaged or no safetensors file: it has 7 bytes, and its description alone should have 1'),
    (b'\1\4'+b'\0'*6, 'is damaged or no safetensors file: it has 8 bytes, and its description alone should have 1,025'), (b'\0'*8, 'is damaged or no safetensors file: its description cannot be read'),
    (with_head(b'{'), 'is damaged or no safetensors file: its description cannot be read'), (with_head(b'['*9999), 'is damaged or no safetensors file: its description cannot be read'),
    (with_head([1]), 'is damaged or no safetensors file: its description is no list of tensors'),
    *((with_head(o), 'is a safetensors file, but not one that `save_lm` wrote: it does not say which model it holds') for o in ({}, {'__metadata__':[1]}, {'__metadata__':{'library':'other'}})),
    *((with_head({'__metadata__':dict(library='human_lm', format=o)}), f'has the format {o}, and this version of human_lm reads format 2: update human_lm') for o in ('0','3',2)),
    (with_head({'__metadata__':dict(library='human_lm', format='2')}, b'ab'), 'is damaged: it has 66 bytes, and should have 64'), (with_head({'__metadata__':dict(library='human_lm', format='2')}), "lacks what makes a model: KeyError('sizes')"),
    (with_head({'__metadata__':dict(library='human_lm', format='2'), 'w':{}}), "lacks what makes a model: KeyError('shape')"),
    (with_head({'__metadata__':dict(library='human_lm', format='2'), 'w':3}), "lacks what makes a model: TypeError(\"'int' object is not subscriptable\")"),
    (with_head({'__metadata__':dict(library='human_lm', format='2', sizes='{')}), "lacks what makes a model: JSONDecodeError('Expecting property name enclosed in double quotes: line 1 column 2 (char 1)')")], ids=lambda o: str(len(o)))
def test_what_is_wrong_with_files(path, content, want):
    path.write_bytes(content)
    with says(ValueError, f'{path} {want}'): load_lm(path)

def test_what_is_wrong_with_what_is_noted(saved):
    damaged = bytearray(saved.read_bytes())
    damaged[-1] ^= 1
    whole = saved.read_bytes()
    for meta,want in ((None, f'{saved} is damaged: its content is not what was saved'), (dict(model='Secret'), f'{saved} holds a Secret, which is no model of this package: pass its class in `classes`'),
                      (dict(model='LMModel6'), f"{saved} is damaged: its weights do not fit a LMModel6 made with {{'vocab_sz': 9, 'n_hidden': 5, 'n_layers': 2, 'p': 0.3}}"),
                      (dict(vocab='["a"]'), 'the vocabulary has 1 tokens, but the model was made for 9'), (dict(vocab='{}'), 'the vocabulary of a saved model must be a list of texts'),
                      (dict(vocab=json.dumps(['a']*9)), 'the vocabulary of a saved model must not hold a token twice'), (dict(tok='3'), f'{saved} lacks what makes a tokeniser'), (dict(tok='{"name":"words","state":3}'), f'{saved} lacks what makes a tokeniser'),
                      (dict(tok='{"name":"bpe","state":{"vocab_sz":1}}'), f"the tokeniser in {saved} cannot be made: byte pairs start from 256 bytes and 'xxbos': `vocab_sz` must be at least 257, got 1")):
        saved.write_bytes(whole)
        saved.write_bytes(damaged) if meta is None else forged(saved, **meta)
        with says(ValueError, want): load_lm(saved)

def test_what_is_said_of_a_tokeniser(path):
    v = TextVocab(['w']*3, tok=as_tok(cut_at_dashes))
    save_lm(LMModel4(3, 4), path, v)
    tensors,seen = st_load(path.read_bytes()),[]
    for meta in ({}, dict(format='1', tok=None)):
        forged(path, tensors=tensors, **meta)
        with pytest.warns(UserWarning) as said: assert load_lm(path)[1].tok is None
        seen += [str(o.message) for o in said]
    assert seen==[f'the text of the model in {path} was cut by a function, cut_at_dashes, which no file can hold: pass it as `tok`; until then prompts are split at their spaces',
                  f"{path} is of an older format, without the tokeniser: pass it as `tok`, such as 'words' or 'chars'; until then prompts are split at their spaces"]

def test_a_learner_brings_its_vocabulary(path):
    learn = SimpleNamespace(model=build(), dls=SimpleNamespace(vocab=Vocab(words)))
    save_lm(learn, path)
    assert load_lm(path)[1]==Vocab(words)
    save_lm(learn, path, Vocab(words[::-1]))
    assert load_lm(path)[1].words==words[::-1]
    del learn.dls.vocab
    save_lm(learn, path)
    assert load_lm(path)[1] is None
