"""The live page in each language, as a piece of HTML without head and body

`python site/live/fragments.py` writes live.en.html and live.zh.html anew from template.html and strings.json. The page
around them has the title (`h1`), and loads live/live.css and live/live.js. `ort_files` are those of onnxruntime-web's
`dist` that must lie in live/ort/.
"""
import html,json,re
from pathlib import Path

here = Path(__file__).resolve().parent
ort_files = 'ort.wasm.min.mjs','ort-wasm-simd-threaded.mjs','ort-wasm-simd-threaded.wasm'
languages = dict(en='en', zh='zh-CN')

def strings(lang):
    "Every text of the page in a language; `ValueError` for one that is missing"
    texts = json.loads((here/'strings.json').read_text(encoding='utf-8'))
    for k,o in texts.items():
        if not o.get(lang): raise ValueError(f'strings.json: {k!r} has no text for {lang!r}')
    return {k:o[lang] for k,o in texts.items()}

def fragments()->dict: # HTML by language, `en` and `zh`
    "The live page, made from template.html and strings.json"
    template,res = (here/'template.html').read_text(encoding='utf-8'),{}
    for lang,tag in languages.items():
        texts = strings(lang)
        data = json.dumps(texts, ensure_ascii=False).replace('<', '\\u003c')  # nothing in it can end the script
        found = set(re.findall(r'\{\{(\w+)\}\}', template))-{'lang','json'}
        missing = sorted(found-set(texts))
        if missing: raise ValueError(f'template.html: strings.json has no text {missing[0]!r}')
        def filled(m): return {'lang':tag, 'json':data}.get(m[1]) or html.escape(texts[m[1]])
        res[lang] = re.sub(r'\{\{(\w+)\}\}', filled, template)
    return res

if __name__=='__main__':
    for lang,text in fragments().items(): (here/f'live.{lang}.html').write_text(text, encoding='utf-8')
