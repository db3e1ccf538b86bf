"Write README.md from nbs/index.ipynb, without Quarto: `python tools/readme.py [FILE]`"
import re,sys
from pathlib import Path
import nbformat
from nbconvert import MarkdownExporter

root = Path(__file__).resolve().parent.parent

def readme():
    "README.md as `index.ipynb` says it should be"
    nb = nbformat.read(root/'nbs'/'index.ipynb', as_version=4)
    cells = []
    for c in nb.cells:
        if re.match(r'#\s*\|\s*hide', c.source): continue
        if re.match(r'#\s*\|\s*echo: *false', c.source): c.source = ''  # its output is what the reader wants
        cells.append(c)
    nb.cells = cells
    nb.metadata['language_info'] = dict(name='python')
    text,_ = MarkdownExporter().from_notebook_node(nb)
    text = re.sub(r'```python\n\s*```\n', '', text)
    text = re.sub(r'\]\((?!https?:)([\w./-]+\.ipynb)\)', r'](nbs/\1)', text)  # links are relative to the notebook's folder
    return re.sub(r'\n{3,}', '\n\n', text).strip()+'\n'

if __name__=='__main__':
    (Path(sys.argv[1]) if len(sys.argv)>1 else root/'README.md').write_text(readme(), encoding='utf-8', newline='\n')
