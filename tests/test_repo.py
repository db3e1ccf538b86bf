"The notebooks, the modules made from them and the README are in step."
import json,re,shutil,subprocess,sys,tempfile
from pathlib import Path

import pytest

root = Path(__file__).resolve().parent.parent
notebooks = sorted((root/'nbs').glob('*.ipynb'))
sys.path.insert(0, str(root/'tools'))
from readme import readme

# where Linux, macOS and Windows keep what is a person's or only there for a while
machine_path = re.compile('|'.join([*(f'/{o}/' for o in ('home','root','tmp','Users','var')), r'[A-Z]:\\']))

def code_cells(nb): return [c for c in json.loads(nb.read_text(encoding='utf-8'))['cells'] if c['cell_type']=='code' and ''.join(c['source']).strip()]

def text_of(out): return ''.join(out.get('text', [])) + ''.join(''.join(v) for k,v in out.get('data', {}).items() if k.startswith('text/'))

@pytest.fixture
def copy(tmp_path):
    "The project once more, for the tools to work on"
    for o in ('nbs','human_lm'): shutil.copytree(root/o, tmp_path/o, ignore=shutil.ignore_patterns('__pycache__', '.ipynb_checkpoints'))
    for o in ('settings.ini','pyproject.toml','setup.py'): shutil.copy(root/o, tmp_path/o)
    return tmp_path

def tool(name, cwd): subprocess.run([sys.executable, '-c', f'from nbdev.{name} import nbdev_{name}; nbdev_{name}()'], cwd=cwd, check=True, capture_output=True)

def same(a, b, pattern): return {o.name for o in a.glob(pattern)}=={o.name for o in b.glob(pattern)} and [o.name for o in a.glob(pattern) if o.read_text(encoding='utf-8')!=(b/o.name).read_text(encoding='utf-8')]

def test_modules_are_exported(copy):
    "`nbdev_export` would change nothing, even if it had to write every module anew"
    exported = [o for o in (copy/'human_lm').glob('*.py') if o.name not in ('__init__.py','all.py')]
    for o in exported: o.unlink()
    subprocess.run([sys.executable, '-c', 'from nbdev.doclinks import nbdev_export; nbdev_export()'], cwd=copy, check=True, capture_output=True)
    assert len(exported)>8 and same(copy/'human_lm', root/'human_lm', '*.py')==[]
    assert (copy/'pyproject.toml').read_text(encoding='utf-8')==(root/'pyproject.toml').read_text(encoding='utf-8')

def test_notebooks_are_clean(copy):
    tool('clean', copy)
    assert same(copy/'nbs', root/'nbs', '*.ipynb')==[]

def test_readme_is_made_from_the_index():
    "README.md and its pictures, with no picture too many"
    files = readme()
    assert all((root/path).read_text(encoding='utf-8')==text for path,text in files.items()), 'run `make docs`'
    assert {o.relative_to(root).as_posix() for o in (root/'nbs'/'images').glob('index*')}==set(files)-{'README.md'}

def test_links_of_the_readme():
    links = re.findall(r'\]\((?!https?:)([^)#]+)\)', (root/'README.md').read_text(encoding='utf-8'))
    assert links and all((root/o).exists() for o in links)

@pytest.mark.parametrize('nb', notebooks, ids=lambda o: o.stem)
def test_notebook_is_executed(nb):
    "Outputs are there, and show neither an error nor a warning nor a path of the machine that ran them"
    cells = code_cells(nb)
    outs = [o for c in cells for o in c['outputs']]
    assert outs and not [o for o in outs if o['output_type']=='error' or o.get('name')=='stderr']
    assert not [o for o in outs if machine_path.search(text_of(o))]

def test_machine_path():
    for o in (Path.home()/'a', Path(tempfile.gettempdir())/'a', r'C:\a'): assert machine_path.search(f'wrote {o}')
    for o in ('nbs/images/a.svg', 'https://docs.fast.ai/learner.html', 'C: a gate'): assert not machine_path.search(o)

@pytest.mark.parametrize('nb', notebooks, ids=lambda o: o.stem)
def test_links_of_the_notebook(nb):
    md = ''.join(''.join(c['source']) for c in json.loads(nb.read_text(encoding='utf-8'))['cells'] if c['cell_type']=='markdown')
    assert all((nb.parent/o).exists() for o in re.findall(r'\]\((?!https?:)([^)#]+)\)', md))

def test_every_requirement_is_pinned():
    from configparser import ConfigParser
    cfg = ConfigParser(delimiters=['='])
    cfg.read(root/'settings.ini', encoding='utf-8')
    pinned = set(re.findall(r'^([\w.-]+)==', (root/'constraints.txt').read_text(encoding='utf-8'), flags=re.M))
    names = {re.split(r'[<>=]', o)[0] for k in ('requirements','dev_requirements') for o in cfg['DEFAULT'][k].split()}
    assert names<=pinned
