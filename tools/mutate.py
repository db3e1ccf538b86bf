"""How many small faults in the package do the tests notice? `python tools/mutate.py`, or `make mutation`

mutmut changes one thing at a time and runs the tests that reach it; pyproject.toml says what is left out, and why.
It takes about two hours of two cores, and goes on where it was stopped. Functions that only draw are reached by none
of these tests and are not counted: what they make is looked at. `mutmut show NAME` shows a change that was not
noticed."""
import json,subprocess,sys
from collections import Counter
from pathlib import Path

root = Path(__file__).resolve().parent.parent
# exit codes that mutmut keeps: pytest failed, or never ended; not noticed; reached by no test
noticed,unnoticed,unreached = (1,3,-24,24,36,152,255),(0,),(5,33)

def outcomes(path):
    "How many of the mutants in file `path` were noticed, unnoticed or unreached; of others, the exit code"
    codes = json.loads(path.read_text(encoding='utf-8'))['exit_code_by_key'].values()
    kinds = {c:k for k,cs in dict(noticed=noticed, unnoticed=unnoticed, unreached=unreached).items() for c in cs}
    return Counter(kinds.get(c, f'exit code {c}') for c in codes)

def share(c): return c['noticed']/max(1, sum(c.values())-c['unreached'])

def main(args):
    "Run, and print a line for each module; status 1 below 85 %"
    subprocess.run([sys.executable, '-m', 'mutmut', 'run', *args], cwd=root, check=True)
    total = Counter()
    def say(name, c):
        print(f"{name:20} {100*share(c):4.1f} %   ", ', '.join(f'{v} {k}' for k,v in sorted(c.items(), key=str)))
    made = root/'mutants'/'human_lm'
    for path in sorted(made.rglob('*.py.meta')):
        if c := outcomes(path):
            say(path.relative_to(made).as_posix().removesuffix('.py.meta').replace('/', '.'), c)
            total += c
    say('all', total)
    return share(total)<0.85

if __name__=='__main__': sys.exit(main(sys.argv[1:]))
