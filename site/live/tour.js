// The guided tour: what each step sets, and the part of the page that it is about; its words stand in strings.json

const short = 'eight thousand one . eight thousand two . eight thousand three .';
const long = [...['one', 'two', 'three', 'four'].map(w => `five thousand six hundred forty ${w} .`), 'five thousand six hundred forty'].join(' ');

export const steps = [
  {at: 'next', set: {model: 'LMModel7', text: `${short} eight thousand`}},
  {at: 'next', set: {model: 'LMModel1', text: `${short} eight thousand`}},
  {at: 'next', set: {model: 'LMModel7', text: `${short} | eight thousand`}},
  {at: 'inside', set: {model: 'LMModel7', text: long, view: 'gate_forget'}},
  {at: 'inside', set: {model: 'LMModel7', with: 'LMModel4', text: long}},
  {at: 'next', set: {model: 'LMModel7', with: 'intact', text: long, off: '1.7', unit: '1.7'}},
  {at: 'inside', set: {model: 'pointer', text: long, view: 'look'}},
  {at: 'count', set: {model: 'LMModel7', text: `${short} eight thousand`}, start: 8084},
];
