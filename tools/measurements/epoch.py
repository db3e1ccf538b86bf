"""An epoch of LMModel6 four ways, in turn and in one process; the memory of each model in a process of its own; and
what the text costs as a list of pairs and as one row of tokens. To be read beside
nbs/73_commands.benchmark.ipynb."""
import json,os,statistics,subprocess,sys,tracemalloc
from pathlib import Path

names = [f'LMModel{i}' for i in range(1, 8)]

def cpu_seconds():
    "Seconds of processor time of this process and of its children that have ended"
    t = os.times()
    return t.user+t.system+t.children_user+t.children_system

def rss():
    "Resident memory of this process in bytes (Linux)"
    return int(Path('/proc/self/statm').read_text().split()[1])*os.sysconf('SC_PAGE_SIZE')

def epoch(name, repeats, n_epoch=2):
    "Seconds an epoch of `name`, by the clock and of the processor: medians of `repeats` measurements, the ways in turn"
    import torch
    from human_lm.runs.speed import floor_fit,timed_fit
    from human_lm.runs.recipes import recipe
    torch.set_num_threads(1)
    r = recipe(name)
    ways = {'plain':lambda: timed_fit(r, r.learner(num_workers=None), n_epoch),
            'plain without workers':lambda: timed_fit(r, r.learner(), n_epoch),
            'ours':lambda: timed_fit(r, r.learner(fast=True), n_epoch),
            'bare loop':lambda: floor_fit(name, n_epoch=n_epoch)}
    secs,cpu,rows = {w:[] for w in ways},{w:[] for w in ways},{}
    for _ in range(repeats):
        for w,fit in ways.items():
            before = cpu_seconds()
            s,rows[w] = fit()
            secs[w].append(s/n_epoch)
            cpu[w].append((cpu_seconds()-before)/n_epoch)  # with what is made before the fit
    apart = max(abs(a-b) for w in ways for a,b in zip(rows[w][0], rows['plain'][0]))
    workers = r.dls(num_workers=None).train.fake_l.num_workers
    def said(o): return {w: dict(median=round(statistics.median(v), 3), least=round(min(v), 3)) for w,v in o.items()}
    return dict(seconds=said(secs), processor=said(cpu), workers=workers, apart=apart, repeats=repeats)

def own_process(*args):
    "What a process of its own, started with `args`, says"
    res = subprocess.run([sys.executable, '-W', 'ignore', __file__, *map(str, args)], capture_output=True, text=True,
                         env={**os.environ, 'OMP_NUM_THREADS':'1'})
    if res.returncode: raise RuntimeError(res.stderr)
    return json.loads(res.stdout.splitlines()[-1])

def memory_of(name):
    "Megabytes: after the imports, at the most while `name` is trained for an epoch"
    import resource
    import torch
    from human_lm.runs.speed import timed_fit
    from human_lm.runs.recipes import recipe
    torch.set_num_threads(1)
    imported = rss()
    if name!='nothing': timed_fit(recipe(name), recipe(name).learner(fast=True), 1)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return dict(imports=round(imported/2**20, 1), peak=round(peak/2**10, 1))

def bytes_of(kind, n):
    "Bytes a token of the numbers up to `n`, as seen by tracemalloc (what Python asks for) and by the resident memory"
    from human_lm.data import lm_seqs
    from human_lm.training.sequences import FlatSeqs
    from human_lm.training.numbers import number_stream
    traced = kind.endswith('traced')
    _,nums = number_stream(range(1, n+1))
    nums = nums.long()
    lm_seqs(nums[:1000], 16),FlatSeqs(nums[:1000], 16)  # what is loaded at the first call is no part of it
    if traced: tracemalloc.start()
    now = (lambda: tracemalloc.get_traced_memory()[0]) if traced else rss
    before = now()
    made = (FlatSeqs if kind.startswith('flat') else lm_seqs)(nums, 16)
    if kind.startswith('flat'): made = made.group_chunks(64)
    return dict(bytes_a_token=round((now()-before)/len(nums), 3), tokens=len(nums), samples=len(made))

def tasks(n_seeds=None):
    return {'epoch':(epoch, dict(name='LMModel6', repeats=n_seeds or 7)),
            **{f'memory; {o}':(memory, dict(name=o)) for o in ['nothing', *names]},
            **{f'text; {o}':(text, dict(kind=o)) for o in ('list','list, traced','flat','flat, traced')}}

def memory(name): return own_process('memory', name)
def text(kind): return own_process('text', kind, 1_000_000)

def result(done):
    def of(kind): return {k.removeprefix(kind):v for k,v in done.items() if k.startswith(kind)}
    return dict(epoch=done['epoch'], memory=of('memory; '), text=of('text; '))

if __name__=='__main__':
    what,name,*n = sys.argv[1:]
    print(json.dumps(memory_of(name) if what=='memory' else bytes_of(name, int(n[0]))))
