// How much of each keypoint set's motion is shown: a slider for each set.

import {fill, h} from './dom.js';
import {colourOfSet} from './sets.js';
import {range} from './ui.js';

const LARGEST = 2;

export class SetScales {
  // onchange() when one was moved.
  constructor(onchange) {
    this.onchange = onchange;
    this.values = {};  // of those that are not 1: number -> scale
    this.count = -1;
    this.summary = h('span.number');
    this.sliders = h('div.set-scales');
    this.reset = h('button.button.slim', {type: 'button', onclick: () => { this.set({}); onchange(); }}, 'Reset');
    this.known = h('details.more', h('summary', h('span', 'Motion of each keypoint set'), this.summary),
      h('div.stack.tight', this.sliders, h('div.row', this.reset)));
    this.unknown = h('p.hint', 'This checkpoint does not say how many keypoint sets it has, so their motion cannot be scaled one by one.');
    this.element = h('div.field', this.known, this.unknown);
    this.unknown.hidden = true;
    this.showSummary();
  }

  // Sets of the checkpoint. Values of sets that it has are kept.
  setCount(count) {
    if (count === this.count) return;
    this.count = count;
    this.known.hidden = count === 0;
    this.unknown.hidden = count !== 0;
    this.ranges = Array.from({length: count}, (_, i) => this.slider(i + 1));
    fill(this.sliders, this.ranges.map(({element}) => element));
    this.set(this.values);
  }

  slider(number) {
    const made = range(`Set ${number}`, {min: 0, max: LARGEST, step: 0.05, value: 1, format: percent, oninput: (value) => {
      this.keep(number, value);
      this.showSummary();
      this.onchange();
    }});
    made.element.querySelector('label').prepend(h('span.swatch', {style: {background: colourOfSet(number)}}));
    return made;
  }

  keep(number, value) {
    if (value === 1) delete this.values[number];
    else this.values[number] = value;
  }

  // values: number -> scale, 1 for those that are left out.
  set(values) {
    this.values = {};
    for (let number = 1; number <= this.count; ++number) {
      this.keep(number, values[number] ?? 1);
      this.ranges[number - 1].set(values[number] ?? 1);
    }
    this.showSummary();
  }

  showSummary() {
    const changed = Object.keys(this.values).length;
    fill(this.summary, changed ? `${changed} changed` : 'all 100 %');
    this.reset.disabled = changed === 0;
  }
}

const percent = (value) => `${Math.round(100 * value)} %`;
