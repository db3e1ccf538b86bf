"""Bring an edition in another language up to date: `python tools/translate.py zh [NAME ...]`, or `make zh`

A unit is a markdown cell. Its translation stands in `zh/po/NAME.po`; from that and from `nbs/NAME.ipynb` comes
`zh/NAME.ipynb`, and from `zh/index.ipynb` README.zh.md.
Another language is another folder with a `po` and a `glossary.tsv`.
"""
import io,json,re,sys
from collections import Counter
from functools import cache
from pathlib import Path

from babel import Locale,UnknownLocaleError
from babel.messages import Catalog
from babel.messages.pofile import PoFileError,denormalize,escape,normalize,read_po,write_po
from markdown_it import MarkdownIt

from readme import pictures,readme

root = Path(__file__).resolve().parent.parent

class Fault(Exception): "What is wrong with an edition, in lines for its translator; nothing has been written"

# notebooks

def source(cell): return ''.join(cell['source'])

def lines(text): return text.splitlines(keepends=True)

def load(path): return json.loads(path.read_text(encoding='utf-8'))

def dump(nb): return json.dumps(nb, sort_keys=True, indent=1, ensure_ascii=False)+'\n'

def names(root): return sorted(o.stem for o in (root/'nbs').glob('*.ipynb'))

def languages(root): return sorted(o.parent.name for o in root.glob('*/po'))

def own_name(language):
    "What its speakers call `language`"
    return Locale.parse(language).get_display_name()

_other_languages = re.compile(r'(\[[^]]+\]\(\.\./\w+/[\w.]+\.ipynb\)( · )?)+')

def without_links(text):
    "A notebook's first cell without its line of links to other languages"
    return '\n\n'.join(o for o in text.split('\n\n') if not _other_languages.fullmatch(o.strip()))

def with_links(root, text, folder, name):
    "A notebook's first cell with links to its other languages, below the title and what it is about"
    others = [o for o in ['nbs', *languages(root)] if o!=folder]
    links = ' · '.join(f"[{own_name('en' if o=='nbs' else o)}](../{o}/{name}.ipynb)" for o in others)
    title,about,*rest = without_links(text).split('\n\n', 2)
    return '\n\n'.join([title, about, links, *rest])

def units(nb, name):
    "What is to be translated of a notebook: each text once, with the ids of its cells"
    res = {}
    for i,c in enumerate(nb['cells']):
        if c['cell_type']=='markdown': texts = [without_links(source(c)) if i==0 else source(c)]
        elif name=='index': texts = readme_texts(c)
        else: texts = []
        for o in texts: res.setdefault(o.strip(), []).append(c['id'])
    return res

def readme_texts(cell):
    "What README shows of a code cell's outputs in words: tables, and descriptions of pictures"
    data = [o.get('data', {}) for o in cell['outputs']]
    tables = [''.join(o['text/markdown']) for o in data if 'text/markdown' in o]
    return tables + [alt for o in data for alt in pictures(o)]

# comes first in a cell; an edition exports nothing
_export = re.compile(r'^#\|\s*(default_exp|exports?|exporti)\b.*\n?', flags=re.M)

def edition_code(text):
    "A code cell as an edition has it: nothing exported, and measured files found from its folder"
    return re.sub(r"""(?<=['"])measured(?=[/'"])""", '../nbs/measured', _export.sub('', text))

def translated(root, nb, name, folder, say):
    "The notebook `name` with the texts that `say` gives for the English ones"
    cells = []
    for i,c in enumerate(nb['cells']):
        if c['cell_type']=='code': text = edition_code(source(c))
        else: text = re.sub(r'\]\((images/)', r'](../nbs/\1', say(without_links(source(c)) if i==0 else source(c)))
        if i==0: text = with_links(root, text, folder, name)
        if text.strip(): cells.append({**c, 'source':lines(text)})
    return {**nb, 'cells':cells}

# catalogues

_header = r'''msgid ""
msgstr ""
"Project-Id-Version: human_lm\n"
"Language: {language}\n"
"MIME-Version: 1.0\n"
"Content-Type: text/plain; charset=utf-8\n"
"Content-Transfer-Encoding: 8bit\n"

'''

def read_catalogue(path, language):
    "The catalogue in the file `path`; a `Fault` if it is none for `language`"
    try: text = path.read_text(encoding='utf-8')
    except UnicodeDecodeError: raise Fault(f'{path.name}: not UTF-8') from None
    for i,l in enumerate(text.splitlines(), 1):  # Babel would cut off what it takes for a quotation mark
        if not re.fullmatch(r'#.*|((msg(id|str|ctxt) )?".*")?', l):
            raise Fault(f'{path.name}, line {i}: msgid, msgstr and text in quotation marks are wanted: {l[:40]}')
    try: cat = read_po(io.StringIO(text), abort_invalid=True)
    except (PoFileError,ValueError,UnknownLocaleError) as e: raise Fault(f'{path.name}: not a catalogue: {e}') from None
    if cat.locale_identifier!=language:
        raise Fault(f'{path.name}: its header must say "Language: {language}", and says {cat.locale_identifier}')
    for o in cat:  # Babel writes `#|`, and reads it as a comment
        o.previous_id = [denormalize(c.removeprefix('| msgid ')) for c in o.user_comments if c.startswith('| msgid')]
        o.user_comments = [c for c in o.user_comments if not c.startswith('|')]
    return cat

def catalogue_text(cat, language):
    "What `cat` looks like as a file: one line a line, and no day, so that it changes only if a unit does"
    out = io.BytesIO()
    write_po(out, cat, width=0, omit_header=True, ignore_obsolete=True)
    text = out.getvalue().decode().strip()+'\n'
    for o in cat:  # Babel would break this line within its quotation marks
        msgid = f'msgid {normalize(o.id, width=0)}\n'
        if o.previous_id: text = text.replace(msgid, f'#| msgid {escape(o.previous_id[0])}\n{msgid}')
    return _header.format(language=language) + text

def known(cat): return {o.id:o.string for o in cat if o.id and o.string and not o.fuzzy}

def update(cat, units, memory):
    "Whether `cat` was changed to hold just the `units`; what changed in English becomes fuzzy, unless `memory` has it"
    if [(o.id, [k for k,_ in o.locations]) for o in cat if o.id]==list(units.items()): return False
    template,before = Catalog(),{o.id:o.previous_id for o in cat}
    for text,ids in units.items(): template.add(text, locations=[(o, None) for o in ids])
    cat.update(template)
    for o in cat:
        o.previous_id = o.previous_id or before.get(o.id, [])
        if o.id in memory and (o.fuzzy or not o.string): o.string,o.previous_id,o.flags = memory[o.id],[],set()
    return True

# what must be the same in both languages

_md = MarkdownIt().enable('table')
_names = re.compile(r'\b(?:[A-Za-z]+_\w+|[A-Za-z]*[A-Z][a-z]*[A-Z]\w*)')  # `lm_sizes`, `LMModel7`, `LSTM`
han,wide = '[\u3400-\u9fff]','[，。；：！？、（）“”《》]'
_numbers = dict(zip('one two three four five six seven eight nine ten eleven twelve'.split(), range(1, 13)),
                twenty=20, thirty=30, forty=40, fifty=50, hundred=100, thousand=1000, million=1_000_000)

@cache
def parse(text): return _md.parse(text)

def flat(tokens):
    for o in tokens:
        yield o
        yield from flat(o.children or [])

def code_only(text): return [o for l in text.splitlines() if (o := re.sub(r'(^|\s+)#.*', '', l).rstrip())]

def parts(text):
    "What a text is made of, beside its words: kind → what must be the same in its translation"
    ts = list(flat(parse(text)))
    plain = plain_text(text)
    return {'heading':[o.tag for o in ts if o.type=='heading_open'],
            'code':Counter({o.content:1 for o in ts if o.type=='code_inline'}),
            'block of code':[(o.info, *code_only(o.content)) for o in ts if o.type in ('fence','code_block')],
            'formula':Counter(re.findall(r'\$[^$\n]+\$', plain)),
            'link':Counter(re.sub('^#.*', '#', o.attrs['href']) for o in ts if o.type=='link_open'),
            'image':Counter(o.attrs['src'] for o in ts if o.type=='image'),
            'tag':[o for t in ts if t.type in ('html_block','html_inline') for o in re.findall('</?[a-z]+', t.content)],
            'list item':['*' for o in ts if o.type=='list_item_open'],
            'row of a table':['|' for o in ts if o.type=='tr_open'],
            'cell of a table':['|' for o in ts if o.type in ('th_open','td_open')],
            'quotation':['>' for o in ts if o.type=='blockquote_open'],
            'name':Counter({re.sub('(?<=[A-Z])s$', '', o):1 for o in _names.findall(plain)}),
            'figure':Counter(dict.fromkeys(re.findall(r'\d+(?:[.,]\d+)*', plain), 1))}

@cache
def plain_text(text, code='`'):
    "The words of a markdown text, an empty line between paragraphs; `code` stands for each piece of code"
    def words(o):
        if o.type in ('softbreak','hardbreak'): return '\n'
        return dict(text=o.content, code_inline=code).get(o.type, '')
    ts = parse(text)
    html = [re.sub('<[^>]*>', '', o.content).strip() for o in ts if o.type=='html_block']
    return '\n\n'.join([''.join(map(words, flat(o.children))) for o in ts if o.type=='inline'] + html)

def differences(english, text):
    "What the translation `text` has lost of the `english` one, or has made up"
    a,b = parts(english),parts(text)
    said = {str(n) for w,n in _numbers.items() if re.search(rf'\b{w}\b', english, flags=re.I)}
    for kind,want in a.items():
        got = b[kind]
        if isinstance(want, Counter):
            lost,new = want-got,got-want
            new = {'figure':set(new)-said, 'name':()}.get(kind, new)
            yield from (f'{kind} {o} is missing' for o in lost)
            yield from (f'{kind} {o} is not in the English text' for o in new)
        elif want!=got:
            if len(want)==len(got): yield f'{kind}: {want} in English, {got} here'
            else: yield f'{len(want)} of the kind "{kind}" in English, {len(got)} here'

def style(text):
    "What is against the rules of Chinese typesetting in `text`"
    plain = plain_text(text)
    rules = {f'{han} ?[,;:!?"]|[,;:!?"] ?{han}|{han}[.]':'half-width punctuation',
             rf'{han} ?[()]|[()] ?{han}':'half-width bracket',
             f'{han}[A-Za-z0-9`]|[A-Za-z0-9`]{han}':'no space between Chinese and Latin or figures',
             f'{wide} | {wide}':'space beside full-width punctuation',
             '[Ａ-Ｚａ-ｚ０-９]':'full-width letter or figure',
             f'(?:{han}|{wide})\n{han}':'a line that ends within a paragraph, where a reader sees a space',
             r'\*':'an asterisk that marks nothing: markdown wants a space or punctuation outside of it'}
    for rule,why in rules.items():
        yield from (f"{why}: {plain[max(0, o.start()-8):o.end()+8]!r}" for o in re.finditer(rule, plain))

# glossary

class Term:
    "A line of the glossary"
    def __init__(self, english, words, pattern, first, note=''):
        self.english,self.words,self.first = english,words.split('|'),first=='yes'
        pattern = pattern or rf'\b{re.escape(english)}(s|es|ed|d)?\b'.replace(r'\ ', r'[\s-]')
        self.pattern = re.compile(pattern, flags=re.I)

def read_glossary(path):
    "The terms in the file `path`"
    columns = ['english','translation','pattern','first','note']
    head,*rows = [o.split('\t') for o in path.read_text(encoding='utf-8').splitlines() if o]
    if head!=columns: raise Fault(f"{path.name}: the first line must name {', '.join(columns)}")
    for i,o in enumerate(rows, 2):
        if len(o)!=5 or not o[0] or not o[1]:
            raise Fault(f'{path.name}, line {i}: five columns with tabs between them, the first two filled')
        try: re.compile(o[2])
        except re.error as e: raise Fault(f'{path.name}, line {i}: the pattern is no regular expression: {e}') from None
    return [Term(*o) for o in rows]

def missing_terms(english, text, glossary, waived=()):
    "Terms that `english` uses and its translation `text` does not"
    english,text = re.sub(r'\w*_\w*', ' ', plain_text(english, ' ')),plain_text(text, ' ')  # names are no terms
    for t in glossary:
        if t.english in waived or not t.pattern.search(english): continue
        if not any(o in text for o in t.words): yield f'"{t.english}" is {" or ".join(t.words)}'

def without_english(texts, glossary):
    "Terms without the English one in brackets where the `texts` of a notebook use them first, headings left out"
    plain = '\n'.join(plain_text(re.sub('^(#+|>) .*', '', o, flags=re.M), ' ') for o in texts)
    by_word = {w:t for t in glossary for w in t.words}
    seen = set()
    for o in re.finditer('|'.join(sorted(map(re.escape, by_word), key=len, reverse=True)) or '(?!)', plain):
        t = by_word[o[0]]
        if t.english in seen: continue
        seen.add(t.english)
        after = re.match(r'[^（\n]{0,2}（([^）]*)）', plain[o.end():])
        if t.first and not (after and t.pattern.search(after[1])):
            yield f'first use of {o[0]}: write {o[0]}（{t.english}）'

# an edition

class Edition:
    "The folder of a `language` below `root`"
    def __init__(self, root, language):
        self.root,self.language,self.folder,self.notebooks = root,language,root/language,{}
        try: own_name(language)
        except (UnknownLocaleError,ValueError):
            raise Fault(f'{language}: not the code of a language, such as zh') from None
        for o in ('po','glossary.tsv'):
            if not (self.folder/o).exists():
                raise Fault(f'there is no {language}/{o}: a language needs a folder with po and glossary.tsv')
        self.glossary = read_glossary(self.folder/'glossary.tsv')
        self.names = names(root)
        for o in self.po_files():
            if o.stem not in self.names: raise Fault(f'{language}/po/{o.name}: there is no nbs/{o.stem}.ipynb')
        self.catalogues = {o.stem:read_catalogue(o, language) for o in self.po_files()}

    def po_files(self): return sorted((self.folder/'po').glob('*.po'))

    def notebook(self, name):
        if name not in self.notebooks: self.notebooks[name] = load(self.root/'nbs'/f'{name}.ipynb')
        return self.notebooks[name]

    def update(self, name):
        "Whether the catalogue of the notebook `name` had to be changed"
        cat = self.catalogues.setdefault(name, Catalog(locale=self.language))
        memory = {k:v for o in self.catalogues.values() for k,v in known(o).items()}
        return update(cat, units(self.notebook(name), name), memory)

    def left(self, name):
        "Units of the notebook `name` that are still to be translated or looked at again"
        return [o for o in self.catalogues[name] if o.id and (o.fuzzy or not o.string)]

    def faults(self, name):
        "What is wrong with the translations of the notebook `name`"
        for o in self.catalogues[name]:
            if not o.id or not o.string or o.fuzzy: continue
            waived = [t.strip() for c in o.user_comments if c.startswith('glossary:') for t in c[9:].split(',')]
            found = [*differences(o.id, o.string), *missing_terms(o.id, o.string, self.glossary, waived)]
            if self.language=='zh': found += style(o.string)
            where = f'{self.language}/po/{name}.po, cell {o.locations[0][0]}'
            yield from (f'{where}: {f}' for f in found)
        if not self.left(name):
            texts = [self.say(name)(o) for o in units(self.notebook(name), name)]
            yield from (f'{self.language}/po/{name}.po: {f}' for f in without_english(texts, self.glossary))

    def say(self, name):
        "A function from each English text of the notebook `name` to its translation; itself if there is none yet"
        said = known(self.catalogues[name])
        return lambda text: said.get(text.strip(), text)

    def made(self, name):
        "The notebook `name` in this edition, as a file holds it"
        return dump(translated(self.root, self.notebook(name), name, self.language, self.say(name)))

    def readme(self):
        "README of this edition, and its pictures: path in the project, and text"
        return readme(self.made('index'), self.language, self.say('index'))

def english_with_links(root, name):
    "The English notebook `name` with links to its other languages"
    nb = load(root/'nbs'/f'{name}.ipynb')
    nb['cells'][0]['source'] = lines(with_links(root, source(nb['cells'][0]), 'nbs', name))
    return dump(nb)

def bring_up_to_date(root, language, only=()):
    "Write what has changed: of the notebooks `only`; or of all, with the links in the English ones"
    ed = Edition(root, language)
    if unknown := set(only)-set(ed.names): raise Fault(f"there is no notebook {', '.join(sorted(unknown))}")
    todo = list(only) or ed.names
    changed = [o for o in todo if ed.update(o)]
    if faults := [f for o in todo for f in ed.faults(o)]: raise Fault('\n'.join(faults))
    files = {f'{language}/po/{o}.po':catalogue_text(ed.catalogues[o], language) for o in changed}
    if not only:
        files |= {f'nbs/{o}.ipynb':english_with_links(root, o) for o in todo}
        files |= readme(files['nbs/index.ipynb'])
    files |= {f'{language}/{o}.ipynb':ed.made(o) for o in todo}
    if 'index' in todo: files |= ed.readme()
    for path,text in files.items():
        if (root/path).exists() and (root/path).read_text(encoding='utf-8')==text: continue
        (root/path).write_text(text, encoding='utf-8', newline='\n')
    if not only:
        for o in (root/language).glob('*.ipynb'):
            if o.stem not in ed.names: o.unlink()
    return ed,todo

def main(language, *only):
    try: ed,todo = bring_up_to_date(root, language, only)
    except Fault as e: sys.exit(f'{e}\nNothing was written.')
    n = sum(len(o.id)>0 for k in todo for o in ed.catalogues[k])
    left = {o:ed.left(o) for o in todo}
    for k,v in left.items():
        new = sum(not o.string for o in v)
        if v: print(f'{k}: {new} units to translate, {len(v)-new} to look at again')
    print(f'{language}: {len(todo)} notebooks, {n} units, {sum(map(len, left.values()))} left')

if __name__=='__main__':
    if len(sys.argv)<2: sys.exit(__doc__)
    main(*sys.argv[1:])
