// What the reader has chosen, and what the models have made of it so far
import {t} from './dom.js';
import {MARK, RESET} from './words.js';

// `chosen` is what the page's address carries. A and B are the traces of the model and of the one it is compared with.
export const chosen = {model: 'LMModel7', with: '', text: '', view: '', token: '', unit: '', off: '', start: '8084'};
export const now = {index: null, w2i: null, ids: [], bad: [], cut: false, A: null, B: null};

// the page's state as the fragment of its address, and back
export const toHash = state => `#${new URLSearchParams(Object.entries(state).filter(([, v]) => v !== ''))}`;
export const fromHash = hash => Object.fromEntries([...new URLSearchParams(hash.slice(1))].filter(([k]) => k in chosen || k === 'text'));

export const info = name => ({...now.index.models[name], vocab_sz: now.index.vocab.length});
export const called = name => name === 'pointer' ? t('pointer') : name;
export const labelA = () => chosen.off ? t('counting_off', {model: called(chosen.model)}) : called(chosen.model);
export const labelB = () => now.B.name === chosen.model ? t('intact', {model: called(now.B.name)}) : called(now.B.name);

export const word = id => id === RESET ? MARK : now.index.vocab[id];
// the token that is looked at
export const at = () => (chosen.token === '' ? now.ids.length : Math.min(now.ids.length, +chosen.token)) - 1;
// has the model said what comes after token `i`?
export const known = (trace, i) => trace && i >= 0 && i < trace.n && !Number.isNaN(trace.probs.row(i)[0]);

// a layer and an activation as `2.5`, if the model has them
export function unitOf(text, {n_layers, n_hidden}) {
  const [l, u] = text.split('.').map(Number);
  return l >= 1 && l <= n_layers && u >= 1 && u <= n_hidden ? [l, u] : null;
}
