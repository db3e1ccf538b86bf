// Number words: cutting a text, spelling numbers, finding what a wrong word may have meant

const small = ('one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen '
  + 'seventeen eighteen nineteen').split(' ');
const tens = 'twenty thirty forty fifty sixty seventy eighty ninety'.split(' ');
export const RESET = -1, MARK = '|';

const below1000 = n => [
  ...(n >= 100 ? [small[Math.floor(n / 100) - 1], 'hundred'] : []),
  ...(n % 100 >= 20 ? [tens[Math.floor(n % 100 / 10) - 2], ...(n % 10 ? [small[n % 10 - 1]] : [])]
    : n % 100 ? [small[n % 100 - 1]] : [])];

// the words of n, 1 to 999,999, as Human Numbers has them
export const spell = n => [...(n >= 1000 ? [...below1000(Math.floor(n / 1000)), 'thousand'] : []), ...below1000(n % 1000)];

const token = /\||\.|\d[\d,]*|[^\s.|,;:\-–—]+/g;

// Ids up to the first word that is none; the words that are none, each once; `open`, is the last still being written?
export function parse(text, w2i) {
  const ids = [], bad = new Map();
  for (const m of text.toLowerCase().matchAll(token)) {
    const w = m[0], id = w === MARK ? RESET : w2i.get(w);
    if (id === undefined) { if (!bad.has(w)) bad.set(w, {word: w, open: m.index + w.length === text.length}); }
    else if (!bad.size) ids.push(id);
  }
  return {ids, bad: [...bad.values()]};
}

// the text with each `word` that is none replaced
export const replaced = (text, word, by) => text.replace(token, m => m.toLowerCase() === word ? by : m)
  .replace(/ {2,}/g, ' ').trimStart();

// letters to add, drop, change, or swap with a neighbour
export function distance(a, b) {
  const d = Array.from({length: a.length + 1}, (_, i) => [i, ...Array(b.length).fill(0)]);
  for (let j = 0; j <= b.length; j++) d[0][j] = j;
  for (let i = 1; i <= a.length; i++) for (let j = 1; j <= b.length; j++) {
    d[i][j] = Math.min(d[i - 1][j] + 1, d[i][j - 1] + 1, d[i - 1][j - 1] + (a[i - 1] !== b[j - 1]));
    if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) d[i][j] = Math.min(d[i][j], d[i - 2][j - 2] + 1);
  }
  return d[a.length][b.length];
}

// What `word` may have meant, the likeliest first, three at most
export function corrections(word, words) {
  if (/^\d/.test(word)) {
    const n = +word.replaceAll(',', '');
    return n >= 1 && n <= 999999 ? [spell(n).join(' ')] : [];
  }
  if (word.length > 30) return [];
  const real = words.filter(w => w !== '.'), known = new Set(real);
  for (let i = 3; i < word.length - 2; i++)
    if (known.has(word.slice(0, i)) && known.has(word.slice(i))) return [`${word.slice(0, i)} ${word.slice(i)}`];
  const starts = word.length > 1 ? real.filter(w => w.startsWith(word)) : [];
  const near = real.map(w => [distance(word, w), w]).filter(([d]) => d <= Math.max(1, Math.floor(word.length / 3)))
    .sort((a, b) => a[0] - b[0]).map(([, w]) => w);
  return [...new Set([...near, ...starts])].slice(0, 3);
}
