// The guided tour: what each step sets, and the part of the page that it is about; its words stand in strings.json
import {$, root, t} from './dom.js';

const short = 'eight thousand one . eight thousand two . eight thousand three .';
const long = ['one . ', 'two . ', 'three . ', 'four . ', ''].map(o => `five thousand six hundred forty ${o}`).join('').trim();

const steps = [
  {at: 'next', set: {model: 'LMModel7', text: `${short} eight thousand`}},
  {at: 'next', set: {model: 'LMModel1', text: `${short} eight thousand`}},
  {at: 'next', set: {model: 'LMModel7', text: `${short} | eight thousand`}},
  {at: 'inside', set: {model: 'LMModel7', text: long, view: 'gate_forget'}},
  {at: 'inside', set: {model: 'LMModel7', with: 'LMModel4', text: long}},
  {at: 'next', set: {model: 'LMModel7', with: 'intact', text: long, off: '1.7', unit: '1.7'}},
  {at: 'inside', set: {model: 'pointer', text: long, view: 'look'}},
  {at: 'count', set: {model: 'LMModel7', text: `${short} eight thousand`, start: '8084'}},
];
let step = -1;

// `set` brings the page to what a step is about
export function beginTour(set) {
  $('tour-start').onclick = () => show(0, set);
  $('tour-next').onclick = () => show(step + 1, set);
  $('tour-back').onclick = () => show(step - 1, set);
  $('tour-end').onclick = end;
  $('tour').onkeydown = e => { if (e.key === 'Escape') end(); };
}

function leave() {
  const part = root.querySelector('.live-look');
  part?.classList.remove('live-look');
  part?.style.removeProperty('scroll-margin-top');
}

function end() {
  leave();
  $('tour').hidden = true;
  $('tour-start').focus();
}

async function show(n, set) {
  leave();
  step = n;
  const {at, set: wanted} = steps[n], tour = $('tour'), part = $(at);
  const drawn = set(wanted);
  $('tour-step').textContent = t('tour_step', {n: n + 1, of: steps.length});
  $('tour-title').textContent = t(`tour_${n + 1}_title`);
  $('tour-text').textContent = t(`tour_${n + 1}`);
  $('tour-back').disabled = n === 0;
  $('tour-next').hidden = n === steps.length - 1;
  tour.hidden = false;
  part.before(tour);
  part.classList.add('live-look');
  part.style.scrollMarginTop = `calc(var(--live-top) + ${tour.offsetHeight + 16}px)`;  // the tour stays above it
  const calm = matchMedia('(prefers-reduced-motion: reduce)').matches;
  const look = () => part.scrollIntoView({behavior: calm ? 'auto' : 'smooth', block: 'start'});
  look();
  $('tour-title').focus({preventScroll: true});
  await drawn;
  requestAnimationFrame(() => { if (step === n && !tour.hidden) look(); });  // where it is now
}
