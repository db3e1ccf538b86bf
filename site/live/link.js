// The state of the page as the fragment of its address, and back

const keys = ['model', 'with', 'text', 'view', 'token', 'unit', 'off', 'start'];

export function toHash(state) {
  const p = new URLSearchParams();
  for (const k of keys) if (state[k] !== '' && state[k] != null) p.set(k, state[k]);
  return `#${p}`;
}

export const fromHash = hash => {
  const p = new URLSearchParams(hash.replace(/^#/, '')), res = {};
  for (const k of keys) if (p.has(k)) res[k] = p.get(k);
  return res;
};
