"How Sphinx makes one edition of the site; `build.py` says which, in `edition` and `site`"
import re,sys
from hashlib import sha256
from html import escape
from pathlib import Path

from docutils import nodes
from sphinx.search.en import SearchEnglish

here = Path(__file__).resolve().parent
sys.path.insert(0, str(here))
from chinese import split_words

extensions = ['myst_parser']
project = html_title = 'human_lm'
html_theme = 'furo'
html_theme_options = dict(top_of_page_buttons=[])
html_static_path = [str(here/'static')]
templates_path = [str(here/'templates')]
html_favicon = str(here/'static'/'icon.svg')
html_css_files = ['site.css']
html_js_files = [('site.js', dict(defer='defer'))]
html_sidebars = {'**': ['sidebar/brand.html','sidebar/search.html','sidebar/scroll-start.html','sidebar/live.html',
                        'sidebar/navigation.html','sidebar/scroll-end.html']}
html_copy_source = html_show_sourcelink = html_show_copyright = False
html_use_index = html_domain_indices = False
html_permalinks_icon = '#'
myst_enable_extensions = ['dollarmath','attrs_inline']
myst_heading_anchors = 4
pygments_style,pygments_dark_style = 'a11y-high-contrast-light','github-dark-high-contrast'
suppress_warnings = ['myst.header','toc.not_included']
html_search_language = 'words'
html_math_renderer = 'mathml'

policy = ("default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' data:; "
          "connect-src 'self'; font-src 'self'; form-action 'self'; base-uri 'none'")

class SearchWords(SearchEnglish):
    "English words are stemmed, Chinese text is cut into words"
    lang = 'words'
    language_name = 'English and Chinese'
    js_splitter_code = (here/'static'/'split.js').read_text(encoding='utf-8')
    def split(self, text): return split_words(text)

def math(self, node, tag):
    "A formula as MathML, which needs neither scripts nor fonts"
    from docutils.utils.math.latex2mathml import tex2mathml
    self.body.append(tex2mathml(node.astext(), as_block=tag=='div'))
    raise nodes.SkipNode

def tidy(text, folder, out):
    "A page's HTML with its inline scripts and styles moved to files, as the policy wants it"
    def to_file(kind, body):
        name = f'page-{sha256(body.encode()).hexdigest()[:8]}.{kind}'
        path = out/'_static'/name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists(): path.write_text(body, encoding='utf-8')
        return f'{folder}_static/{name}'
    def script(found): return f'<script src="{to_file("js", found[1])}"></script>'
    def style(found): return f'<link rel="stylesheet" href="{to_file("css", found[1])}">'
    text = re.sub(r'<script>(.*?)</script>', script, text, flags=re.S)
    text = re.sub(r'<style>(.*?)</style>', style, text, flags=re.S)
    text = text.replace('style="display: none;"', 'class="none"')
    text = text.replace(' loading="lazy"', '', 1)  # the first picture may be seen at once
    text = text.replace('<span class="zh">', '<span class="zh" lang="zh">')
    text = re.sub(r'(<[a-z]+\b[^<>]*?) style="[^"]*"', r'\1', text)
    meta = f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
    return text.replace('<meta charset="utf-8">', f'<meta charset="utf-8">\n    {meta}', 1)

# what the theme says in English only
chinese = {'Skip to content':'跳到正文', 'Back to top':'回到顶部', 'On this page':'本页内容', 'Home':'首页',
           'Toggle site navigation sidebar':'打开或关上目录', 'Toggle table of contents sidebar':'打开或关上本页内容',
           'Toggle Light / Dark / Auto color theme':'明、暗、自动', 'Contents':'目录', 'Menu':'菜单', 'Expand':'展开',
           'Light mode':'明', 'Dark mode':'暗', 'Auto light/dark, in light mode':'自动，现在是明',
           'Auto light/dark, in dark mode':'自动，现在是暗', 'Link to this heading':'到这个标题的链接',
           'Next':'下一页', 'Previous':'上一页', 'Made with':'使用 ', 'and':' 和 ', "'s":' 的 '}

def in_chinese(text):
    for en,zh in chinese.items(): text = re.sub(rf'(?<=[>"])\s*{re.escape(en)}\s*(?=[<"])', zh, text)
    return text

def tidied(app):
    render = app.builder.templates.render
    def rendered(name, context):
        nav,text = render('editions.html', context),render(name, context)
        room = ' reference' if context.get('pagename', '').startswith('reference/') else ''
        text = text.replace('<body>', f'<body class="{app.config.edition}{room}">', 1)
        text = text.replace('<article role="main"', f'{nav}\n<article role="main"', 1)
        if app.config.edition=='zh': text = in_chinese(text)
        return tidy(text, context.get('content_root') or './', Path(app.outdir))
    app.builder.templates.render = rendered

_call = re.compile(r'(?:human_lm\.)?([\w.]+?)(?:\([^()]*\))?')

def link_names(app, doctree, docname):
    "Make the first use of each public name in a page a link to its reference"
    names,modules = app.config.names,app.config.modules
    seen = set()
    for o in doctree.findall(nodes.literal):
        found = _call.fullmatch(o.astext())
        if not found: continue
        name = found[1]
        module = names.get(name) or (name if name in modules and o.astext().startswith('human_lm.') else None)
        if module is None or name in seen or docname=='reference/'+module: continue
        parent = o.parent
        while parent is not None and not isinstance(parent, (nodes.reference,nodes.title)): parent = parent.parent
        if parent is not None: continue
        seen.add(name)
        uri = app.builder.get_relative_uri(docname, 'reference/'+module)
        if name in names: uri += f'#human_lm.{module}.{name}'
        ref = nodes.reference('', '', internal=True, refuri=uri, classes=['name'])
        o.replace_self(ref)
        ref += o

def description(doctree):
    "What a search engine shows of a page: how its text begins"
    texts = [re.sub(r'\s+', ' ', o.astext()) for o in doctree.findall(nodes.paragraph)] if doctree else []
    text = next((o for o in texts if len(o)>20), '')
    return text if len(text)<=160 else f'{text[:158]} …'

def live(context, up):
    "The live page's scripts, the engine's before the page is read, its style and its body"
    scripts = ('async ', 'engine.js'),('', 'live.js')
    context['metatags'] += ''.join(f'<script type="module" {a}src="{up}live/{o}"></script>' for a,o in scripts)
    context['body'] = f'<link rel="stylesheet" href="{up}live/live.css">\n{context["body"]}\n{context["live_html"]}'

def page_context(app, pagename, template, context, doctree):
    context.update(app.config.site, edition=app.config.edition, links=app.config.pages.get(pagename, []))
    depth = '../'*pagename.count('/')
    up = depth + ('' if app.config.edition=='en' else '../')
    editions = ('en','English','en',''),('zh','中文','zh-CN','zh/'),('both','English + 中文','en','both/')
    context['editions'] = [(name, label, lang, f'{up}{folder}{pagename}.html') for name,label,lang,folder in editions]
    if pagename=='live': context['editions'] = context['editions'][:2]
    about = context['live_lead'] if pagename=='live' else description(doctree)
    if about: context['metatags'] += f'<meta name="description" content="{escape(about)}">'
    context['live_url'] = up + ('zh/' if app.config.edition=='zh' else '') + 'live.html'
    if pagename=='live': live(context, up)

def without_toctree(app, pagename, template, context, doctree):
    "Keep the theme from making the sidebar anew for each page; a template of ours writes it from a list"
    context.pop('toctree', None)

def setup(app):
    for k in ('edition','site','pages'): app.add_config_value(k, None, 'html')
    for k in ('names','modules'): app.add_config_value(k, None, 'env')
    app.add_search_language(SearchWords)
    app.add_html_math_renderer('mathml', inline_renderers=(lambda self,node: math(self, node, 'span'), None),
                               block_renderers=(lambda self,node: math(self, node, 'div'), None))
    app.connect('builder-inited', tidied)
    app.connect('doctree-resolved', link_names)
    app.connect('html-page-context', without_toctree, priority=400)
    app.connect('html-page-context', page_context)
    return dict(parallel_read_safe=True)
