// The next word: a bar a word, and what each bar is made of
import {$, lang, make, number, percent, root, say, sign, t} from './dom.js';
import {at, called, chosen, known, labelA, labelB, now, word} from './state.js';
import {RESET} from './words.js';

const ways = ['own', 'copy', 'successor'];
const few = 7, fewOther = 3;
let all = false;

export function showAll() { all = !all; }

export const legend = () => ways.map(k => sign(`live-${k}`, t(`part_${k}`)));

function note(i, later) {
  const {A, ids} = now;
  if (!ids.length) return t('empty');
  if (ids[i] === RESET) return t('after_reset');
  if (i >= A.n) return A.n ? t('reading', {n: number(A.n), of: number(ids.length)}) : t('loading');
  if (!known(A, i)) return t('needs_three');
  return later ? t('after_token', {n: number(i + 1), word: word(ids[i])})
    : t('after_end', {n: number(ids.length), model: called(chosen.model)});
}

export function drawNext(most) {
  const {A, B, ids, index} = now, i = at(), later = i < ids.length - 1, ready = known(A, i);
  $('after').textContent = note(i, later) + (now.cut ? ` ${t('too_long', {n: number(most)})}` : '');
  if (i >= A.n && ids.length) return;  // what was there stays while the model reads
  const pointer = chosen.model === 'pointer' && !B;
  $('all').hidden = !ready;
  $('legend').hidden = !ready || !(B || pointer);
  if (!ready) { $('bars').replaceChildren(); return; }
  const row = A.probs.row(i), other = known(B, i) ? B.probs.row(i) : null;
  const ranked = p => [...p.keys()].sort((a, b) => p[b] - p[a] || a - b);
  const order = ranked(row), came = later && ids[i + 1] !== RESET ? ids[i + 1] : -1;
  const shown = new Set(all ? order : order.slice(0, few));
  if (other) for (const j of ranked(other).slice(0, fewOther)) shown.add(j);
  if (came >= 0) shown.add(came);
  const list = $('bars');
  list.classList.toggle('live-two', !!other);
  while (list.children.length > shown.size) list.lastChild.remove();
  [...shown].forEach((j, k) => {
    const {button, name, track, pct} = (list.children[k] || list.appendChild(newBar())).parts;
    Object.assign(button.dataset, {word: index.vocab[j], p: row[j], ...(other ? {other: other[j]} : {})});
    name.textContent = index.vocab[j];
    button.className = j === came ? 'live-came' : '';
    const parts = pointer ? ways.map((w, m) => A.inside.shares.row(i)[m] * A.inside[`way_${w}`].row(i)[j]) : null;
    track.replaceChildren(bar(row[j], '', parts), ...(other ? [bar(other[j], 'live-b')] : []));
    pct.replaceChildren(percent(row[j]), ...(other ? [make('br'), percent(other[j])] : []));
  });
  $('legend').replaceChildren(...(pointer ? legend() : B ? [sign('live-a', labelA()), sign('live-b', labelB())] : []));
  const rest = order.filter(j => !shown.has(j)), sum = rest.reduce((s, j) => s + row[j], 0);
  $('all').textContent = rest.length ? t('all_but', {n: rest.length, p: percent(sum)}) : t('all_words');
  $('all').setAttribute('aria-pressed', all);
  const top = order.slice(0, 3).map(j => `${index.vocab[j]} ${percent(row[j])}`);
  say('said', t('said', {list: top.join(lang === 'en' ? ', ' : '、')}));
  if (!('answered' in root.dataset)) { root.dataset.answered = ''; performance.mark('live-answer'); }
}

function newBar() {
  const name = make('span', {className: 'live-word', lang: 'en'}), track = make('span', {className: 'live-track'});
  const pct = make('span', {className: 'live-pct'}), button = make('button', {type: 'button'}, name, track, pct);
  return Object.assign(make('li', {}, button), {parts: {button, name, track, pct}});
}

function bar(p, kind, parts) {
  const res = make('span', {className: `live-bar ${kind}${parts ? ' live-ways' : ''}`});
  res.style.width = `${100 * p}%`;
  parts?.forEach((share, k) => {
    const part = res.appendChild(make('i', {className: `live-${ways[k]}`}));
    part.style.width = `${100 * share / (p || 1)}%`;
  });
  return res;
}
