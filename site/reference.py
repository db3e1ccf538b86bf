"A page for each module, with every public name: its signature, what it says of itself, its parameters' comments"
import ast,html,io,re,tokenize

from pages import say

def modules(root):
    "The modules with public names: dotted name → syntax tree and source"
    res = {}
    for p in sorted((root/'human_lm').rglob('*.py')):
        if p.name in ('__init__.py','_modidx.py','all.py'): continue
        text = p.read_text(encoding='utf-8')
        name = '.'.join(p.relative_to(root/'human_lm').with_suffix('').parts)
        if public(tree := ast.parse(text)): res[name] = tree,text
    return res

def public(tree):
    "What `__all__` of a module lists"
    found = [n.value for n in tree.body if isinstance(n, ast.Assign) and getattr(n.targets[0], 'id', '')=='__all__']
    return [o.value for o in found[0].elts] if found else []

def names(mods):
    "Public name → its modules, for those that one module alone defines"
    res = {}
    for m,(tree,_) in mods.items():
        for o in public(tree): res.setdefault(o, []).append(m)
    return {k:v[0] for k,v in res.items() if len(v)==1}

def comments(node, text):
    "Comments in the head of the function `node`: of each parameter, and of what it returns"
    lines = text.splitlines(keepends=True)[node.lineno-1:node.body[0].end_lineno]
    depth,seen,found = 0,False,{}
    try:
        for t in tokenize.generate_tokens(io.StringIO(''.join(lines)).readline):
            if t.type==tokenize.COMMENT: found[t.start[0]+node.lineno-1] = t.string.lstrip('# ').strip()
            if t.type==tokenize.OP and t.string in '([{': depth,seen = depth+1,True
            if t.type==tokenize.OP and t.string in ')]}': depth -= 1
            if seen and not depth and t.type==tokenize.OP and t.string==':': end = t.start[0]+node.lineno-1
            if seen and not depth and t.type==tokenize.NEWLINE: break
    except (tokenize.TokenError,IndentationError): pass
    by_line = {(a.annotation or a).end_lineno:a.arg for a in args(node)}
    for a,d in defaults(node).items():
        if d is not None: by_line[d.end_lineno] = a
    docs = {by_line[l]:c for l,c in found.items() if l in by_line and l!=end}
    return docs,found.get(end, '')

def args(node):
    a = node.args
    return [*a.posonlyargs, *a.args, *([a.vararg] if a.vararg else []), *a.kwonlyargs, *([a.kwarg] if a.kwarg else [])]

def defaults(node):
    a = node.args
    pos = [*a.posonlyargs, *a.args]
    res = dict(zip([o.arg for o in pos[len(pos)-len(a.defaults):]], a.defaults))
    return {**res, **dict(zip([o.arg for o in a.kwonlyargs], a.kw_defaults))}

def signature(node, name, skip=0):
    "The call of the function `node` as the reader writes it, without its first `skip` parameters"
    a,ds = node.args,defaults(node)
    def one(o, star=''):
        res = star + o.arg + (f':{ast.unparse(o.annotation)}' if o.annotation else '')
        return res + (f'={ast.unparse(ds[o.arg])}' if ds.get(o.arg) is not None else '')
    parts = [one(o) for o in [*a.posonlyargs, *a.args][skip:]]
    parts += [one(a.vararg, '*')] if a.vararg else ['*'] if a.kwonlyargs else []
    parts += [one(o) for o in a.kwonlyargs] + ([one(a.kwarg, '**')] if a.kwarg else [])
    end = f')->{ast.unparse(node.returns)}' if node.returns else ')'
    line = f"{name}({', '.join(parts)}{end}"
    return line if len(line)<=88 else f"{name}(\n" + ''.join(f'    {o},\n' for o in parts) + end

def words(text):
    "A docstring or comment as markdown: what stands in backticks is code, and nothing else is marked"
    def plain(o): return re.sub(r'([\\*_\[\]{}$|~#])', r'\\\1', html.escape(o, quote=False))
    parts = re.split('(`[^`]*`)', re.sub(r'\s+', ' ', text or '').strip())
    return ''.join(o if o.startswith('`') else plain(o) for o in parts)

def cell(text):
    "`words` in a table, where a bar would end the cell"
    return re.sub(r'(?<!\\)\|', r'\|', words(text))

def in_code(node):
    "A piece of code in a table; empty if there is none"
    return f'`{ast.unparse(node)}`'.replace('|', r'\|') if node is not None else ''

def table(head, rows):
    "A markdown table below what comes before it"
    return '\n\n' + '\n'.join('| ' + ' | '.join(o) + ' |' for o in [head, ['---']*len(head), *rows])

def header(edition, first):
    return [first, say(edition, 'type', '类型'), say(edition, 'default', '默认值'), say(edition, 'what it is', '说明')]

def parameters(node, text, edition, skip=0):
    "Table of the parameters of the function `node`; empty if none has a comment"
    docs,returns = comments(node, text)
    ds = defaults(node)
    rows = [(o.arg, o.annotation, ds.get(o.arg), docs.get(o.arg, '')) for o in args(node)[skip:]]
    rows = [o for o in rows if o[3]]
    res = ''
    if rows:
        res = table(header(edition, say(edition, 'parameter', '参数')),
                    [(f'`{n}`', in_code(a), in_code(d), cell(doc)) for n,a,d,doc in rows])
    if returns: res += f"\n\n**{say(edition, 'Returns', '返回')}** {words(returns)}"
    return res

def fields(node, text, edition):
    "Table of a data class's fields"
    lines = text.splitlines()
    rows = [(n.target.id, n.annotation, n.value, lines[n.end_lineno-1][n.end_col_offset:].strip()) for n in node.body
            if isinstance(n, ast.AnnAssign)]
    return table(header(edition, say(edition, 'field', '字段')),
                 [(f'`{n}`', in_code(a), in_code(v), cell(c.lstrip('# '))) for n,a,v,c in rows])

def patches(mods):
    "Class → its methods that `@patch` adds, with the source that they stand in"
    res = {}
    for tree,text in mods.values():
        for n in tree.body:
            if not isinstance(n, ast.FunctionDef): continue
            if not any(ast.unparse(d).startswith('patch') for d in n.decorator_list): continue
            for c in re.findall(r'\w+', ast.unparse(n.args.args[0].annotation)): res.setdefault(c, []).append((n, text))
    return res

def entry(node, name, text, edition, patched):
    "What a page says of one name"
    def code(o): return f'```python\n{o}\n```'
    if isinstance(node, ast.ClassDef):
        methods = [(n, text) for n in node.body if isinstance(n, ast.FunctionDef)] + patched
        init = [n for n,_ in methods if n.name=='__init__']
        bases = ', '.join(map(ast.unparse, node.bases))
        res = code(f'class {name}({bases})' if bases else f'class {name}')
        res += f"\n\n{words(ast.get_docstring(node))}"
        if init: res += '\n\n' + code(signature(init[0], name, 1)) + parameters(init[0], text, edition, 1)
        if any('dataclass' in ast.unparse(d) for d in node.decorator_list): res += fields(node, text, edition)
        for n,src in methods:
            doc = ast.get_docstring(n)
            if n.name.startswith('_') or not doc: continue
            decorators = {ast.unparse(d) for d in n.decorator_list}
            skip = 0 if 'staticmethod' in decorators else 1
            call = f'{name}.{n.name}' if 'property' in decorators else signature(n, f'{name}.{n.name}', skip)
            about = f'{code(call)}\n\n{words(doc)}{parameters(n, src, edition, skip)}'
            res += f'\n\n<div class="method">\n\n{about}\n\n</div>'
        return res
    if isinstance(node, ast.FunctionDef):
        return code(signature(node, name)) + f'\n\n{words(ast.get_docstring(node))}' + parameters(node, text, edition)
    lines = ast.get_source_segment(text, node).splitlines()
    return code('\n'.join(lines[:6] + (['# …'] if len(lines)>6 else [])))

def target(module, name): return f'human_lm.{module}.{name}'

def module_page(module, mods, edition, notebook, patched):
    "The reference page of a `module` as MyST markdown"
    tree,text = mods[module]
    defined = {}
    for n in tree.body:
        if isinstance(n, (ast.FunctionDef,ast.ClassDef)): defined.setdefault(n.name, n)
        for o in getattr(n, 'targets', []):
            for x in ast.walk(o):
                if isinstance(x, ast.Name): defined.setdefault(x.id, n)
    res = [f'# human_lm.{module}'.replace('_', r'\_'), words(ast.get_docstring(tree))]
    if notebook: res.append(say(edition, f'Made in [this notebook](../{notebook}.md), which shows how it is used.',
                                f'由[这个笔记本](../{notebook}.md)导出，用法也在那里。'))
    for o in public(tree):
        head = o.replace('_', r'\_')
        res.append(f'<div id="{target(module, o)}" class="cell"></div>\n\n## {head}')
        if o in defined: res.append(entry(defined[o], o, text, edition, patched.get(o, [])))
    return '\n\n'.join(o for o in res if o)+'\n'
