// The page's elements by name, its texts, and how it writes numbers
export const $ = id => document.getElementById(`live-${id}`), root = document.getElementById('live'), lang = root.lang;

const texts = JSON.parse($('strings').textContent);
export const t = (key, o = {}) => texts[key].replace(/\{(\w+)\}/g, (_, k) => o[k]);

export const make = (tag, o = {}, ...inside) => {
  const e = Object.assign(document.createElement(tag), o);
  e.append(...inside);
  return e;
};
export const sign = (kind, text) => make('span', {}, make('i', {className: kind}), text);

export const number = n => n.toLocaleString(lang);

export function percent(p) {
  if (p > 0 && p < 0.0005) return '< 0.1 %';
  if (p < 1 && p >= 0.9995) return '> 99.9 %';
  const whole = p === 0 || p === 1 || p > 0.0995 && p < 0.9895;
  return `${(100 * p).toFixed(whole ? 0 : 1)} %`;
}

const timers = {};
export function say(id, text) {  // a screen reader is told when things have come to rest
  clearTimeout(timers[id]);
  timers[id] = setTimeout(() => { if ($(id).textContent !== text) $(id).textContent = text; }, 400);
}
