"From the notebooks as they are committed to MyST markdown, a page a notebook, in each of the three editions"
import ast,html,re,sys
from pathlib import Path

from markdown_it import MarkdownIt

root = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(root/'tools'))
from translate import load,source,without_links

class Fault(Exception): "What is wrong with the site, in one line"

editions = {'en':'', 'zh':'zh/', 'both':'both/'}  # and their folders below the site's root
rooms = {0:('The chapter','原书这一章'), 1:('Cells','单元'), 2:('Pictures','图画'), 3:('Training','训练'), 4:('Runs','实验'),
         5:('Your own text','你自己的文本'), 6:('Counting','数数'), 7:('Commands','命令')}
_md = MarkdownIt().enable('table')

def say(edition, en, zh):
    "A word of the site in the language of `edition`"
    return {'en':en, 'zh':zh, 'both':f'{en} · {zh}'}[edition]

# notebooks

def notebooks(root):
    "Names of the notebooks, the front page first"
    return sorted((o.stem for o in (root/'nbs').glob('*.ipynb')), key=lambda o: (o!='index', o))

def prints(code):
    "Whether a cell's `code` surely shows something when it is run"
    try: tree = ast.parse(re.sub(r'^\s*[%!].*$', '', code, flags=re.M))
    except SyntaxError: return False
    def called(o): return isinstance(o, ast.Expr) and isinstance(o.value, ast.Call) and getattr(o.value.func, 'id', '')
    return any(called(o)=='print' and not any(k.arg=='file' for k in o.value.keywords) for o in tree.body)

def directives(code):
    "Directives of a cell's `code` as a dict, and the code without them"
    found = dict(re.findall(r'^#\s*\|\s*([\w-]+):?[ \t]*(.*)$', code, flags=re.M))
    return found,re.sub(r'^#\s*\|.*\n?', '', code, flags=re.M).strip('\n')

def check_executed(nb, path):
    "Raise a `Fault` unless the notebook `nb` of the file `path` has been run from top to bottom without an error"
    cells = [(c, directives(source(c))) for c in nb['cells'] if c['cell_type']=='code']
    cells = [(c, *o) for c,o in cells if o[1].strip() and o[0].get('eval')!='false']
    counts = [c.get('execution_count') is not None for c,_,_ in cells]
    for i,(c,_,code) in enumerate(cells):
        if (any(counts) and not counts[i]) or (prints(code) and not c['outputs']):
            raise Fault(f"{path}: cell {c['id']} has not been executed: run the notebook from top to bottom")
        if any(o['output_type']=='error' for o in c['outputs']):
            raise Fault(f"{path}: cell {c['id']} ends in an error: mend it, and run the notebook again")
    if cells and not any(c['outputs'] for c,_,_ in cells):
        raise Fault(f'{path}: no cell has an output: run the notebook from top to bottom')

def read_notebook(root, folder, name):
    path = root/folder/f'{name}.ipynb'
    if not path.exists(): raise Fault(f'{folder}/{name}.ipynb is missing: `make zh` makes it')
    try: nb = load(path)
    except ValueError as e: raise Fault(f'{folder}/{name}.ipynb is no notebook: {e}') from None
    check_executed(nb, f'{folder}/{name}.ipynb')
    return nb

# links

def slug(heading):
    "What a link to `heading` is called, as on GitHub"
    return re.sub(r'[^\w\- ]', '', re.sub('[`*]', '', heading).strip().lower()).replace(' ', '-')

def headings(nb):
    "Slug of each heading of a notebook → its cell"
    cells = [c for c in nb['cells'] if c['cell_type']=='markdown']
    return {slug(o):c['id'] for c in cells for o in re.findall(r'^#+ (.*)', source(c), flags=re.M)}

def to_cells(text, nb):
    "The markdown `text` with links to headings of its own page turned into links to their cells"
    found = headings(nb)
    def link(o): return f'<a href="#c-{found[o[2]]}">{o[1]}</a>' if o[2] in found else o[0]
    return re.sub(r'\[([^]]*)\]\(#([^)]+)\)', link, text)

def relink(root, text, folder, name):
    "The markdown `text` of a notebook with its links to notebooks and files turned into links to pages"
    def link(found):
        label,target,anchor = found[1],found[2],found[3] or ''
        if target.endswith('.ipynb') and '/' not in target:
            if not (root/folder/target).exists():
                raise Fault(f'{folder}/{name}.ipynb: there is no notebook {target} to link to')
            return f'[{label}]({target[:-6]}.md{anchor})'
        if target.startswith('../') and not target.endswith('.ipynb'):
            path = target[3:]
            if not (root/path).exists(): raise Fault(f'{folder}/{name}.ipynb: there is no file {path} to link to')
            return f'[{label}](contributing.md)' if path=='CONTRIBUTING.md' else label
        raise Fault(f'{folder}/{name}.ipynb: a link to {target}, which is no page of the site')
    return re.sub(r'(?<!!)\[([^\]]*)\]\((?!https?:|#|mailto:)([^)#\s]+)(#[^)\s]*)?\)', link, text)

# outputs

def picture(svg, alt_of, images, key, prefix):
    "A picture's HTML; its file goes to `images` under the name `key`"
    head = svg[:svg.index('>')+1]
    alt = re.search(r'aria-label="([^"]*)"', head) or re.search(r'<title>(.*?)</title>', svg, flags=re.S)
    alt = html.unescape(alt[1]) if alt else ''
    size = ''
    for k in ('width','height'):
        found = re.search(rf'\b{k}="([\d.]+)(pt|px)?"', head)
        if found: size += f' {k}="{round(float(found[1])*(4/3 if found[2]=="pt" else 1))}"'
    images[key] = svg
    alt = html.escape(alt_of(alt), quote=True)
    return f'<img class="picture" src="{prefix}img/{key}" alt="{alt}"{size} loading="lazy">'

def table(text):
    "An output's HTML without what a strict policy forbids; empty if nothing is left to see"
    text = re.sub(r'<(style|script)\b.*?</\1>', '', text, flags=re.S)
    text = re.sub(r'\s(style|border|halign|valign)="[^"]*"', '', text)
    text = re.sub(r'<th></th>', '<td></td>', text)
    text = re.sub(r'<div[^>]*>|</div>', '', text)
    return re.sub(r'\n\s*\n', '\n', text).strip() if '<table' in text else ''

def output(o, said, images, key, prefix):
    "One output as MyST markdown"
    data = {k:''.join(v) if isinstance(v, list) else v for k,v in o.get('data', {}).items()}
    if o['output_type']=='stream': data = {'text/plain':''.join(o['text'])}
    if 'image/svg+xml' in data: return picture(data['image/svg+xml'], said, images, key, prefix)
    if 'text/html' in data:
        text = table(data['text/html'])
        return f'<div class="scroll">\n{text}\n</div>' if text else ''
    if 'text/markdown' in data:  # a figure such as 8e-02 is not broken after its minus
        return '\n' + re.sub(r'(?<=\de)-(?=\d)', '-\u2060', said(data['text/markdown'])) + '\n'
    text = data.get('text/plain', '').rstrip('\n')
    # in a <pre> within markdown's HTML, an empty line would end the block
    return '<pre>'+html.escape(text, quote=False).replace('\n\n', '\n&#8203;\n')+'</pre>' if text.strip() else ''

# cells

def anchor(cell): return f'<div id="c-{cell["id"]}" class="cell"></div>'

def fenced(code, lang='python'):
    fence = '`'*max(3, 1+max(map(len, re.findall('`+', code)), default=0))
    return f'{fence}{lang}\n{code}\n{fence}'

def code_cell(cell, edition, said, images, name, prefix):
    "A code cell as MyST markdown; empty if the reader is to see nothing of it"
    found,code = directives(source(cell))
    if 'hide' in found: return ''
    outs = [output(o, said, images, f"{name}-{cell['id']}{f'-{i}' if i else ''}.svg", prefix)
            for i,o in enumerate(cell['outputs'])]
    outs = [o for o in outs if o]
    if 'hide_output' in found or found.get('output')=='false': outs = []
    shown = bool(code.strip()) and found.get('echo')!='false' and 'hide_input' not in found
    if not shown and not outs: return ''
    res = [anchor(cell)]
    if shown:
        block = fenced(code)
        if found.get('code-fold')=='true':
            block = f'<details class="fold"><summary>{say(edition, "Code", "代码")}</summary>\n\n{block}\n\n</details>'
        res.append(block)
    if outs: res += ['<div class="out">', *outs, '</div>']
    return '\n\n'.join(res)

def blocks(text):
    "Top-level blocks of a markdown `text`: kind, and lines"
    ls = text.splitlines()
    tokens = [o for o in _md.parse(text) if o.level==0 and o.nesting>=0 and o.map]
    return [(o.type, '\n'.join(ls[o.map[0]:o.map[1]]).rstrip()) for o in tokens]

def pair(en, zh):
    "Both languages of a markdown cell, block beside block"
    def segments(text):
        res = [[]]
        for o in blocks(text):
            if o[0]=='heading_open': res += [[o], []]
            else: res[-1].append(o)
        return res
    def both(a, b):
        if a[1]==b[1]: return a[1]
        if a[0]=='heading_open':
            head,x = a[1].split(' ', 1)
            return f"{head} {x} [{b[1].split(' ', 1)[1]}]{{.zh}}"
        if a[0]=='html_block':
            x,y = (re.search(r'<summary>(.*?)</summary>', o[1], flags=re.S) for o in (a, b))
            if x and y: return a[1].replace(x[0], f'<summary>{x[1]} <span lang="zh">{y[1]}</span></summary>')
        return f'<div class="pair"><div lang="en">\n\n{a[1]}\n\n</div><div lang="zh">\n\n{b[1]}\n\n</div></div>'
    res = []
    sa,sb = segments(en),segments(zh)
    if len(sa)!=len(sb): raise ValueError('not the same headings')
    for a,b in zip(sa, sb):
        if [k for k,_ in a]==[k for k,_ in b]: res += [both(x, y) for x,y in zip(a, b)]
        elif a or b: res.append(both(('', '\n\n'.join(t for _,t in a)), ('', '\n\n'.join(t for _,t in b))))
    return '\n\n'.join(res)

def page(root, edition, name, en, zh, translations, images):
    "The notebook `name` of an `edition` as MyST markdown, and its title"
    prefix = '' if edition=='en' else '../'
    in_zh = {c['id']:c for c in zh['cells']} if zh else {}
    said = (lambda text: translations.get(text.strip(), text)) if edition=='zh' else (lambda text: text)
    def markdown(cell, i, folder):
        text = source(cell)
        return relink(root, without_links(text) if i==0 else text, folder, name)
    res = []
    for i,c in enumerate(en['cells']):
        if c['cell_type']=='code':
            if edition!='en' and c['id'] in in_zh: c = {**in_zh[c['id']], 'outputs':c['outputs']}
            res.append(code_cell(c, edition, lambda t: relink(root, said(t), 'nbs', name), images, name, prefix))
            continue
        other = in_zh.get(c['id'])
        if edition!='en' and other is None: raise Fault(f"zh/{name}.ipynb: cell {c['id']} is missing: run `make zh`")
        if edition=='en': text = markdown(c, i, 'nbs')
        elif edition=='zh': text = markdown(other, i, 'zh')
        else:
            try: text = pair(to_cells(markdown(c, i, 'nbs'), en), to_cells(markdown(other, i, 'zh'), zh))
            except ValueError as e: raise Fault(f"zh/{name}.ipynb, cell {c['id']}: {e} as in English") from None
        if i==0:  # the title stays first
            if not re.match('# ', text.lstrip()):
                raise Fault(f'nbs/{name}.ipynb: the first cell must begin with a title')
            head,_,rest = text.lstrip().partition('\n')
            res.append(f'{head}\n\n{anchor(c)}\n\n{rest.strip()}')
            title = re.sub(r'\[([^]]*)\]\{\.zh\}', r'· \1', head[2:]) if edition=='both' else head[2:]
        else: res.append(f'{anchor(c)}\n\n{text}')
    text = '\n\n'.join(o for o in res if o)
    return text+'\n',title.strip()
