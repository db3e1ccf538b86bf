"Text cut into the words that the search knows"
import logging,re
from functools import cache
from pathlib import Path

_run = re.compile('([\u3400-\u9fff]+)|(\\w+)')

@cache
def _cutter():
    import jieba
    jieba.setLogLevel(logging.ERROR)
    rows = (Path(__file__).resolve().parent.parent/'zh'/'glossary.tsv').read_text(encoding='utf-8').splitlines()[1:]
    for o in rows:
        for word in o.split('\t')[1].split('|'): jieba.add_word(word)
    return jieba.cut_for_search

def split_words(text):
    "Words of `text`: Chinese as a dictionary and the glossary cut it, anything else between spaces and signs"
    res = []
    for o in _run.finditer(text):
        if o[1]: res += _cutter()(o[1])
        else:
            # \w takes Chinese too where it touches Latin letters
            for a,b in re.findall('([\u3400-\u9fff]+)|([^\u3400-\u9fff]+)', o[2]): res += _cutter()(a) if a else [b]
    return res
