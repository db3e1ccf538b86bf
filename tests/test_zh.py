"The editions in other languages say what the English notebooks say, and run the same code."
import json,re,shutil,sys
from functools import cache
from pathlib import Path

import pytest

root = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(root/'tools'))
import translate as tr
from readme import readme

names,languages = tr.names(root),tr.languages(root)
editions = {o:tr.Edition(root, o) for o in languages}
each = pytest.mark.parametrize('lang,name', [(o,n) for o in languages for n in names])

@cache
def load(path): return json.loads(path.read_text(encoding='utf-8'))

def cells(path, kind): return [c for c in load(path)['cells'] if c['cell_type']==kind]

def source(c): return ''.join(c['source'])

@each
def test_every_unit_is_translated(lang, name):
    "And is the English text of today, with no fault; a notebook without a catalogue wants `make zh`"
    ed = editions[lang]
    assert name in ed.catalogues, f'there is no {lang}/po/{name}.po: run `make {lang}`'
    said = [o.id for o in ed.catalogues[name] if o.id]
    assert said==list(tr.units(ed.notebook(name), name)), f'the English text has changed: run `make {lang}`'
    assert [o.id for o in ed.left(name)]==[] and list(ed.faults(name))==[]

@each
def test_notebook_is_made_from_its_catalogue(lang, name):
    assert (root/lang/f'{name}.ipynb').read_text(encoding='utf-8')==editions[lang].made(name), f'run `make {lang}`'

@each
def test_code_and_outputs_are_those_of_the_english_notebook(lang, name):
    "Read without the tool that makes them"
    def code(path):
        made = [re.sub(r'#\|\s*(?:default_exp|export).*\n?', '', source(c)) for c in cells(path, 'code')]
        return [(s.replace('../nbs/measured', 'measured'), c['outputs']) for s,c in zip(made, cells(path, 'code')) if s.strip()]
    en,other = code(root/'nbs'/f'{name}.ipynb'),code(root/lang/f'{name}.ipynb')
    assert en and en==other

@each
def test_headings_are_in_the_same_order(lang, name):
    def levels(folder):
        return [o for c in cells(root/folder/f'{name}.ipynb', 'markdown') for o in re.findall('^#+ ', source(c), flags=re.M)]
    assert levels('nbs')==levels(lang)!=[]

def slug(heading): return re.sub(r'[^\w\s-]', '', heading.strip().lower()).replace(' ', '-')

def broken_links(path, text):
    "Links of the markdown `text` in the file `path` that lead nowhere"
    headings = {slug(o) for o in re.findall('^#+ (.*)', text, flags=re.M)}
    return [o for o in re.findall(r'\]\((?!https?:)([^)]+)\)', text)
            if not (o[1:] in headings if o[0]=='#' else (path.parent/o.partition('#')[0]).exists())]

@each
def test_links_resolve_and_stay_in_the_edition(lang, name):
    path = root/lang/f'{name}.ipynb'
    text = '\n'.join(map(source, cells(path, 'markdown')))
    assert broken_links(path, text)==[]
    assert re.findall(r'\]\(\.\./nbs/([^)]+ipynb)\)', text)==[f'{name}.ipynb']

@pytest.mark.parametrize('name', names)
def test_english_notebook_links_to_its_other_languages(name):
    path = root/'nbs'/f'{name}.ipynb'
    assert path.read_text(encoding='utf-8')==tr.english_with_links(root, name), 'run `make zh`'

@pytest.mark.parametrize('lang', languages)
def test_readme(lang):
    path = root/f'README.{lang}.md'
    files = editions[lang].readme()
    assert path.read_text(encoding='utf-8')==files.pop(path.name), f'run `make {lang}`'
    assert files=={k:v for k,v in readme().items() if k!='README.md'}  # the same pictures
    for o in (path, root/lang/'README.md'):
        if o.exists(): assert broken_links(o, o.read_text(encoding='utf-8'))==[]
    for a,b in ((path,'README.md'), (root/'README.md',path.name)): assert f']({b})' in a.read_text(encoding='utf-8')

@pytest.mark.parametrize('lang', languages)
def test_no_notebook_too_many(lang): assert {o.stem for o in (root/lang).glob('*.ipynb')}==set(names)

@pytest.mark.parametrize('lang', languages)
def test_measured_files_are_found(lang):
    code = '\n'.join(source(c) for n in names for c in cells(root/lang/f'{n}.ipynb', 'code'))
    found = set(re.findall(r"""['"](\.\./nbs/measured[\w/.]*)['"]""", code))
    assert found and all((root/lang/o).exists() for o in found)

def test_chinese_notebook_runs(tmp_path):
    "From top to bottom, in its own folder, and prints what it shows"
    import nbformat
    from nbclient import NotebookClient
    path = root/'zh'/'20_pictures.figure.ipynb'
    nb = nbformat.read(path, as_version=4)
    NotebookClient(nb, timeout=120, resources={'metadata':{'path':str(root/'zh')}}).execute()
    def shown(nb):
        outs = [o for c in nb.cells if c.cell_type=='code' for o in c.outputs]
        return [o.get('text') or o.get('data', {}).get('text/plain') for o in outs]
    assert shown(nb)==shown(nbformat.read(path, as_version=4))!=[]

# each fault, on a small project that is then broken

english = """# Two tokens

> What a model reads

The model reads two tokens, `a` and `b`, with an accuracy of 0.49 (see [the next](00_data.ipynb#x)). ![A plot](images/a.svg)

## A table

| token | share |
|---|---|
| **one** | 1,916 |

- It costs GPUs and **lm_sizes** $x^2$.

```sh
make test  # all of it
```

<details><summary>Answer</summary>

Yes.

</details>"""

chinese = """# 两个词元

> 模型读什么

模型读两个词元（token），`a` 和 `b`，准确率是 0.49（见[下一个](00_data.ipynb#x)）。![一张图](images/a.svg)

## 一张表

| 词元 | 份额 |
|---|---|
| **一** | 1,916 |

- 它要 GPU 和 **lm_sizes** $x^2$。

```sh
make test  # 全部
```

<details><summary>答案</summary>

是的。

</details>"""

def change(path, old, new):
    text = path.read_text(encoding='utf-8')
    assert old in text, old
    path.write_text(text.replace(old, new, 1), encoding='utf-8')

def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding='utf-8')

def files(folder): return {o.relative_to(folder).as_posix():o.read_bytes() for o in folder.rglob('*') if o.is_file()}

def translate(folder, said):
    "Put texts of the dictionary `said` into the catalogue"
    path = folder/'zh'/'po'/'01_a.po'
    cat = tr.read_catalogue(path, 'zh')
    for o in cat: o.string,o.flags = said.get(o.id, o.string),o.flags-{'fuzzy'} if o.id in said else o.flags
    path.write_text(tr.catalogue_text(cat, 'zh'), encoding='utf-8')

@pytest.fixture
def small(tmp_path):
    "A project of one notebook, translated"
    code = dict(cell_type='code', metadata={}, execution_count=1, outputs=[])
    nb = dict(metadata={}, nbformat=4, nbformat_minor=5, cells=[
        dict(cell_type='markdown', id='aa', metadata={}, source=tr.lines(english)),
        {**code, 'id':'bb', 'source':['#| default_exp a']},
        {**code, 'id':'cc', 'source':['#| export\n', "p = Path('measured/a.json')\n", 'measured = 1']},
        dict(cell_type='markdown', id='dd', metadata={}, source=['Another cell that says little, but not nothing.'])])
    write(tmp_path/'nbs'/'01_a.ipynb', tr.dump(nb))
    terms = 'token\t词元\t\tyes\t\naccuracy\t准确率\taccurac(y|ies)\tno\t\n'
    write(tmp_path/'zh'/'glossary.tsv', f'english\ttranslation\tpattern\tfirst\tnote\n{terms}')
    (tmp_path/'zh'/'po').mkdir()
    tr.bring_up_to_date(tmp_path, 'zh', ['01_a'])
    translate(tmp_path, {english:chinese, 'Another cell that says little, but not nothing.':'又一个单元格，说得不多，但不是什么也没说。'})
    tr.bring_up_to_date(tmp_path, 'zh', ['01_a'])
    return tmp_path

def test_small_project(small):
    "Chinese text, links to both sides, nothing exported, files found from the other folder; a second time nothing changes"
    first,code,last = json.loads((small/'zh'/'01_a.ipynb').read_text(encoding='utf-8'))['cells']
    assert source(first)==chinese.replace('> 模型读什么\n', '> 模型读什么\n\n[English](../nbs/01_a.ipynb)\n').replace('(images/', '(../nbs/images/')
    assert source(code)=="p = Path('../nbs/measured/a.json')\nmeasured = 1" and source(last).startswith('又一个')
    (small/'de'/'po').mkdir(parents=True)  # another language
    (small/'de'/'glossary.tsv').write_text('english\ttranslation\tpattern\tfirst\tnote\n')
    tr.bring_up_to_date(small, 'de', ['01_a'])
    assert '[English](../nbs/01_a.ipynb) · [中文](../zh/01_a.ipynb)' in (small/'de'/'01_a.ipynb').read_text(encoding='utf-8')
    write(small/'nbs'/'01_a.ipynb', tr.english_with_links(small, '01_a'))
    tr.bring_up_to_date(small, 'zh', ['01_a'])
    before = files(small)
    assert '> What a model reads\\n",\n    "\\n",\n    "[Deutsch](../de/01_a.ipynb) · [中文](../zh/01_a.ipynb)\\n' in before['nbs/01_a.ipynb'].decode()
    ed,_ = tr.bring_up_to_date(small, 'zh', ['01_a'])
    assert files(small)==before and ed.left('01_a')==[]

def test_english_text_changes(small):
    "A unit changed in English is to be looked at again, and shows what it was made from; a new one is empty"
    nb = small/'nbs'/'01_a.ipynb'
    change(nb, '0.49', '0.50')
    change(nb, 'Another cell', '### And')
    for i in range(2):
        ed,_ = tr.bring_up_to_date(small, 'zh', ['01_a'])
        text = (small/'zh'/'po'/'01_a.po').read_text(encoding='utf-8')
        assert len(ed.left('01_a'))==2 and '#, fuzzy' in text and re.search(r'^#\| msgid "# Two.*0\.49', text, flags=re.M)
        assert tr.Edition(small, 'zh').left('01_a')[0].previous_id==[english]
    assert '0.50' in (small/'zh'/'01_a.ipynb').read_text(encoding='utf-8') # rather English than out of date

def test_unit_that_moved(small):
    "Keeps its translation, in another cell and in another notebook"
    moved = json.loads((small/'nbs'/'01_a.ipynb').read_text(encoding='utf-8'))
    first,*rest,last = moved['cells']
    write(small/'nbs'/'01_a.ipynb', tr.dump({**moved, 'cells':[first, {**last, 'id':'ee'}, *rest]}))
    write(small/'nbs'/'02_b.ipynb', tr.dump({**moved, 'cells':[{**first, 'source':['# B\n', '\n', '> C']}, last]}))
    ed,todo = tr.bring_up_to_date(small, 'zh', ['01_a','02_b'])
    assert [len(ed.left(o)) for o in todo]==[0,1] and '又一个' in (small/'zh'/'02_b.ipynb').read_text(encoding='utf-8')
    assert '#: ee\nmsgid "Another' in (small/'zh'/'po'/'01_a.po').read_text(encoding='utf-8')

@pytest.mark.parametrize('old,new,why', [
    ('0.49', '0.94', 'figure 0.49 is missing'),
    ('它要', '它 7 次要', 'figure 7 is not in the English text'),
    ('`a` 和 `b`', '`a` 和 b', 'code b is missing'),
    ('lm_sizes', '大小', 'name lm_sizes is missing'),
    ('GPU', '显卡', 'name GPU is missing'),
    ('`a` 和 `b`', '`a` 和 `ｂ`', 'code ｂ is not in the English text'),
    ('make test ', 'make all ', 'block of code'),
    ('$x^2$', '$x^3$', 'formula $x^2$ is missing'),
    ('00_data.ipynb#x', '01_data.ipynb#x', 'link 00_data.ipynb#x is missing'),
    ('![一张图](images/a.svg)', '一张图', 'image images/a.svg is missing'),
    ('## 一张表', '### 一张表', "heading: ['h1', 'h2'] in English, ['h1', 'h3'] here"),
    ('| **一** | 1,916 |', '\n**一** 1,916\n', 'row of a table'),
    ('- 它要', '它要', 'list item'),
    ('> 模型', '模型', 'quotation'),
    ('<details>', '', 'tag'),
    ('准确率', '精度', '"accuracy" is 准确率'),
    ('（token）', '', 'first use of 词元: write 词元（token）'),
    ('0.49（见', '0.49(见', 'half-width bracket'),
    ('`b`，准确率', '`b`, 准确率', 'half-width punctuation'),
    ('是的。', '是的.', 'half-width punctuation'),
    ('是 0.49', '是0.49', 'no space between Chinese and Latin'),
    ('），`a`', '）， `a`', 'space beside full-width punctuation'),
    ('**一** |', '**一：**二 |', 'an asterisk that marks nothing'),
    ('是的。', '是的，\n是的。', 'a line that ends within a paragraph'),
])
def test_fault_in_a_translation(small, old, new, why):
    "Is named with its cell, and nothing is written"
    assert old in chinese
    translate(small, {english:chinese.replace(old, new, 1)})
    change(small/'nbs'/'01_a.ipynb', "measured = 1", "measured = 2")
    before = files(small)
    with pytest.raises(tr.Fault) as e: tr.bring_up_to_date(small, 'zh', ['01_a'])
    assert why in str(e.value) and '01_a.po' in str(e.value) and files(small)==before
    assert why.startswith('first use') or 'cell aa' in str(e.value)

def test_term_can_be_waived(small):
    "By a comment of the unit: `# glossary: accuracy`"
    translate(small, {english:chinese.replace('准确率', '精度')})
    change(small/'zh'/'po'/'01_a.po', '#: aa', '# glossary: accuracy\n#: aa')
    tr.bring_up_to_date(small, 'zh', ['01_a'])

@pytest.mark.parametrize('path,old,new,why', [
    ('zh/po/01_a.po', 'Language: zh', 'Language: de', '01_a.po: its header must say "Language: zh", and says de'),
    ('zh/po/01_a.po', 'Language: zh', 'Tongue: zh', '01_a.po: its header must say "Language: zh"'),
    ('zh/po/01_a.po', 'msgstr "又', 'msgstr 又', '01_a.po, line '),
    ('zh/po/01_a.po', 'msgid "Another', '"Another', '01_a.po: not a catalogue'),
    ('zh/glossary.tsv', 'pattern', 'patern', 'glossary.tsv: the first line must name english'),
    ('zh/glossary.tsv', 'token\t', 'token', 'glossary.tsv, line 2: five columns'),
    ('zh/glossary.tsv', '(y|ies)', '(y|ies', 'glossary.tsv, line 3: the pattern'),
])
def test_broken_file(small, path, old, new, why):
    change(small/path, old, new)
    before = files(small)
    with pytest.raises(tr.Fault) as e: tr.bring_up_to_date(small, 'zh', ['01_a'])
    assert why in str(e.value) and files(small)==before

def test_folder_that_is_half_there(small):
    for lang,why in (('xx_yy','not the code of a language'), ('fr','there is no fr/po')):
        with pytest.raises(tr.Fault, match=why): tr.Edition(small, lang)
    with pytest.raises(tr.Fault, match='there is no notebook 02_b'): tr.bring_up_to_date(small, 'zh', ['02_b'])
    (small/'zh'/'glossary.tsv').unlink()
    with pytest.raises(tr.Fault, match='there is no zh/glossary.tsv'): tr.Edition(small, 'zh')
    shutil.copy(root/'zh'/'glossary.tsv', small/'zh')
    shutil.copy(small/'zh'/'po'/'01_a.po', small/'zh'/'po'/'02_b.po')
    with pytest.raises(tr.Fault, match='there is no nbs/02_b.ipynb'): tr.Edition(small, 'zh')

def test_what_changed_in_one_language_only(small):
    "The tests above notice a notebook that was edited in one language"
    for path in ('nbs/01_a.ipynb','zh/01_a.ipynb'):
        old = (small/path).read_text(encoding='utf-8')
        change(small/path, 'measured = 1', 'measured = 2')
        assert (small/'zh'/'01_a.ipynb').read_text(encoding='utf-8')!=tr.Edition(small, 'zh').made('01_a')
        (small/path).write_text(old, encoding='utf-8')
    assert broken_links(small/'a.md', '# A b, c\n[x](#a-b-c) [y](#a) [z](nbs/01_a.ipynb#q) [w](b.md) [v](https://a.b)')==['#a','b.md']
