"""Every picture of the notebooks: `python tools/pictures.py [SHEET.html]` lists them, and writes a page with all.

`python tools/pictures.py --time` says how long each drawing function takes, with untrained models.
"""
import json,re,sys,time
from pathlib import Path

root = Path(__file__).resolve().parent.parent

def pictures():
    "Notebook, number of the cell, description and SVG of every picture"
    for nb in sorted((root/'nbs').glob('*.ipynb')):
        for i,c in enumerate(json.loads(nb.read_text(encoding='utf-8'))['cells']):
            for o in c.get('outputs', []):
                svg = ''.join(o.get('data', {}).get('image/svg+xml', []))
                if svg: yield nb.stem, i, re.search('<title>(.*?)</title>', svg, flags=re.S)[1], svg

def sheet(path):
    "Write a page with all pictures to the file `path`"
    cells = [f'<figure><figcaption>{nb}, cell {i}</figcaption>{svg}</figure>' for nb,i,_,svg in pictures()]
    style = 'body {columns: 3 420px; font: 13px sans-serif} figure {break-inside: avoid; margin: 0 0 16px}'
    path.write_text(f'<meta charset="utf-8"><style>{style}</style>{"".join(cells)}', encoding='utf-8')

def timings():
    "Print the seconds that each drawing takes, from the call to the SVG"
    import torch
    from human_lm import all as hl
    torch.set_num_threads(1)
    vocab,stream = hl.chapter_corpus()
    models = {n: hl.recipe(n).model() for n in hl.chapter_models}
    x,ids = stream[:64*64].view(64, 64),stream[:44]
    models['LMModel5'](x)
    lstm = models['LMModel6']
    accs = {n: [0.1*i for i in range(1, 9)] for n in hl.chapter_models}
    three = {n: (models[n], models[n]) for n in ('LMModel4','LMModel5','LMModel6')}
    draw = dict(
        draw_plain=hl.draw_plain, draw_key=hl.draw_key, draw_lstm_cell=hl.draw_lstm_cell,
        draw_dropout=hl.draw_dropout, draw_rescale=lambda: hl.draw_rescale(torch.rand(64)),
        draw_floats=hl.draw_floats, draw_batches=hl.draw_batches,
        draw_unrolled=lambda: hl.draw_unrolled(models['LMModel7']),
        draw_rolled=lambda: hl.draw_rolled(models['LMModel5']),
        plot_table=lambda: hl.plot_table('LMModel7', hl.published_table('LMModel7')),
        plot_seeds=lambda: hl.plot_seeds(accs, 0.15, 0.98), plot_norms=lambda: hl.plot_norms(three, x, x[:,0]),
        plot_states=lambda: hl.plot_states(lstm, ids, vocab),
        plot_similarity=lambda: hl.plot_similarity(lstm, ids, vocab),
        plot_kept=lambda: hl.plot_kept(models['LMModel5']),
        plot_gates=lambda: hl.plot_gates(lstm, ids, vocab),
        plot_embedding=lambda: hl.plot_embedding({'a':lstm, 'b':lstm}, vocab),
        plot_confusion=lambda: hl.plot_confusion(x, x.flip(0), vocab),
        plot_by_place=lambda: hl.plot_by_place({'a':x>3}))
    draw['draw_key']().svg()  # the first drawing of a process also loads the fonts
    for name,f in draw.items():
        start = time.perf_counter()
        f().svg()
        print(f'{name:15} {time.perf_counter()-start:.2f} s')

if __name__=='__main__':
    if sys.argv[1:]==['--time']: timings()
    else:
        for nb,i,alt,svg in pictures(): print(f'{nb}, cell {i}, {len(svg)//1024} kB: {alt}')
        if len(sys.argv)>1: sheet(Path(sys.argv[1]))
