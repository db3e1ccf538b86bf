"The site: what is built, and how it behaves in a real browser where there is one"
import os,re,sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import quote,unquote

import pytest

root = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(root/'site'))
pytest.importorskip('sphinx', reason='Sphinx, which makes the site, is not installed')
import build,pages
from build import Fault

every_page = bool(os.environ.get('SITE_EVERY_PAGE'))  # as `make site-test` has it; otherwise some of each kind will do

# the built site

class Page(HTMLParser):
    "What the tests ask of a page's HTML"
    def __init__(self, path):
        super().__init__()
        self.ids,self.refs,self.tags = [],[],[]
        self.feed(path.read_text(encoding='utf-8'))
    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.tags.append((tag, attrs))
        if 'id' in attrs: self.ids.append(attrs['id'])
        self.refs += [(tag, attrs[k]) for k in ('href','src') if attrs.get(k)]
    def all(self, tag): return [a for t,a in self.tags if t==tag]

@pytest.fixture(scope='session')
def built(site): return {o.relative_to(site).as_posix():Page(o) for o in sorted(site.rglob('*.html'))}

def test_every_notebook_has_its_page_in_each_edition(built):
    names = [o.stem for o in (root/'nbs').glob('*.ipynb')]
    assert names and [f'{e}{o}.html' for e in ('','zh/','both/') for o in names if f'{e}{o}.html' not in built]==[]

def test_every_public_name_has_its_entry(built):
    import human_lm
    want = {f'human_lm.{m}.{n}' for n,m in human_lm._home.items()}
    for e in ('','zh/','both/'):
        have = {i for k,p in built.items() if k.startswith(f'{e}reference/') for i in p.ids}
        assert want and want<=have

def test_links_lead_somewhere(site, built):
    "Pages, anchors, pictures and downloads"
    broken = []
    for name,p in built.items():
        for _,ref in p.refs:
            if re.match('[a-z]+:', ref): continue
            path,_,anchor = ref.partition('#')
            to = os.path.normpath(os.path.join(os.path.dirname(name), unquote(path.partition('?')[0]))) if path else name
            if not (site/to).is_file() or (anchor and to in built and unquote(anchor) not in built[to].ids): broken.append((name, ref))
    assert broken==[]

def test_no_id_twice(built): assert {k:sorted({i for i in p.ids if p.ids.count(i)>1}) for k,p in built.items() if len(set(p.ids))<len(p.ids)}=={}

def test_policy(built):
    "Each page has it before it loads anything, and needs no exception from it"
    for name,p in built.items():
        i = next(i for i,(t,a) in enumerate(p.tags) if a.get('http-equiv')=='Content-Security-Policy')
        policy = p.tags[i][1]['content']
        assert "default-src 'none'" in policy and "script-src 'self' 'wasm-unsafe-eval';" in policy and 'unsafe-inline' not in policy
        assert not [t for t,_ in p.tags[:i] if t in ('script','link','img','style')], name
        assert not p.all('style') and not [a for _,a in p.tags if 'style' in a or any(k.startswith('on') for k in a)], name
        assert not [a for a in p.all('script') if 'src' not in a and a.get('type')!='application/json'], name

def test_nothing_comes_from_another_host(site, built):
    loads = [(n, r) for n,p in built.items() for t,r in p.refs if t!='a' and re.match('(https?:)?//', r)]
    css = [o.name for o in site.rglob('*.css') if re.search(r'@import|url\(\s*["\']?(https?:)?//', o.read_text(encoding='utf-8'))]
    assert loads==[] and css==[]

def test_every_page_leads_to_the_other_editions(built):
    for name,p in built.items():
        here = [a for a in p.all('a') if a.get('aria-current')=='true']
        assert len(here)==1, name
        plain = re.sub('^(zh|both)/', '', name)
        to = {os.path.normpath(os.path.join(os.path.dirname(name), a['href'])) for a in p.all('a') if 'lang' in a and 'aria-current' not in a}
        want = {plain, f'zh/{plain}', *([] if plain=='live.html' else [f'both/{plain}'])}
        assert want-{name}<=to, name

def test_the_same_cells_in_each_edition(built):
    for o in (root/'nbs').glob('*.ipynb'):
        en,zh,both = ([i for i in built[f'{e}{o.stem}.html'].ids if i.startswith('c-')] for e in ('','zh/','both/'))
        assert en and en==zh==both, o.stem

def test_downloads_are_the_notebooks(site):
    for folder,to in (('nbs','notebooks'), ('zh','zh/notebooks')):
        for o in (root/folder).glob('*.ipynb'): assert (site/to/o.name).read_bytes()==o.read_bytes()

def test_pictures_are_described(built):
    assert any(p.all('img') for p in built.values())
    assert [n for n,p in built.items() for a in p.all('img') if not a.get('alt')]==[]

def test_directives_are_obeyed(site, built):
    "Nothing of `#|` is shown, hidden cells are away, answers and code stay folded"
    for name in built: assert not re.search(r'#\s*</span>\s*\||#\|\s*(export|hide|echo)', (site/name).read_text(encoding='utf-8')), name
    assert len(built['00_data.html'].all('details'))>0 and not [a for a in built['00_data.html'].all('details') if 'open' in a]

def test_addresses_only_once_there_is_a_repository():
    cfg = dict(build.settings(root), git_url='')
    assert [o[0] for o in build.links('en', 'a', cfg)]==['Download the notebook']
    found = build.links('zh', '04_lstm', {**cfg, 'git_url':'https://github.com/someone/human_lm', 'branch':'main'})
    assert [o[0] for o in found[1:]]==['Colab','Binder'] and 'someone/human_lm/blob/main/zh/04_lstm.ipynb' in found[1][1]

# bad input of the build

def notebook(*outputs, code='print(1)', counts=None):
    return {'cells':[dict(cell_type='code', id=f'c{i}', source=code, outputs=o, execution_count=(counts or {}).get(i), metadata={}) for i,o in enumerate(outputs)]}

out = [dict(output_type='stream', name='stdout', text='1\n')]

@pytest.mark.parametrize('nb,why', [(notebook([]), 'cell c0 has not been executed'), (notebook(out, []), 'cell c1 has not been executed'),
    (notebook([], code='a = 1'), 'no cell has an output'), (notebook(out, out, counts={0:1}), 'cell c1 has not been executed'),
    (notebook([dict(output_type='error', ename='E', evalue='', traceback=[])], code='f()'), 'cell c0 ends in an error')])
def test_notebook_that_was_not_executed(nb, why):
    with pytest.raises(Fault, match=why) as e: pages.check_executed(nb, 'nbs/a.ipynb')
    assert str(e.value).startswith('nbs/a.ipynb: ') and '\n' not in str(e.value)

def test_notebook_that_was_executed(): pages.check_executed(notebook(out, out), 'nbs/a.ipynb')

def test_link_to_a_notebook_that_is_not_there():
    assert pages.relink(root, '[a](04_lstm.ipynb)', 'nbs', 'x')=='[a](04_lstm.md)'
    with pytest.raises(Fault, match='nbs/x.ipynb: there is no notebook 99_none.ipynb'): pages.relink(root, '[a](99_none.ipynb)', 'nbs', 'x')
    with pytest.raises(Fault, match='there is no file NONE.md'): pages.relink(root, '[a](../NONE.md)', 'nbs', 'x')

def test_link_to_a_place_that_is_not_there(tmp_path):
    (tmp_path/'a.html').write_text('<a href="b.html#c">x</a> <a href="c.html">x</a> <p id="d"> <a href="#d">x</a><img src="e.svg">')
    (tmp_path/'b.html').write_text('<p id="x">')
    assert list(build.broken_links(tmp_path))==[('a.html','b.html#c'), ('a.html','c.html'), ('a.html','e.svg')]

def test_notebook_without_its_chinese(tmp_path):
    with pytest.raises(Fault, match='zh/a.ipynb is missing: `make zh`'): pages.read_notebook(tmp_path, 'zh', 'a')

def test_no_npm(tmp_path, monkeypatch):
    (tmp_path/'package-lock.json').write_text('{}')
    monkeypatch.setattr(build.shutil, 'which', lambda o: None)
    with pytest.raises(Fault, match='npm is missing'): build.npm_packages(tmp_path)

def test_missing_weights(tmp_path):
    live = tmp_path/'live'
    (live/'models').mkdir(parents=True)
    (live/'worker.js').write_text("import('ort/ort.wasm.min.mjs')")
    (live/'models'/'models.json').write_text('{"a": {"file": "a.onnx"}}')
    with pytest.raises(Fault, match='site/live/models/a.onnx is missing'): build.live_files(tmp_path, tmp_path)
    (live/'models'/'a.onnx').write_text('')
    with pytest.raises(Fault, match='onnxruntime-web/dist/ort.wasm.min.mjs: run `npm ci`'): build.live_files(tmp_path, tmp_path)

def test_a_fault_is_one_line(monkeypatch):
    def fails(*a): raise Fault('nbs/a.ipynb: why')
    monkeypatch.setattr(build, 'build', fails)
    with pytest.raises(SystemExit) as e: build.main()
    assert e.value.code=='site: nbs/a.ipynb: why'

def test_both_languages_block_by_block():
    got = pages.pair('## A\n\none\n\n```sh\nx\n```\n\n- b', '## 甲\n\n一\n\n```sh\nx\n```\n\n- 乙')
    assert got.startswith('## A [甲]{.zh}\n') and got.count('```sh')==1 and got.index('one')<got.index('一')<got.index('- b')<got.index('- 乙')

# in a browser

by_edition = pytest.mark.parametrize('edition', ['','zh/','both/'])

def pages_of(edition, built): return [o for o in built if (re.match('zh/|both/', o) or [''])[0]==edition]

@by_edition
def test_pages_load_without_errors(address, built, tab, edition):
    "No error on any page, no request to another host, no scroll bar across the page at 360 px, and the switcher keeps the place"
    page,said,foreign,wide,lost = tab(viewport=dict(width=360, height=740)),[],set(),[],[]
    page.on('console', lambda m: said.append((page.url, m.text)) if m.type in ('error','warning') else None)
    page.on('pageerror', lambda e: said.append((page.url, str(e))))
    page.on('request', lambda r: None if r.url.startswith((address, 'data:', 'blob:')) else foreign.add(r.url))
    switched = '''() => { document.addEventListener('click', e => e.preventDefault());
        for (const o of document.querySelectorAll('details')) o.open = true;
        const cells = document.querySelectorAll('article .cell[id]'), width = document.documentElement.scrollWidth;
        if (cells.length > 9) cells[cells.length - 5].scrollIntoView();
        return [width, [...document.querySelectorAll('.editions a')].map(o => { o.click(); return o.href; })]; }'''
    for name in pages_of(edition, built):
        # all, or all but the reference's once more in the other editions
        if not every_page and re.match('(zh|both)/reference/(?!lstm|index)', name): continue
        page.goto(address+name)
        width,urls = page.evaluate(switched)
        if width>360: wide.append(name)
        for url in urls:
            path,_,anchor = url.removeprefix(address).partition('#')
            if path not in built or (anchor and anchor not in built[path].ids): lost.append((name, url))
    assert (said, foreign, wide, lost)==([], set(), [], [])

def test_switch_to_the_same_place(address, tab):
    page = tab()
    page.goto(address+'04_lstm.html')
    page.evaluate("document.getElementById('c-bf552dae').scrollIntoView({behavior: 'instant'})")
    page.click('.editions a[lang="zh-CN"]')
    page.wait_for_url('**/zh/**')
    assert page.url==address+'zh/04_lstm.html#c-bf552dae' and page.evaluate('document.documentElement.lang')=='zh-CN'

words = {'':dict(dropout='05_regularize', gate='04_lstm', perplexity='55_text.ngram', embedding='01_first_model', pointer='63_counting.pointer',
                 ONNX='54_text.onnx', cache='61_counting.cache', gradients='03_multilayer', questionnaire='06_questionnaire', seeds='45_runs.seeds'),
         'zh/':dict(词元='00_data', 隐状态='04_lstm', 门='04_lstm', 困惑度='55_text.ngram', 嵌入='01_first_model', 神经缓存='61_counting.cache',
                    随机种子='45_runs.seeds', 梯度='03_multilayer', 语言模型='01_first_model', 验证集='02_stateful')}

@by_edition
def test_search(address, tab, edition):
    "Ten words each; where both languages are, all twenty"
    todo = {**words[''], **words['zh/']} if edition=='both/' else words[edition]
    page,missed = tab(),[]
    for word,want in todo.items():
        page.goto(f'{address}{edition}search.html?q={quote(word)}')
        page.wait_for_selector('.search-summary:not(:empty)')
        found = page.eval_on_selector_all('#search-results ul.search > li > a', 'os => os.map(o => new URL(o.href).pathname.split("/").pop())')
        if f'{want}.html' not in found: missed.append((word, want, found[:5]))
    assert len(todo)>=10 and missed==[]

def test_theme_and_copy(address, tab):
    "The page turns dark and stays so; the button copies code without its prompt or itself"
    page = tab(permissions=['clipboard-read','clipboard-write'])
    page.goto(address+'04_lstm.html')
    def color(): return page.evaluate('getComputedStyle(document.body).backgroundColor')
    light = color()
    for _ in range(2):  # from what the system says to light to dark, or the other way round
        if color()==light: page.click('.theme-toggle-content button')
    dark = color()
    assert dark!=light
    page.reload()
    assert color()==dark
    code = page.locator('article .highlight').nth(1)
    code.hover()
    code.locator('button.copy').click()
    assert page.evaluate('navigator.clipboard.readText()').startswith('from fastai.text.all import *\n')

kinds = ['index','01_first_model','55_text.ngram','reference/lstm','reference/index','contributing','search','live']

@by_edition
def test_axe_finds_nothing_serious(address, built, tab, edition):
    "Light and dark; for the dark page only what colours change. Every page, or one of each kind"
    page,bad = tab(bypass_csp=True, color_scheme='light'),[]
    page.add_init_script(path=root/'site'/'node_modules'/'axe-core'/'axe.min.js')
    run = '''async rules => (await axe.run(document, {resultTypes: ['violations'], ...rules})).violations
        .filter(o => ['serious','critical'].includes(o.impact)).map(o => [o.id, o.nodes.length, o.nodes[0].html.slice(0, 200)])'''
    for name in pages_of(edition, built) if every_page else [f'{edition}{o}.html' for o in kinds]:
        if name not in built: continue  # the live page has no edition in both languages
        page.goto(address+name)
        page.evaluate("for (const o of document.querySelectorAll('details')) o.open = true")
        for scheme,rules in (('light',{}), ('dark',dict(runOnly=['color-contrast']))):
            page.emulate_media(color_scheme=scheme)
            bad += [(name, scheme, *o) for o in page.evaluate(run, rules)]
        page.emulate_media(color_scheme='light')
    assert bad==[]
