"The questionnaire is whole: every question numbered once, with an answer to unfold, and code where code is asked for"
import json,re
from pathlib import Path

cells = json.loads((Path(__file__).parent.parent/'nbs'/'06_questionnaire.ipynb').read_text(encoding='utf-8'))['cells']
texts = [(c['cell_type'], ''.join(c['source'])) for c in cells]
start = next(i for i,(_,o) in enumerate(texts) if o.startswith('## Code for the answers'))

def test_39_questions_each_with_a_folded_answer():
    found = [re.match(r'### (\d+)\. (.+)\n\n<details><summary>Answer</summary>\n\n(.+)\n\n</details>$', o, re.S) for _,o in texts[:start] if o.startswith('### ')]
    assert all(found) and [int(o[1]) for o in found]==list(range(1, 40))
    assert all(len(o[3])>40 for o in found) and len({o[3] for o in found})==39

def test_code_where_an_answer_promises_it():
    promised = [n for _,o in texts[:start] for n in re.findall(r'\*\*(\d+)\*\* at the end', o)]
    heads = [(i, m[1]) for i,(_,o) in enumerate(texts) if i>start and (m := re.match(r'### (\d+)\. ', o))]
    assert promised==[n for _,n in heads] and {'5','13','19','28','29','35'}<=set(promised)
    for i,_ in heads: assert texts[i+1][0]=='code'

def test_links_lead_somewhere():
    for _,o in texts:
        for link in re.findall(r'\]\(([\w./]+)\)', o): assert (Path(__file__).parent.parent/'nbs'/link).exists(), link
