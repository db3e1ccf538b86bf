"Write README.md and its pictures from nbs/index.ipynb, without Quarto: `python tools/readme.py [FOLDER]`"
import re,sys
from pathlib import Path
import nbformat
from nbconvert import MarkdownExporter

root = Path(__file__).resolve().parent.parent

def name(folder):
    "README of the notebooks in `folder`: README.md for `nbs`, README.zh.md for `zh`"
    return 'README.md' if folder=='nbs' else f'README.{folder}.md'

def pictures(data):
    "Description of the picture in an output's `data`, if there is one"
    return re.findall('<title>(.*?)</title>', ''.join(data.get('image/svg+xml', '')), flags=re.S)[:1]

def readme(
    text=None, # What the file `index.ipynb` holds; read from `nbs`, if None
    folder='nbs', # Where that notebook stands
    say=str, # From an English text among the outputs to the one wanted: a table, or a picture's description
):
    "What README and its pictures should be: path in the project, and text"
    nb = nbformat.reads(text or (root/'nbs'/'index.ipynb').read_text(encoding='utf-8'), as_version=4)
    cells,files = [],{}
    for c in nb.cells:
        if re.match(r'#\s*\|\s*hide', c.source): continue
        if re.match(r'#\s*\|\s*echo: *false', c.source): c.source = ''  # its output is what the reader wants
        for o in c.get('outputs', []):
            data = o.get('data', {})
            if 'text/markdown' in data: data['text/markdown'] = say(data['text/markdown'])
            for alt in pictures(data):
                path = f'nbs/images/index_{len(files)+1}.svg'
                files[path] = data['image/svg+xml']
                o.data = {'text/markdown': f'![{say(alt)}]({path})'}
        cells.append(c)
    nb.cells = cells
    nb.metadata['language_info'] = dict(name='python')
    text,_ = MarkdownExporter().from_notebook_node(nb)
    text = re.sub(r'```python\n\s*```\n', '', text)
    # links are relative to the notebook's folder
    text = re.sub(r'\]\((?!https?:)([\w./-]+\.ipynb)\)', rf']({folder}/\1)', text)
    text = re.sub(rf'\]\({folder}/\.\./(\w+)/index\.ipynb\)', lambda o: f']({name(o[1])})', text)
    text = text.replace(f']({folder}/../', '](').replace('](../', '](')
    return {name(folder): re.sub(r'\n{3,}', '\n\n', text).strip()+'\n', **files}

if __name__=='__main__':
    folder = Path(sys.argv[1]) if len(sys.argv)>1 else root
    for path,text in readme().items():
        (folder/path).parent.mkdir(parents=True, exist_ok=True)
        (folder/path).write_text(text, encoding='utf-8', newline='\n')
