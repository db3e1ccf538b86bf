"Write README.md and its pictures from nbs/index.ipynb, without Quarto: `python tools/readme.py [FOLDER]`"
import re,sys
from pathlib import Path
import nbformat
from nbconvert import MarkdownExporter

root = Path(__file__).resolve().parent.parent

def readme():
    "What `index.ipynb` says that README.md and its pictures should be: path in the project, and text"
    nb = nbformat.read(root/'nbs'/'index.ipynb', as_version=4)
    cells,files = [],{}
    for c in nb.cells:
        if re.match(r'#\s*\|\s*hide', c.source): continue
        if re.match(r'#\s*\|\s*echo: *false', c.source): c.source = ''  # its output is what the reader wants
        for o in c.get('outputs', []):
            if 'image/svg+xml' not in o.get('data', {}): continue
            path = f'nbs/images/index_{len(files)+1}.svg'
            files[path] = o.data['image/svg+xml']
            alt = re.search('<title>(.*?)</title>', files[path], flags=re.S)[1]
            o.data = {'text/markdown': f'![{alt}]({path})'}
        cells.append(c)
    nb.cells = cells
    nb.metadata['language_info'] = dict(name='python')
    text,_ = MarkdownExporter().from_notebook_node(nb)
    text = re.sub(r'```python\n\s*```\n', '', text)
    # links are relative to the notebook's folder
    text = re.sub(r'\]\((?!https?:)([\w./-]+\.ipynb)\)', r'](nbs/\1)', text).replace('](../', '](')
    return {'README.md': re.sub(r'\n{3,}', '\n\n', text).strip()+'\n', **files}

if __name__=='__main__':
    folder = Path(sys.argv[1]) if len(sys.argv)>1 else root
    for path,text in readme().items():
        (folder/path).parent.mkdir(parents=True, exist_ok=True)
        (folder/path).write_text(text, encoding='utf-8', newline='\n')
