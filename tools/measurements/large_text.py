"""From a text file to batches: seconds of one core and memory for 1, 10 and 100 MB of program text, words and byte
pairs; and how fast a small model then trains. Read in nbs/52_text.own.ipynb."""
import json,os,subprocess,sys,tempfile
from importlib.util import find_spec
from pathlib import Path

_child = '''
import json,resource,sys,time
from pathlib import Path
from fastai.callback.core import Callback,CancelFitException
from human_lm.stateful import LMModel4
from human_lm.text.own import text_dls,text_learner

def peak(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss/1024
before,start = peak(),time.process_time()
dls = text_dls(Path(sys.argv[1]), tok=sys.argv[2], max_vocab=8000, bs=16)
seconds,after = time.process_time()-start,peak()

class Few(Callback):
    "The first batches, and what the later ones of them take"
    def after_batch(self):
        if self.train_iter==10: self.start = time.process_time()
        if self.train_iter==30:
            self.ms = (time.process_time()-self.start)*50
            raise CancelFitException

learn,few = text_learner(dls, LMModel4(len(dls.vocab), 64)),Few()
with learn.no_bar(), learn.no_logging(): learn.fit(100, cbs=few)
parts = dls.train_ds.nums,dls.valid_ds.nums
print(json.dumps(dict(seconds=round(seconds, 1), mb_more=round(after-before), tokens=sum(map(len, parts)),
                      mb_tokens=round(sum(o.nbytes for o in parts)/2**20, 1), vocabulary=len(dls.vocab),
                      ms_a_batch=round(few.ms, 1))))
'''

def _program_text(path, mb):
    "Write the first `mb` megabytes of the Python files that this environment has, in alphabetical order"
    left = mb*2**20
    with open(path, 'wb') as f:
        for o in sorted(Path(find_spec('torch').origin).parents[1].rglob('*.py')):
            text = o.read_bytes()
            try: text[:left].decode('utf-8')
            except UnicodeDecodeError: continue
            left -= f.write(text[:left])
            if not left: return
    raise RuntimeError(f'this environment has less than {mb} MB of Python files')

def measure(mb, tok):
    "One text of `mb` megabytes in a process of its own, so that its memory can be seen"
    with tempfile.TemporaryDirectory() as d:
        path = Path(d)/'text.txt'
        _program_text(path, mb)
        out = subprocess.run([sys.executable, '-c', _child, str(path), tok], capture_output=True, text=True,
                             env={**os.environ, 'OMP_NUM_THREADS':'1', 'RAYON_NUM_THREADS':'1'})
    if out.returncode: raise RuntimeError(out.stderr)
    return json.loads(out.stdout[out.stdout.rindex('{'):])  # a progress bar comes first

def tasks(n_seeds=None):
    return {(tok,mb): (measure, dict(mb=mb, tok=tok)) for mb in (100,10,1) for tok in ('bpe','words')}

def result(done):
    "Of each tokeniser and size, in megabytes, what was measured"
    return {tok: {mb: done[tok,mb] for mb in (1,10,100)} for tok in ('words','bpe')}
