"The live page: its models compute what PyTorch computes, in Python and in a browser, and the page does what it says."
import functools,gzip,importlib.util,json,random,shutil,threading
from http.server import SimpleHTTPRequestHandler,ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlencode

import pytest,torch

from human_lm.counting.measures import _count_on,count_on
from human_lm.data import spell
from human_lm.runs.recipes import chapter_corpus
from human_lm.stateful import borrowed
from human_lm.text.generate import TokenReader

onnxruntime = pytest.importorskip('onnxruntime')
import numpy as np

site = Path(__file__).resolve().parent.parent/'site'
live,models,dist = site/'live',site/'live'/'models',site/'node_modules'/'onnxruntime-web'/'dist'

def module(path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    res = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(res)
    return res

weights,pieces = module(site/'models.py'),module(live/'fragments.py')
said = json.loads((models/'models.json').read_text(encoding='utf-8'))
vocab = chapter_corpus()[0]
names = list(weights.runs)

@functools.cache
def torch_model(name): return weights.load(name)

@functools.cache
def session(name): return onnxruntime.InferenceSession(models/f'{name}.onnx', providers=['CPUExecutionProvider'])

def probs(name, ids):
    "PyTorch's probabilities after each of `ids`, `n × 30`; those of a model of windows from the third token on"
    scores = TokenReader(torch_model(name))(torch.tensor([ids]))[0]
    return scores.softmax(-1).numpy()

def run(name, ids, state=None, mask=None):
    "What the file gives for `ids`: outputs by name, and the state to go on from"
    info,s = said['models'][name],session(name)
    state = [np.zeros(o, np.float32) for o in info['state']] if state is None else state
    mask = np.ones((info['n_layers'],info['n_hidden']), np.float32) if mask is None else mask
    x = np.array(ids, np.int32)
    x = np.lib.stride_tricks.sliding_window_view(x, 3).copy() if info['window']>1 else x[:,None]
    out = dict(zip((o.name for o in s.get_outputs()), s.run(None, dict(ids=x, mask=mask, **{f'state_{i}':o for i,o in enumerate(state)}))))
    return out, [out[f'next_{i}'] for i in range(len(state))]

def random_ids(seed, n): return random.Random(seed).choices(range(30), k=n)
def softmax(x): return torch.tensor(x).reshape(len(x), -1).softmax(-1).numpy()

# without a browser

def test_files_are_those_that_the_index_describes():
    assert said['vocab']==vocab.words and list(said['models'])==names
    for name,o in said['models'].items():
        assert weights.whole(o, models/o['file']), f'{o["file"]}: `make weights` makes it anew'
        assert o['made_by']==json.loads(json.dumps(weights.made_by(name))), f'{name} has another recipe now: `make weights`'
    assert {o.name for o in models.iterdir()}=={'models.json', *(o['file'] for o in said['models'].values())}

def test_an_index_that_is_wrong_is_seen(tmp_path):
    o = said['models']['LMModel1']
    (tmp_path/'a').write_bytes((models/o['file']).read_bytes()[:-1]+b'x')
    assert not weights.whole(o, tmp_path/'a') and not weights.whole(o, tmp_path/'b') and not weights.whole(None, models/o['file'])

@pytest.mark.parametrize('name', names)
def test_files_compute_what_pytorch_computes(name):
    "Over random texts, read in pieces"
    info = said['models'][name]
    for seed in range(3):
        ids = random_ids(seed, 60)
        want = probs(name, ids)
        if info['window']>1: got,want = softmax(run(name, ids)[0]['scores']),want[2:]
        else:
            state,parts = None,[]
            for a,b in ((0,1),(1,14),(14,60)):
                out,state = run(name, ids[a:b], state)
                parts.append(softmax(out['scores']))
                for k,shape in info['insides'].items(): assert list(out[k].shape)==[b-a,*shape]
            got = np.concatenate(parts)
        assert got.shape==want.shape and np.abs(got-want).max()<1e-5

@pytest.mark.parametrize('name', names)
def test_insides_are_those_of_the_model(name):
    "States after each token are the kept ones; gates are such that they lead to them"
    info,ids = said['models'][name],random_ids(7, 20)
    out,_ = run(name, ids)
    m = torch_model(name)
    if info['window']>1:
        want = m.h_o(torch.tensor(out['hidden'][:,0])).detach().numpy()
        assert np.abs(want-out['scores']).max()<1e-4
        return
    with borrowed(m):
        for i,w in enumerate(ids):
            m(torch.tensor([[w]]))
            for k in ('hidden','cell') if 'cell' in info['insides'] else ('hidden',):
                want = torch.cat([o[k] for o in m.by_layer(m.h)]).numpy()
                assert np.abs(out[k][i]-want).max()<1e-4*max(1, np.abs(want).max())
    if 'cell' in info['insides']:
        c = out['gate_forget'][1:]*out['cell'][:-1] + out['gate_input'][1:]*out['gate_new'][1:]
        assert np.abs(c-out['cell'][1:]).max()<1e-5
        assert np.abs(out['gate_output']*np.tanh(out['cell'])-out['hidden']).max()<1e-5
    if name=='pointer':
        mixed = sum(out['shares'][:,i,None]*out[f'way_{k}'] for i,k in enumerate(('own','copy','successor')))
        assert np.abs(mixed-softmax(out['scores'])).max()<1e-5 and np.abs(out['look'][:,0].sum(-1)-1).max()<1e-5

@pytest.mark.parametrize('name', names)
def test_an_activation_that_is_switched_off(name):
    "It is 0 at every token, and what follows from it is another; with all on, the mask changes nothing"
    info,ids = said['models'][name],random_ids(3, 20)
    on = run(name, ids)[0]
    unit = int(np.abs(on['hidden'][:,-1]).sum(0).argmax())
    mask = np.ones((info['n_layers'],info['n_hidden']), np.float32)
    mask[-1,unit] = 0
    off = run(name, ids, mask=mask)[0]
    assert (off['hidden'][:,-1,unit]==0).all() and np.abs(off['scores']-on['scores']).max()>1e-3

def test_fragments():
    "Both languages from one template, with every text"
    a,b = pieces.strings('en'),pieces.strings('zh')
    assert set(a)==set(b) and all(a.values()) and all(b.values())
    res = pieces.fragments()
    assert set(res)=={'en','zh'} and not any('{{' in o or '<html' in o for o in res.values())
    assert 'lang="zh-CN"' in res['zh'] and a['lead'] in res['en'] and b['lead'] in res['zh']
    import re
    for k in a: assert set(re.findall(r'\{\w+\}', a[k]))==set(re.findall(r'\{\w+\}', b[k])), k
    used = {k for o in live.glob('*.js') for k in re.findall(r"\bt\('(\w+)'", o.read_text(encoding='utf-8'))}
    assert used<=set(a) and len(used)>40

def test_a_text_that_is_missing(monkeypatch, tmp_path):
    (tmp_path/'strings.json').write_text('{"lead": {"en": "a", "zh": ""}}')
    monkeypatch.setattr(pieces, 'here', tmp_path)
    with pytest.raises(ValueError, match="'lead' has no text for 'zh'"): pieces.strings('zh')

# in a browser

chromium = shutil.which('chromium') or shutil.which('chromium-browser') or shutil.which('google-chrome')
missing = ('no Chromium is found' if not chromium else 'Playwright for Python is not installed' if not importlib.util.find_spec('playwright')
           else f'{dist} is missing: npm ci in site' if not dist.is_dir() else None)
in_browser = pytest.mark.skipif(bool(missing), reason=missing or '')

csp = ("default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
       "connect-src 'self'; font-src 'self'; worker-src 'self'")

page = '''<!doctype html><html lang="{lang}"><head><meta charset="utf-8"><title>live</title>
<meta http-equiv="Content-Security-Policy" content="{csp}"><meta name="viewport" content="width=device-width">
<link rel="icon" href="data:,"><link rel="stylesheet" href="{up}live/live.css">
<style>:root {{ color-scheme: light dark }} body {{ max-width: 46rem; margin: 0 auto; padding: 1rem; font-family: sans-serif }}
@media (prefers-color-scheme: dark) {{ body {{ background: #131416; color: #e8eaed }} }}</style>
<script type="module" src="{up}live/live.js"></script></head><body><main><h1>Live</h1>{text}</main></body></html>'''

@pytest.fixture(scope='module')
def served(tmp_path_factory):
    "The page and what it needs, under a path of its own; its address"
    root = tmp_path_factory.mktemp('site')
    book = root/'sub'/'book'
    shutil.copytree(live, book/'live', ignore=shutil.ignore_patterns('__pycache__', '*.py', 'template.html', 'strings.json'))
    (book/'live'/'ort').mkdir()
    for o in pieces.ort_files: shutil.copy(dist/o, book/'live'/'ort'/o)
    for lang,text in pieces.fragments().items():
        path,up = (book/'live.html','') if lang=='en' else (book/lang/'live.html','../')
        path.parent.mkdir(exist_ok=True)
        path.write_text(page.format(lang=lang, csp=csp, up=up, text='{text}').replace('{text}', text), encoding='utf-8')
    class Quiet(SimpleHTTPRequestHandler):
        extensions_map = {**SimpleHTTPRequestHandler.extensions_map, '.mjs':'text/javascript', '.js':'text/javascript', '.wasm':'application/wasm'}
        def log_message(self, *args): pass
    server = ThreadingHTTPServer(('127.0.0.1',0), functools.partial(Quiet, directory=root))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f'http://127.0.0.1:{server.server_port}/sub/book'
    server.shutdown()

@pytest.fixture(scope='module')
def browser():
    from playwright.sync_api import sync_playwright
    with sync_playwright() as p:
        args = '--no-sandbox --disable-gpu --disable-background-networking --disable-component-update --disable-sync --no-first-run'
        b = p.chromium.launch(executable_path=chromium, headless=True, args=args.split())
        yield b
        b.close()
