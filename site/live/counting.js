// The models count: each number that they write, right or wrong
import {$, make, number, percent, t} from './dom.js';
import {engine} from './engine.js';
import {chosen, info, labelA, labelB, now} from './state.js';
import {spell} from './words.js';

const last = 999999, mostRows = 200;
const digits = n => n.toLocaleString('en');
const words = wrote => wrote.map(i => now.index.vocab[i]).join(' ');
const sleep = ms => new Promise(yes => setTimeout(yes, ms));
let counting = null;  // whoever counts goes on as long as this is theirs

function stop() {
  counting = null;
  $('go').textContent = t('count_go');
}

// Counting as human_lm's `count_on` does: a wrong number is put right before the count goes on

const numberIds = (start, stop) => {
  const res = [];
  for (let n = start; n <= stop; n++) for (const w of [...spell(n), '.']) res.push(now.w2i.get(w));
  return res;
};

// `read(ids, state)` gives the likeliest next token and the state after it; before 1 there is only a separator
async function* countOn(read, start, stop, before = 20) {
  const sep = now.w2i.get('.');
  let ids = start > 1 ? numberIds(Math.max(1, start - before), start - 1) : [sep], state = null;
  for (let number = start; number <= stop; number++) {
    const want = numberIds(number, number), wrote = [];
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

// what the button does: begin, or stop
export async function count() {
  if (counting) { stop(); return; }
  const typed = $('start').value.trim(), start = Number(typed), good = /^\d+$/.test(typed) && start >= 1 && start <= last;
  $('start-bad').textContent = good ? '' : t('bad_start', {n: typed || t('no_number')});
  if (!good) return;
  chosen.start = typed;
  const me = counting = {}, goesOn = () => counting === me, {A, B} = now;
  $('go').textContent = t('stop');
  $('before-one').hidden = start > 1;
  $('counts').replaceChildren();
  try { await Promise.all([countWith(A, labelA(), start, goesOn), ...(B ? [countWith(B, labelB(), start, goesOn)] : [])]); }
  finally { if (goesOn()) stop(); }
}

async function countWith({name, mask}, model, start, goesOn) {
  const box = $('counts').appendChild($('counted').content.firstElementChild.cloneNode(true));
  const [writes, result, marks, table] = box.children;
  result.textContent = model;
  const stop = Math.min(last, start + +$('many').value - 1);
  let right = 0, n = 0, first = null, shown = 0;
  const read = async (piece, state) => {
    const o = await engine.read(name, piece, state, mask, true);
    return {best: o.best[piece.length - 1], state: o.state};
  };
  await engine.load(name, info(name));
  for await (const o of countOn(read, start, stop)) {
    if (!goesOn()) break;
    if (!o.over) {
      if ($('slow').checked) await sleep(160);
      else if (performance.now() - shown < 40) continue;  // a frame is enough
      shown = performance.now();
      writes.textContent = `${digits(o.number)}: ${words(o.wrote)}`;
      continue;
    }
    writes.textContent = `${digits(o.number)}: ${words(o.wrote)} ${o.right ? '✓' : '✗'}`;
    mark(marks, o);
    n++;
    if (o.right) { right++; continue; }
    first ??= n - 1;
    if (table.tBodies[0].rows.length < mostRows) table.tBodies[0].append(wrongRow(o));
    table.hidden = false;
  }
  if (!n) return;
  const said = {model, right: number(right), n: number(n), pct: percent(right / n), first: number(first ?? n)};
  result.textContent = t('counted', said);
}

// a sign a number, ten together, fifty a line
function mark(marks, {number: n, right}) {
  let line = marks.lastChild;
  if (!line || n % 50 === 0) {
    line = marks.appendChild(make('div', {}, make('span', {className: 'live-from', textContent: digits(n)})));
  }
  let group = line.lastChild;
  if (n % 10 === 0 || group.className === 'live-from') group = line.appendChild(make('span', {className: 'live-ten'}));
  group.append(right ? '·' : make('b', {textContent: '×', title: digits(n)}));
}

const wrongRow = ({number: n, wrote}) => make('tr', {}, ...[digits(n), spell(n).join(' '),
  words(wrote.filter(i => now.index.vocab[i] !== '.')) || t('wrote_nothing')].map(o => make('td', {textContent: o})));
