"""Build the site: `python site/build.py [FOLDER]`, or `make site`, which writes to `_site`

Three editions, English, Chinese, and both side by side, from the notebooks as they are committed; nothing is executed.
"""
import html,io,os,re,shutil,subprocess,sys,time
from concurrent.futures import ProcessPoolExecutor
from configparser import ConfigParser
from hashlib import sha256
from pathlib import Path
from urllib.parse import unquote

here = Path(__file__).resolve().parent
root = here.parent
sys.path[:0] = [str(here), str(root/'tools')]
import reference
from live.fragments import fragment,strings
from pages import Fault,editions,notebooks,page,read_notebook,rooms,say

live_title = 'A live model in the page','网页里的活模型'
languages = {'en':'en', 'zh':'zh_CN', 'both':'en'}

def settings(root):
    cfg = ConfigParser(delimiters=['='], interpolation=None)
    cfg.read(root/'settings.ini', encoding='utf-8')
    return cfg['DEFAULT']

def write(path, text):
    "Write `text` to the file `path` if it is not there already, so that what is made from it keeps its date"
    data = text.encode() if isinstance(text, str) else text
    if path.exists() and path.read_bytes()==data: return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)

def keep_only(folder, pattern, wanted):
    "Delete the files below `folder` that an earlier build has left behind"
    for o in folder.rglob(pattern):
        if o.relative_to(folder).as_posix() not in wanted: o.unlink()

# npm's packages, and the live page

def npm_packages(here):
    "The folder of npm's packages; installed as the lock file says, if they are not"
    folder,lock = here/'node_modules',here/'package-lock.json'
    done = folder/'.package-lock.json'
    if done.exists() and done.stat().st_mtime>=lock.stat().st_mtime: return folder
    npm = shutil.which('npm')
    if npm is None:
        raise Fault('npm is missing, which brings ONNX Runtime Web for the live page: install Node.js 20 or later')
    res = subprocess.run([npm, 'ci', '--no-progress'], cwd=here, capture_output=True, text=True)
    if res.returncode: raise Fault('`npm ci` in site failed: ' + ' '.join((res.stderr or res.stdout).split())[:300])
    done.touch()
    return folder

def live_files(here, packages):
    "Files of the live page's folder: path in it → source"
    live = here/'live'
    res = {o.relative_to(live).as_posix():o for o in sorted(live.rglob('*'))
           if o.suffix in ('.js','.css') or o.parent.name=='models'}
    code = '\n'.join(o.read_text(encoding='utf-8') for k,o in res.items() if k.endswith(('.js','.json')))
    for o in sorted(set(re.findall(r'[\w.-]+\.onnx\b', code))):
        if f'models/{o}' not in res:
            raise Fault(f'site/live/models/{o} is missing, a file of weights that the live page loads')
    # what of ONNX Runtime Web the page's code names
    for o in sorted(set(re.findall(r"(ort[\w.-]+\.(?:mjs|wasm))'", code))):
        path = packages/'onnxruntime-web'/'dist'/o
        if not path.exists():
            raise Fault(f'site/node_modules has no onnxruntime-web/dist/{o}: run `npm ci` in site')
        res[f'ort/{o}'] = path
    return res

# the editions' sources

def links(edition, name, cfg):
    "Links of a notebook's page: to download it, and to open it elsewhere once the repository has an address"
    folder = 'zh' if edition=='zh' else 'nbs'
    up = '../' if edition=='both' else ''
    res = [(say(edition, 'Download the notebook', '下载笔记本'), f'{up}notebooks/{name}.ipynb', True)]
    found = re.fullmatch(r'https://github\.com/([^/]+/[^/]+?)(?:\.git)?/?', cfg['git_url'].strip())
    if found:
        path = f"{found[1]}/blob/{cfg['branch']}/{folder}/{name}.ipynb"
        binder = f"{found[1]}/{cfg['branch']}?urlpath=lab/tree/{folder}/{name}.ipynb"
        res += [('Colab', f'https://colab.research.google.com/github/{path}', False),
                ('Binder', f'https://mybinder.org/v2/gh/{binder}', False)]
    return res

def toctree(caption, docs):
    lines = '\n'.join(f'{t} <{d}>' if t else d for d,t in docs)
    return f'```{{toctree}}\n:hidden:\n:caption: {caption}\n\n{lines}\n```\n'

def translations(root):
    "What the Chinese front page says for its English tables and pictures"
    from translate import known,read_catalogue
    return known(read_catalogue(root/'zh'/'po'/'index.po', 'zh'))

def exports(nb):
    "The module that a notebook exports to, or `None`"
    for c in nb['cells']:
        found = re.search(r'^#\|\s*default_exp\s+(\S+)', ''.join(c['source']), flags=re.M)
        if found: return found[1]

def contributing(root, edition):
    "CONTRIBUTING.md as a page; files of the repository that are no pages are named, and not linked"
    text = (root/'CONTRIBUTING.md').read_text(encoding='utf-8')
    if edition=='zh': text = text.replace('\n', '\n\n这一页只有英文。\n', 1)
    return re.sub(r'\[([^]]+)\]\((?!https?:)[^)#]+\)', r'\1', text)

def with_live(text, nb, edition):
    "The front page with a link to the live page below its title"
    first,sep,rest = text.partition('\n<div id="c-'+nb['cells'][1]['id'])
    up = '../' if edition=='both' else ''
    return f'{first}\n<p><a class="to-live" href="{up}live.html">{say(edition, *live_title)}</a></p>\n{sep}{rest}'

def sources(root):
    "Files of all editions' sources: edition → name → text; each edition's links and contents, and pictures"
    cfg,names,mods = settings(root),notebooks(root),reference.modules(root)
    en,zh = ({o:read_notebook(root, k, o) for o in names} for k in ('nbs','zh'))
    module = {o:m for o in names if (m := exports(en[o])) in mods}
    made_in = {m:o for o,m in module.items()}
    patched,said,images,files,info = reference.patches(mods),translations(root),{},{},{}
    for e in editions:
        res,titles,about = {},{},{}
        for o in names:
            res[f'{o}.md'],titles[o] = page(root, e, o, en[o], zh[o], said if o=='index' else {}, images)
            about[o] = links(e, o, cfg)
            if o in module: about[o].insert(0, (f'human_lm.{module[o]}', f'reference/{module[o]}.html', False))
        for m in mods: res[f'reference/{m}.md'] = reference.module_page(m, mods, e, made_in.get(m), patched)
        ref,title = say(e, 'Reference', '参考'),say(e, *live_title)
        about_ref = say(e, 'Every public name, module by module.', '所有公开的名字，一个模块一页。')
        lines = '\n'.join(f'human_lm.{m} <{m}>' for m in mods)
        res['reference/index.md'] = f'# {ref}\n\n{about_ref}\n\n```{{toctree}}\n:maxdepth: 1\n\n{lines}\n```\n'
        res['contributing.md'] = contributing(root, e)
        contents = [(say(e, *room), [(o, f'{o[:2]} {titles[o]}') for o in names if re.match(rf'{i}\d_', o)])
                    for i,room in rooms.items()]
        more = [('reference/index', ref), ('contributing', say(e, 'Contributing', '参与'))]
        contents.append((say(e, 'More', '其他'), more))
        info[e] = about,contents
        if e!='both':
            res['live.md'] = f'# {title}\n'
            more = [('live', title), *more]  # the sidebar has it at its top
        trees = [toctree(*o) for o in [*contents[:-1], (contents[-1][0], more)]]
        res['index.md'] = '\n'.join([with_live(res['index.md'], en['index'], e), *trees])
        files[e] = res
    return files,info,images,reference.names(mods),sorted(mods)

# Sphinx

def without_eval(script):
    "Sphinx's script `doctools.js` with its one piece of code from text, which the policy forbids, written out"
    text = script.read_text(encoding='utf-8')
    made,n = re.subn(r'new Function\(\s*"n",\s*`return \(\$\{catalog\.plural_expr\}\)`,?\s*\)',
                     '(n) => 0', text)  # one form for every number, as in Chinese
    if n: script.write_text(made, encoding='utf-8')
    elif 'PLURAL_EXPR = (n) => 0;' not in text:
        raise Fault(f'{script.name} of this Sphinx makes code from text in another way: see `without_eval`')

def run_sphinx(edition, src, out, doctrees, config):
    "Build one edition, and return the warnings"
    from sphinx.application import Sphinx
    from sphinx.util.docutils import docutils_namespace
    warnings = io.StringIO()
    with docutils_namespace():
        app = Sphinx(str(src), str(here), str(out), str(doctrees), 'html', dict(config, language=languages[edition]),
                     status=None, warning=warnings, parallel=1)
        app.build()
    without_eval(out/'_static'/'doctools.js')
    return re.sub('\x1b\\[[0-9;]*m', '', warnings.getvalue())

def first_warning(text, work):
    "The first of Sphinx's warnings in one line, with the notebook in place of what was made from it"
    line = next(o for o in text.splitlines() if o.strip())
    return re.sub(rf'{re.escape(str(work))}/src/(\w+)/([\w./-]+)\.md(:\d+)?: (WARNING: )?',
                  lambda o: f"{'zh' if o[1]=='zh' else 'nbs'}/{o[2]}.ipynb ({o[1]}): ", line)

# what has been built

def targets(text):
    "Addresses that a page links to or loads, and its anchors"
    text = re.sub(r'<!--.*?-->', '', text, flags=re.S)
    refs = [html.unescape(o) for o in re.findall(r'<[a-z]+\b[^<>]*?\s(?:href|src)="([^"]*)"', text)]
    return refs,{html.unescape(o) for o in re.findall(r'\sid="([^"]+)"', text)}

def broken_links(out):
    "Links, anchors and pictures within the site that lead nowhere: page and target"
    found = {p:targets(p.read_text(encoding='utf-8')) for p in sorted(out.rglob('*.html'))}
    for p,(refs,_) in found.items():
        for o in refs:
            if re.match('[a-z]+:', o): continue
            path,_,anchor = o.partition('#')
            to = Path(os.path.normpath(p.parent/unquote(path.partition('?')[0]))) if path else p
            if not to.is_file() or (anchor and to in found and unquote(anchor) not in found[to][1]):
                yield p.relative_to(out).as_posix(),o

def start_anew(work):
    "Forget what an earlier build has left in `work`, if this one would make its pages in another way"
    from importlib.metadata import version
    mine = [*here.glob('*.py'), *(o for d in ('static','templates') for o in (here/d).rglob('*') if o.is_file())]
    versions = repr([version(o) for o in ('sphinx','furo','myst-parser')]).encode()
    made_with = sha256(b''.join(o.read_bytes() for o in sorted(mine)) + versions).hexdigest()
    stamp = work/'made_with'
    if stamp.exists() and stamp.read_text()==made_with: return
    shutil.rmtree(work/'doctrees', ignore_errors=True)
    write(stamp, made_with)

def build(out=root/'_site', work=root/'build'/'site'):
    "Build the site in the folder `out`, and return the number of its pages"
    live = live_files(here, npm_packages(here))
    files,info,images,names,modules = sources(root)
    start_anew(work)
    tasks = []
    for e,folder in editions.items():
        src = work/'src'/e
        for k,v in files[e].items(): write(src/k, v)
        keep_only(src, '*.md', files[e])
        about,contents = info[e]
        site = dict(rooms=contents, modules=[(f'reference/{m}', m) for m in modules], contents=say(e, 'Contents', '目录'),
                    live_title=say(e, *live_title),
                    **(dict(live_html=fragment(e), live_lead=strings(e)['lead']) if e!='both' else {}))
        config = dict(edition=e, site=site, names=names, modules=modules, pages=about)
        tasks.append((e, src, out/folder, work/'doctrees'/e, config))
    for k,v in images.items(): write(out/'img'/k, v)
    keep_only(out/'img', '*.svg', images)
    with ProcessPoolExecutor(min(len(tasks), os.cpu_count() or 1)) as pool:
        warned = list(pool.map(run_sphinx, *zip(*tasks)))
    for o in filter(str.strip, warned):
        shutil.rmtree(work/'doctrees')  # or the next build would find nothing new, and say nothing
        raise Fault(first_warning(o, work))
    pages = {f'{editions[e]}{k[:-3]}.html' for e in editions for k in files[e]}
    pages |= {f'{o}search.html' for o in editions.values()}
    keep_only(out, '*.html', pages)
    for folder,to in (('nbs','notebooks'), ('zh','zh/notebooks')):
        for o in notebooks(root): write(out/to/f'{o}.ipynb', (root/folder/f'{o}.ipynb').read_bytes())
        keep_only(out/to, '*.ipynb', {f'{o}.ipynb' for o in notebooks(root)})
    for k,v in live.items(): write(out/'live'/k, v.read_bytes())
    keep_only(out/'live', '*.*', live)
    write(out/'.nojekyll', '')
    for p,o in broken_links(out): raise Fault(f'{p}: a link to {o}, which is not there')
    return len(pages)

def main(out=None):
    start = time.perf_counter()
    out = Path(out).resolve() if out else root/'_site'
    try: n = build(out)
    except Fault as e: sys.exit(f'site: {e}')
    size = sum(o.stat().st_size for o in out.rglob('*') if o.is_file())
    print(f'{n} pages, {size/1e6:.1f} MB in {out.name}, {time.perf_counter()-start:.0f} s. To look at them: '
          f'python -m http.server -d {out.name}')

if __name__=='__main__': main(*sys.argv[1:])
