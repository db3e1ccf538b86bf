"""Take out of the notebooks' outputs the style sheet that fastprogress shows before its first bar, as it paints every
second row of a table nearly white, and the words on a dark page are white too: `python tools/plain_outputs.py`"""
import json
from pathlib import Path

folder = Path(__file__).resolve().parent.parent/'nbs'

def is_style(out):
    "Does this output show nothing, and change how others look?"
    return ''.join(out.get('data', {}).get('text/html', '')).strip().startswith('<style>\n    progress')

def plain_outputs(nb):
    "Take the style sheets out of the outputs of `nb`; whether there was one"
    found = False
    for c in nb['cells']:
        kept = [o for o in c.get('outputs', []) if not is_style(o)]
        if len(kept)<len(c.get('outputs', [])): found,c['outputs'] = True,kept
    return found

if __name__=='__main__':
    for path in sorted(folder.glob('*.ipynb')):
        nb = json.loads(path.read_text(encoding='utf-8'))
        if not plain_outputs(nb): continue
        path.write_text(json.dumps(nb, indent=1, ensure_ascii=False, sort_keys=True)+'\n', encoding='utf-8')
