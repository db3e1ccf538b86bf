"""From a text file to batches: seconds and memory for 1, 10 and 100 MB of English, words and byte pairs; and how fast
batches come. Read in nbs/52_text.own.ipynb."""
import json,subprocess,sys,tempfile
from pathlib import Path

_child = '''
import json,resource,sys,time
from pathlib import Path
from human_lm.text.own import text_dls
def peak(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss/1024
before,start = peak(),time.perf_counter()
dls = text_dls(Path(sys.argv[1]), tok=sys.argv[2])
seconds,after = time.perf_counter()-start,peak()
start,n = time.perf_counter(),0
for i,(x,y) in enumerate(dls.train):
    n += x.numel()
    if i==300: break
parts = dls.train_ds.nums,dls.valid_ds.nums
print(json.dumps(dict(seconds=round(seconds, 1), mb_more=round(after-before), tokens=sum(map(len, parts)),
                      mb_tokens=round(sum(o.nbytes for o in parts)/2**20, 1), vocabulary=len(dls.vocab),
                      million_a_second=round(n/(time.perf_counter()-start)/1e6, 1))))
'''

def measure(mb, tok):
    "One text of `mb` megabytes in a process of its own, so that its memory can be seen"
    from human_lm.text.example import installed_prose
    text = ''.join(sum(installed_prose(), []))
    with tempfile.TemporaryDirectory() as d:
        path = Path(d)/'text.txt'
        with open(path, 'w', encoding='utf-8') as f:
            for i in range(0, mb*2**20, len(text)): f.write(text[:mb*2**20-i])
        out = subprocess.run([sys.executable, '-c', _child, str(path), tok], capture_output=True, text=True)
    if out.returncode: raise RuntimeError(out.stderr)
    return json.loads(out.stdout[out.stdout.rindex('{'):])  # a progress bar comes first

def tasks(n_seeds=None):
    return {(tok,mb): (measure, dict(mb=mb, tok=tok)) for mb in (100,10,1) for tok in ('bpe','words')}

def result(done):
    "Of each tokeniser and size, in megabytes, what was measured"
    return {tok: {mb: done[tok,mb] for mb in (1,10,100)} for tok in ('words','bpe')}
