"The notebooks, the modules made from them and the README are in step."
import ast,json,re,shutil,subprocess,sys,tempfile
from pathlib import Path

import pytest

root = Path(__file__).resolve().parent.parent
notebooks = sorted((root/'nbs').glob('*.ipynb'))
from plain_outputs import plain_outputs
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

def files(folder, pattern): return {o.relative_to(folder).as_posix() for o in folder.rglob(pattern)}

def different(a, b, pattern):
    "Files below the folders `a` and `b` that only one of them has, or that differ"
    x,y = files(a, pattern),files(b, pattern)
    return sorted(x^y) + sorted(o for o in x&y if (a/o).read_bytes()!=(b/o).read_bytes())

def test_modules_are_exported(copy):
    "`nbdev_export` would change nothing, even if it had to write every module anew"
    exported = [o for o in (copy/'human_lm').rglob('*.py') if o.name not in ('__init__.py','all.py')]
    for o in exported: o.unlink()
    subprocess.run([sys.executable, '-c', 'from nbdev.doclinks import nbdev_export; nbdev_export()'], cwd=copy, check=True, capture_output=True)
    assert len(exported)>30 and different(copy/'human_lm', root/'human_lm', '*.py')==[]
    assert (copy/'pyproject.toml').read_text(encoding='utf-8')==(root/'pyproject.toml').read_text(encoding='utf-8')

def test_notebooks_are_clean(copy):
    tool('clean', copy)
    assert different(copy/'nbs', root/'nbs', '*.ipynb')==[]

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

def test_nothing_is_imported_or_defined_in_vain():
    "pyflakes' rules, as ruff has them; pyproject.toml says which are left out"
    res = subprocess.run([sys.executable, '-m', 'ruff', 'check', 'human_lm', 'tools', 'tests', 'site', '--no-cache'], cwd=root, capture_output=True, text=True)
    assert res.returncode==0, res.stdout

@pytest.mark.parametrize('nb', notebooks, ids=lambda o: o.stem)
def test_cells_with_imports_hold_nothing_else(nb):
    "For its documentation nbdev runs the cells that import, and runs nothing else"
    def mixed(source):
        is_import = [isinstance(o, (ast.Import,ast.ImportFrom)) for o in ast.parse(source).body]
        return any(is_import) and not all(is_import)
    assert [c['id'] for c in code_cells(nb) if mixed(re.sub(r'^[%!].*$', '', ''.join(c['source']), flags=re.M))]==[]

# the rules of the house

rooms = dict(enumerate(['', 'cells.', 'pictures.', 'training.', 'runs.', 'text.', 'counting.', 'commands.']))

def wrong_name(stem, exp):
    "What is wrong with the name of a notebook that exports to the module `exp`; `None` if nothing is"
    found = re.fullmatch(r'(\d)\d_([\w.]+)', stem)
    if not found: return f'{stem}.ipynb: a notebook is called by its number and its module, such as 11_cells.gru.ipynb'
    room,name = rooms.get(int(found[1]), '?'),found[2]
    if not name.startswith(room) or '.' in name.removeprefix(room): return f'{stem}.ipynb: the notebooks {found[1]}0 to {found[1]}9 are those of the room {room!r}'
    if exp is not None and exp!=name: return f'{stem}.ipynb exports to {exp!r}: call it {stem[:3]}{exp}.ipynb, or let it export to {name!r}'

@pytest.mark.parametrize('nb', [o for o in notebooks if o.stem!='index'], ids=lambda o: o.stem)
def test_notebook_is_called_by_its_module(nb):
    found = [re.search(r'^#\|\s*default_exp\s+(\S+)', ''.join(c['source']), flags=re.M) for c in code_cells(nb)]
    exps = [o[1] for o in found if o]
    assert len(exps)<2 and wrong_name(nb.stem, exps[0] if exps else None) is None

def test_wrong_names():
    for stem,exp in (('11_cells.gru','cells.gru'), ('00_data','data'), ('06_questionnaire',None), ('47_runs.rounding',None)): assert wrong_name(stem, exp) is None
    for stem,exp,why in (('11_cells.gru','cells.gru2',"call it 11_cells.gru2.ipynb"), ('21_cells.gru','cells.gru',"the room 'pictures.'"),
                         ('11_gru','gru',"the room 'cells.'"), ('gru',None,'by its number'), ('01_cells.gru','cells.gru',"the room ''")): assert why in wrong_name(stem, exp)

def test_no_module_without_a_notebook():
    "As a notebook that was renamed leaves behind"
    made = {o.relative_to(root/'human_lm').with_suffix('').as_posix().replace('/', '.') for o in (root/'human_lm').rglob('*.py') if o.stem not in ('__init__','all','_modidx')}
    assert made<={o.stem[3:] for o in notebooks}

@pytest.mark.parametrize('path', [o for d in ('human_lm','tools','site') for o in sorted((root/d).rglob('*.py')) if o.name!='_modidx.py'],
                         ids=lambda o: o.relative_to(root).as_posix())
def test_no_line_is_longer_than_120_characters(path):
    # nbdev breaks the list of public names as it likes
    text = re.sub('^__all__ = .*?\\]$', lambda o: '\n'*o[0].count('\n'), path.read_text(encoding='utf-8'), count=1, flags=re.M|re.S)
    long = [f'line {i} has {len(o)}: {o.strip()[:60]}…' for i,o in enumerate(text.splitlines(), 1) if len(o)>120]
    assert long==[]

def n_lines(out):
    "Lines that a reader sees of one output; rows of a table, and none of a picture"
    data = {k:''.join(v) for k,v in out.get('data', {}).items() if isinstance(v, (str,list))}
    if any(k.startswith('image/') for k in data): return 0
    html = data.get('text/html', '')
    if '<tr' in html: return html.count('<tr')
    text = ''.join(out.get('text', [])) or data.get('text/markdown') or ('' if html else data.get('text/plain', ''))
    return len(text.rstrip().splitlines())

@pytest.mark.parametrize('nb', notebooks, ids=lambda o: o.stem)
def test_no_output_is_longer_than_25_lines(nb):
    long = [f"cell {c['id']}: {n} lines" for c in code_cells(nb) if (n := sum(map(n_lines, c['outputs'])))>25]
    assert long==[], 'show the first few lines'

@pytest.mark.parametrize('nb', notebooks, ids=lambda o: o.stem)
def test_no_output_changes_how_others_look(nb):
    "A style sheet with colours for a light page makes rows of tables unreadable on a dark one"
    assert not plain_outputs(json.loads(nb.read_text(encoding='utf-8'))), 'run tools/plain_outputs.py'

def test_plain_outputs():
    style,table = (dict(output_type='display_data', data={'text/html':o}) for o in ('\n<style>\n    progress { width: 300px }</style>','<table></table>'))
    nb = dict(cells=[dict(cell_type='markdown'), dict(cell_type='code', outputs=[style, table])])
    assert plain_outputs(nb) and nb['cells'][1]['outputs']==[table] and not plain_outputs(nb)

def test_lines_of_an_output():
    assert n_lines(dict(output_type='stream', text=['a\n','b\n']))==2 and n_lines(dict(data={'text/plain':'a\nb\nc'}))==3
    assert n_lines(dict(data={'text/html':'<table>\n<tr>\n<td>\n</tr>\n<tr></tr></table>', 'text/plain':'a'}))==2
    assert n_lines(dict(data={'image/svg+xml':['<svg>\n']*40, 'text/plain':'x'}))==0 and n_lines(dict(data={'text/markdown':'a\n'*30, 'text/plain':'<M>'}))==30

measured = sorted((root/'nbs'/'measured').glob('*.json'))

def no_provenance(path):
    "What file `path` does not say of its making"
    said = json.loads(path.read_text(encoding='utf-8')).get('provenance', {})
    return [o for o in ('command','versions','commit','changed','machine','day') if o not in said]

@pytest.mark.parametrize('path', measured, ids=lambda o: o.stem)
def test_measured_file_says_how_it_was_made(path):
    assert no_provenance(path)==[], f'take it with `make measure ARGS={path.stem}`'
    text = path.read_text(encoding='utf-8')
    assert not machine_path.search(text)

@pytest.mark.parametrize('path', measured, ids=lambda o: o.stem)
def test_measured_file_can_be_made_anew(path): assert (root/'tools'/'measurements'/path.name).with_suffix('.py').exists()

def test_no_provenance(tmp_path):
    (tmp_path/'a.json').write_text('{"provenance": {"command": "a", "day": "b"}}')
    assert no_provenance(tmp_path/'a.json')==['versions','commit','changed','machine']
