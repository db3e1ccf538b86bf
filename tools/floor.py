"Print the requirements of settings.ini at the oldest versions that it admits, for `make test-oldest`"
import re
from configparser import ConfigParser
from pathlib import Path

def floors(text):
    "`name==version` for each `name>=version`; other requirements, and what else is asked of one, as they are"
    return [re.sub(r'>=([\w.]+)', r'==\1', o) if '>=' in o else o for o in text.split()]

if __name__=='__main__':
    cfg = ConfigParser(delimiters=['='])
    cfg.read(Path(__file__).resolve().parent.parent/'settings.ini', encoding='utf-8')
    print(*floors(cfg['DEFAULT']['requirements']), sep='\n')
