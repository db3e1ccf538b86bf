// Counting as human_lm's `count_on` does: a wrong number is put right before the count goes on
import {spell} from './words.js';

export const numberIds = (w2i, start, stop) => {
  const res = [];
  for (let n = start; n <= stop; n++) for (const w of [...spell(n), '.']) res.push(w2i.get(w));
  return res;
};

// `read(ids, state)` gives the likeliest next token and the state after it; before 1 there is only a separator
export async function* countOn(read, w2i, start, stop, before = 20) {
  const sep = w2i.get('.');
  let ids = start > 1 ? numberIds(w2i, Math.max(1, start - before), start - 1) : [sep], state = null;
  for (let number = start; number <= stop; number++) {
    const want = numberIds(w2i, number, number), wrote = [];
    let o = await read(ids, state);
    const saved = o.state;
    for (;;) {
      wrote.push(o.best);
      yield {number, wrote, over: false};
      if (o.best === sep || wrote.length >= Math.max(12, want.length)) break;
      o = await read([o.best], o.state);
    }
    const right = wrote.length === want.length && wrote.every((w, i) => w === want[i]);
    yield {number, wrote, over: true, right};
    [ids, state] = right ? [[sep], o.state] : [want, saved];
  }
}
