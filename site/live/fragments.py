"The live page in each language, as a piece of HTML: template.html with the texts of strings.json"
import html,json,re
from pathlib import Path

here = Path(__file__).resolve().parent

def strings(lang):
    "Every text of the page in a language; `ValueError` for one that is missing"
    texts = json.loads((here/'strings.json').read_text(encoding='utf-8'))
    for k,o in texts.items():
        if not o.get(lang): raise ValueError(f'strings.json: {k!r} has no text for {lang!r}')
    return {k:o[lang] for k,o in texts.items()}

def fragment(lang):
    "What stands below the page's title, in `en` or `zh`; the page's scripts find all texts at its end"
    texts = strings(lang)
    data = json.dumps(texts, ensure_ascii=False).replace('<', '\\u003c')  # nothing in it can end the script
    names = json.loads((here/'models'/'models.json').read_text(encoding='utf-8'))['models']
    choices = ''.join(f'<label><input type="radio" name="live-model" value="{o}"><span>{texts.get(o, o)}</span></label>'
                      for o in names)
    made = {'lang':dict(en='en', zh='zh-CN')[lang], 'choices':choices, 'json':data}
    def filled(m):
        if m[1] not in texts and m[1] not in made: raise ValueError(f'template.html: strings.json has no text {m[1]!r}')
        return made.get(m[1]) or html.escape(texts[m[1]])
    return re.sub(r'\{\{(\w+)\}\}', filled, (here/'template.html').read_text(encoding='utf-8'))
