"The live page: its models compute what PyTorch computes, in Python and in a browser, and the page does what it says."
import functools,gzip,importlib.util,json,random,re
from pathlib import Path
from urllib.parse import urlencode

import pytest,torch

from human_lm.counting.measures import _count_on,count_on
from human_lm.runs.recipes import chapter_corpus
from human_lm.stateful import borrowed
from human_lm.text.generate import TokenReader

onnxruntime = pytest.importorskip('onnxruntime')
import numpy as np

source = Path(__file__).resolve().parent.parent/'site'
live,models = source/'live',source/'live'/'models'

def module(path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    res = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(res)
    return res

weights,pieces = module(source/'models.py'),module(live/'fragments.py')
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
        mixed = sum(out['shares'][:,:,i:i+1]*out[f'way_{k}'] for i,k in enumerate(('own','copy','successor')))
        assert np.abs(mixed[:,0]-softmax(out['scores'])).max()<1e-5 and np.abs(out['look'][:,0].sum(-1)-1).max()<1e-5

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
    for o,texts,lang in (('en',a,'en'), ('zh',b,'zh-CN')):
        text = pieces.fragment(o)
        assert '{{' not in text and f'lang="{lang}"' in text and texts['lead'] in text
    for k in a: assert set(re.findall(r'\{\w+\}', a[k]))==set(re.findall(r'\{\w+\}', b[k])), k
    used = {k for o in live.glob('*.js') for k in re.findall(r"\bt\('(\w+)'", o.read_text(encoding='utf-8'))}
    assert used<=set(a) and len(used)>40

def test_a_text_that_is_missing(monkeypatch, tmp_path):
    (tmp_path/'strings.json').write_text('{"lead": {"en": "a", "zh": ""}}')
    monkeypatch.setattr(pieces, 'here', tmp_path)
    with pytest.raises(ValueError, match="'lead' has no text for 'zh'"): pieces.strings('zh')

# in a browser

def fault(m): return m.type in ('error','warning')

def until(page, js):
    "Wait until the expression `js` is true in the page; waiting within it would need `eval`, which the policy forbids"
    for _ in range(200):
        if page.evaluate(js): return
        page.wait_for_timeout(100)
    raise AssertionError(f'never true: {js}')

class Page:
    "A page that is open, and what went wrong in it"
    def __init__(self, browser, address, path='live.html', script=None, **kwargs):
        self.context = browser.new_context(**{'viewport':dict(width=1000, height=800), **kwargs})
        self.page,self.faults,self.url = self.context.new_page(),[],address+path
        self.page.set_default_timeout(90_000)
        self.page.on('console', lambda m: self.faults.append(m.text) if fault(m) else None)
        self.page.on('pageerror', lambda e: self.faults.append(str(e)))
        self.asked = []
        self.page.on('request', lambda r: self.asked.append(r.url))
        if script: self.page.add_init_script(script)

    def open(self, **state):
        self.page.goto(self.url + ('#'+urlencode(state) if state else ''))
        return self

    def settled(self):
        self.page.wait_for_selector('#live[data-ready]', state='attached')
        self.page.wait_for_selector('#live-next[aria-busy=false]', state='attached')

    def go(self, **state):
        "Another state of the same page, by its link"
        self.page.evaluate("h => { document.getElementById('live-next').setAttribute('aria-busy', 'true'); location.hash = h }", urlencode(state))
        self.settled()

    def write(self, text):
        self.page.fill('#live-text', text)
        self.settled()

    def all_words(self):
        if self.page.get_attribute('#live-all', 'aria-pressed')!='true': self.page.click('#live-all')
        until(self.page, "document.querySelectorAll('#live-bars button').length==30")

    def probs(self, key='p'):
        got = self.page.eval_on_selector_all('#live-bars button', f"l => l.map(o => [o.dataset.word, +o.dataset.{key}])")
        return np.array([dict(got)[w] for w in vocab.words])

    def shows(self, want, key='p'):
        "Wait until these are the probabilities; a page that has just been asked for others still shows the old ones"
        for _ in range(200):
            if np.abs(self.probs(key)-want).max()<1e-4: return
            self.page.wait_for_timeout(100)
        raise AssertionError(f'{self.probs(key)} are shown, not {want}')

    def text(self, name): return ' '.join(self.page.inner_text(f'#live-{name}').split())

@pytest.fixture(scope='module')
def shared(browser, address):
    p = Page(browser, address).open()
    p.settled()
    return p

def words_of(ids): return ' '.join(vocab.decode(ids))

@pytest.mark.parametrize('name', names)
def test_the_page_gives_the_probabilities_of_pytorch(shared, name):
    shared.go(model=name, text='one')
    for seed,n in ((1,5),(2,40)):
        ids = random_ids(seed, n)
        shared.write(words_of(ids))
        shared.all_words()
        assert np.abs(shared.probs()-probs(name, ids)[-1]).max()<1e-4
        shared.write(words_of(ids[:-1]))  # shorter: read again from a kept state
        assert np.abs(shared.probs()-probs(name, ids[:-1])[-1]).max()<1e-4
    assert not shared.faults

def counted(shared, many, **state):
    "What the page shows of a count, for each model: marks, wrong numbers, and what it says of it"
    shared.go(**state)
    shared.page.evaluate(f"document.getElementById('live-many').options[0].value = document.getElementById('live-many').options[0].text = '{many}'")
    shared.page.select_option('#live-many', str(many))
    shared.page.click('#live-go')
    until(shared.page, "[...document.querySelectorAll('.live-result')].every(o => o.textContent.includes('before the first mistake'))")
    res = shared.page.eval_on_selector_all('#live-counts > div', """os => os.map(o => [
        [...o.querySelectorAll('.live-ten')].map(t => t.textContent).join(''),
        [...o.querySelectorAll('tbody tr')].map(r => [+r.cells[0].textContent.replace(',', ''), r.cells[2].textContent]),
        o.querySelector('.live-result').textContent])""")
    return [(marks, dict(map(tuple, rows)), said) for marks,rows,said in res]

def as_counted(name, start, n):
    "The same as Python counts"
    want = list(count_on(torch_model(name), vocab, start, start+n-1))
    wrong = {o.number:o.words or 'nothing' for o in want if not o.right}
    return ''.join('·' if o.right else '×' for o in want), wrong

@pytest.mark.parametrize('name,start', [('LMModel7',8090),('LMModel1',8090),('LMModel5',2),('pointer',8997)])
def test_the_page_counts_as_python_does(shared, name, start):
    (*got,said), = counted(shared, 13, model=name, start=start)
    assert tuple(got)==as_counted(name, start, 13) and f"{got[0].count('·')} of 13 numbers right" in said

def test_two_models_count_side_by_side(shared):
    a,b = counted(shared, 13, model='LMModel7', start=8090, **{'with':'LMModel4'})
    assert a[:2]==as_counted('LMModel7', 8090, 13) and b[:2]==as_counted('LMModel4', 8090, 13)
    assert a[2].startswith('LMModel7: ') and b[2].startswith('LMModel4: ') and a[0]!=b[0]

def test_a_count_from_one(shared):
    (marks,*_), = counted(shared, 6, model='LMModel7', start=1)
    want = _count_on(TokenReader(torch_model('LMModel7')), vocab, 1, 6, vocab.encode('.'))
    assert marks==''.join('·' if o.right else '×' for o in want) and 'only a full stop' in shared.text('before-one')

def test_a_start_that_is_none(shared):
    for bad in ('0','1000000',''):
        shared.page.fill('#live-start', bad)
        shared.page.click('#live-go')
        assert 'whole number from 1 to 999,999' in shared.text('start-bad')

def test_the_first_answer_takes_few_bytes(browser, site, address):
    "All that is asked for before it, compressed; nothing from elsewhere, and one model"
    page = Page(browser, address).open()
    page.settled()
    asked = {re.split('[?#]', o)[0] for o in page.asked if not o.startswith('data:')}
    assert all(o.startswith(address) for o in asked)
    assert [o for o in asked if o.endswith('.onnx')]==[address+'live/models/LMModel7.onnx']
    n = sum(len(gzip.compress((site/o.removeprefix(address)).read_bytes(), 6)) for o in asked)
    print(f'{n:,} bytes compressed in {len(asked)} files before the first answer')
    assert n<6e6 and not page.faults
    page.context.close()

def test_ten_thousand_words(shared):
    "They are read in pieces, and the page goes on drawing meanwhile"
    shared.go(model='LMModel7', text='one')
    shared.page.evaluate("window.drawn = 0; (function f() { drawn++; requestAnimationFrame(f) })()")
    ids = random_ids(5, 10_000)
    shared.page.fill('#live-text', words_of(ids))
    before = shared.page.evaluate('drawn')
    shared.settled()
    frames = shared.page.evaluate('drawn')-before
    shared.all_words()
    assert np.abs(shared.probs()-probs('LMModel7', ids)[-1]).max()<1e-4
    shared.page.click('#live-one')
    shared.page.wait_for_selector('#live-after:has-text("10,001")')
    assert frames>2 and not shared.faults  # how many there are depends on the machine
    shared.write('one')

def test_words_that_are_none(shared):
    shared.go(model='LMModel7', text='one')
    shared.page.fill('#live-text', 'one thoussand 21 and two ')
    shared.page.locator('#live-text').blur()
    shared.settled()
    shared.page.wait_for_selector('#live-after:has-text("Words read: 1.")')
    box = shared.page.locator('#live-words-bad')
    assert '“thoussand” is no word' in box.inner_text()
    box.get_by_role('button', name='thousand', exact=True).click()
    box.get_by_role('button', name='twenty one', exact=True).click()
    box.get_by_role('button', name='leave it out').click()
    assert shared.page.input_value('#live-text').split()=='one thousand twenty one two'.split() and not box.inner_text()

def test_texts_with_nothing_to_go_on_from(shared):
    shared.go(model='LMModel1', text='')
    assert 'The text is empty' in shared.text('after') and not shared.page.locator('#live-bars button').count()
    shared.write('one two')
    assert 'needs three words' in shared.text('after')
    shared.go(model='LMModel7', text='one two |')
    assert 'state has just been reset' in shared.text('after')

def test_a_reset_forgets(shared):
    shared.go(model='LMModel6', text='nine thousand | eight thousand')
    shared.all_words()
    assert np.abs(shared.probs()-probs('LMModel6', vocab.encode('eight thousand').tolist())[-1]).max()<1e-4

def test_an_activation_off_and_two_models_compared(shared):
    ids = random_ids(9, 12)
    shared.go(model='LMModel6', text=words_of(ids), unit='2.5', **{'with':'LMModel4'})
    shared.all_words()
    assert np.abs(shared.probs('other')-probs('LMModel4', ids)[-1]).max()<1e-4
    shared.page.click('#live-off')
    shared.settled()
    mask = np.ones((2,64), np.float32)
    mask[1,4] = 0
    want = softmax(run('LMModel6', ids, mask=mask)[0]['scores'])[-1]
    until(shared.page, "document.getElementById('live-off').getAttribute('aria-pressed')=='true'")
    shared.shows(want)
    assert 'Activation 5 of layer 2 is off' in shared.text('off-said')
    shared.page.select_option('#live-with', 'intact')
    shared.shows(probs('LMModel6', ids)[-1], 'other')

def test_the_link_carries_the_state(browser, address, shared):
    shared.go(model='LMModel6', text='one two three', view='gate_forget', token=2, unit='1.9', off='2.3', start=77, **{'with':'LMModel2'})
    until(shared.page, "location.hash.includes('start=77')")
    link = shared.page.evaluate('location.href')
    other = Page(browser, address)
    other.page.goto(link)
    other.settled()
    v = other.page.evaluate("""() => [...document.querySelectorAll('#live input:checked')].map(o => o.value).concat(
        ['with', 'text', 'at', 'layer', 'unit', 'start'].map(o => document.getElementById('live-' + o).value))""")
    assert v==['LMModel6','gate_forget','LMModel2','one two three','2','1','9','77'] and 'Activation 3 of layer 2 is off' in other.text('off-said')
    other.go(model='none', text='one', view='x', token='-1', unit='99.1', off='7.7', **{'with':'LMModel9'})
    assert other.page.evaluate("document.querySelector('#live-model input:checked').value")=='LMModel7' and not other.faults
    other.context.close()

def test_with_the_keyboard_alone(shared):
    shared.go(model='LMModel7', text='')
    p = shared.page
    p.focus('#live-text')
    p.keyboard.type('one . two . ')
    p.keyboard.press('Tab')
    p.keyboard.press('Enter')  # the first word among the chips
    assert p.input_value('#live-text').endswith('. one ')
    p.focus('#live-model input:checked')
    p.keyboard.press('ArrowLeft')
    shared.settled()
    assert p.evaluate("document.activeElement.value")=='LMModel6'
    p.focus('#live-one')
    p.keyboard.press('Space')
    shared.settled()
    until(p, "document.getElementById('live-text').value.trim().split(' ').length==6")
    p.focus('#live-at')
    p.keyboard.press('ArrowDown')
    p.wait_for_selector('#live-after:has-text("After word 5")')
    assert p.evaluate("[...document.querySelectorAll('#live button, #live input, #live select, #live textarea')].every(o => o.textContent || o.labels?.length || o.ariaLabel)")

def test_the_tour_says_what_is_true(shared):
    "Every step comes up, and its figures are those of the weights"
    p,said = shared.page,pieces.strings('en')
    shared.go(model='LMModel7', text='one')
    p.click('#live-tour-start')
    heads = []
    for i in range(1, 9):
        p.wait_for_selector(f'#live-tour-step:has-text("Step {i} of 8")')
        shared.settled()
        p.wait_for_timeout(100)
        heads.append(shared.text('tour-title'))
        assert p.evaluate("document.activeElement.id")=='live-tour-title' and p.locator('.live-look').count()==1
        top = p.locator('#live-bars button').first
        word,q = top.get_attribute('data-word'),float(top.get_attribute('data-p'))
        if i==1: assert word=='four' and q>0.98
        if i==2: assert q<0.2
        if i==3: assert 0.055<float(p.get_attribute('#live-bars button[data-word=four]', 'data-p'))<0.065
        if i==5: assert 'right at 28 of 32' in shared.text('score') and 'LMModel4: the likeliest word was right at 23 of 32' in shared.text('score')
        if i==6: assert word=='five' and 0.875<q<0.885
        if i==7: assert ', 6 back' in shared.text('read')
        if i<8: p.click('#live-tour-next')
    assert heads==[said[f'tour_{i}_title'] for i in range(1, 9)]
    p.keyboard.press('Escape')
    assert p.is_hidden('#live-tour') and not shared.faults

long_text = ' . '.join(f'five thousand six hundred forty {o}' for o in ('one','two','three','four')) + ' . five thousand six hundred forty'

def test_the_tours_claims_about_gates_activations_and_the_count():
    ids = vocab.encode(long_text).tolist()
    gate = run('LMModel7', ids)[0]['gate_forget'][:,1].mean(-1)
    at = {w:[g for i,g in zip(ids, gate) if vocab[i]==w] for w in ('thousand','hundred','.')}
    assert min(at['thousand']+at['hundred'])>0.5>max(at['.'])
    five,ps = vocab.w2i['five'],{}
    for unit in range(128):
        mask = np.ones(128, np.float32)
        mask[unit] = 0
        p = softmax(run('LMModel7', ids, mask=mask.reshape(2, 64))[0]['scores'])[-1]
        assert p.argmax()==five
        ps[unit] = p[five]
    assert min(ps, key=ps.get)==6
    wrote = list(count_on(torch_model('LMModel7'), vocab, 8084, 8100))
    assert all(o.right for o in wrote[:16]) and wrote[16].words=='eight thousand one'
    out = run('pointer', ids)[0]
    later = [i for i,w in enumerate(ids) if i>=7 and vocab[w] in ('thousand','six','hundred','forty')]
    assert len(later)==16 and all(23-out['look'][i,0].argmax()==6 for i in later)
    assert all(out['shares'][i,0,2 if vocab[ids[i]]=='forty' else 1]>0.9 for i in later)

def test_without_webassembly(browser, address):
    p = Page(browser, address, script='delete window.WebAssembly').open()
    p.page.wait_for_selector('#live-trouble:not([hidden])')
    assert 'lacks WebAssembly' in p.text('trouble') and p.page.is_disabled('#live-one') and not p.faults
    p.context.close()

@pytest.mark.parametrize('file', ['ort-wasm-simd-threaded.wasm','ort.wasm.bundle.min.mjs','worker.js'])
def test_a_runtime_that_does_not_come(browser, address, file):
    "It is named, and nothing waits for it"
    p = Page(browser, address)
    p.page.route(f'**/{file}', lambda r: r.fulfill(status=404))
    p.open(model='LMModel3', text='one')
    p.page.wait_for_selector('#live-trouble:not([hidden])')
    assert f'could not be loaded: {file}' in p.text('trouble') and p.page.is_disabled('#live-one')
    p.context.close()

def test_a_model_that_does_not_come(browser, address):
    "It is named, and comes when asked for again"
    p = Page(browser, address)
    p.page.route('**/LMModel3.onnx', lambda r: r.fulfill(status=404))
    p.open(model='LMModel3', text='one')
    p.page.wait_for_selector('#live-trouble:not([hidden])')
    assert 'The model file LMModel3.onnx could not be loaded (404' in p.text('trouble')
    p.page.unroute('**/LMModel3.onnx')
    p.page.click('#live-trouble button')
    p.settled()
    p.page.wait_for_selector('#live-bars button')
    assert p.page.is_hidden('#live-trouble')
    p.context.close()

@pytest.mark.parametrize('path,scheme,width', [('live.html','light',1000),('zh/live.html','dark',360)])
def test_accessible_in_both_languages(browser, address, path, scheme, width):
    p = Page(browser, address, path, color_scheme=scheme, viewport=dict(width=width, height=740), reduced_motion='reduce', bypass_csp=True)
    p.open(model='pointer', text='seven hundred one . seven hundred two . seven', **{'with':''})
    p.settled()
    assert p.page.evaluate('document.documentElement.scrollWidth')<=width
    p.page.evaluate((source/'node_modules'/'axe-core'/'axe.min.js').read_text(encoding='utf-8')+';0')
    found = p.page.evaluate("axe.run('#live').then(o => o.violations.filter(v => ['serious','critical'].includes(v.impact)).map(v => `${v.id}: ${v.nodes[0].html}`))")
    assert found==[] and not p.faults
    if 'zh' in path: assert pieces.strings('zh')['models'] in p.page.inner_text('#live')
    p.context.close()
