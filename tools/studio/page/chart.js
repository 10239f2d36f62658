// Curves over steps: SVG of our own, with a legend that hides series, values
// under the pointer or the arrow keys, and a logarithmic scale where wanted.

import {fill, h, svg} from './dom.js';
import {toggle} from './ui.js';

const HEIGHT = 240;
// On the right half of the last step's label.
const MARGIN = {left: 56, right: 28, top: 8, bottom: 28};
const LARGEST_POWER = Math.floor(Math.log10(Number.MAX_VALUE));
const NUM_COLOURS = 8;  // .curve-1 ... of studio.css

// points: [[step, mean, low, high], ...]; the range from low to high is shaded.
export class Chart {
  constructor(title, {log = false} = {}) {
    this.title = title;
    this.log = log;
    this.series = [];
    this.hidden = new Set();
    this.cursor = null;  // step
    this.axes = svg('g', {class: 'chart-axes'});
    this.curves = svg('g');
    this.marks = svg('g');
    this.svg = svg('svg', {class: 'chart', height: HEIGHT, tabindex: 0, role: 'img',
      onpointermove: (event) => this.point(event), onpointerleave: () => this.setCursor(null),
      onkeydown: (event) => this.key(event), onblur: () => this.setCursor(null)}, this.axes, this.curves, this.marks);
    this.readout = h('p.small.number.chart-readout', {role: 'status', 'aria-live': 'polite'});
    this.legend = h('div.legend.chart-legend');
    this.element = h('section.card.chart-card', {'aria-label': title},
      h('div.card-head', h('h3', title), toggle('Log', log, (on) => { this.log = on; this.draw(); })),
      this.svg, this.readout, this.legend);
    this.width = 600;
    new ResizeObserver(([entry]) => {
      const width = Math.round(entry.contentRect.width);
      if (width <= 0 || width === this.width) return;
      this.width = width;
      this.draw();
    }).observe(this.svg);
  }

  // series: [{name, points}].
  set(series) {
    const before = this.series.map(({name}) => name).join();
    // A term that has not started, or never will, has no values.
    this.series = series.map((one, index) => ({...one, colour: (index % NUM_COLOURS) + 1})).filter(({points}) => points.length);
    const named = this.series.map(({name}) => name).join();
    if (named !== before) this.buildLegend();
    this.draw();
  }

  buildLegend() {
    fill(this.legend, this.series.map(({name, colour}) => h('button.chart-name', {type: 'button', 'aria-pressed': String(!this.hidden.has(name)),
      onclick: (event) => {
        if (!this.hidden.delete(name)) this.hidden.add(name);
        event.currentTarget.setAttribute('aria-pressed', String(!this.hidden.has(name)));
        this.draw();
      }}, h(`span.chart-swatch.curve-${colour}`), name.replaceAll('_', ' '))));
  }

  shown() { return this.series.filter(({name, points}) => !this.hidden.has(name) && points.length > 0); }

  // -------------------------------------------------------------------- scales

  fit() {
    const shown = this.shown();
    const steps = shown.flatMap(({points}) => [points[0][0], points.at(-1)[0]]);
    this.first = Math.min(...steps);
    this.last = Math.max(...steps, this.first + 1);
    const values = shown.flatMap(({points}) => points.flatMap(([, mean, low, high]) => [mean, low, high]))
      .filter((value) => !this.log || value > 0);
    let low = Infinity, high = -Infinity;
    for (const value of values) {
      low = Math.min(low, value);
      high = Math.max(high, value);
    }
    if (!values.length) return false;
    if (low === high) {
      low = this.log ? low / 2 : low - Math.abs(low || 1) / 2;
      high = this.log ? high * 2 : high + Math.abs(high || 1) / 2;
    }
    // Neither infinite nor, on a logarithmic scale, 0.
    this.low = Math.max(low, this.log ? Number.MIN_VALUE : -Number.MAX_VALUE);
    this.high = Math.min(high, Number.MAX_VALUE);
    return true;
  }

  x(step) { return MARGIN.left + ((step - this.first) / (this.last - this.first)) * (this.width - MARGIN.left - MARGIN.right); }

  y(value) {
    const at = this.log ? (number) => Math.log(Math.max(number, this.low)) : (number) => number;
    const scaled = (at(value) - at(this.low)) / (at(this.high) - at(this.low));
    return HEIGHT - MARGIN.bottom - scaled * (HEIGHT - MARGIN.top - MARGIN.bottom);
  }

  // ---------------------------------------------------------------------- draw

  draw() {
    this.svg.setAttribute('viewBox', `0 0 ${this.width} ${HEIGHT}`);
    this.svg.setAttribute('aria-label', `${this.title} over steps`);
    if (!this.fit()) {
      fill(this.axes, svg('text', {x: this.width / 2, y: HEIGHT / 2, 'text-anchor': 'middle'}, this.series.length ? 'Nothing is chosen' : 'No values yet'));
      fill(this.curves);
      this.setCursor(null);
      return;
    }
    this.drawAxes();
    fill(this.curves, this.shown().map((one) => this.curve(one)));
    this.setCursor(this.cursor);
  }

  drawAxes() {
    const right = this.width - MARGIN.right, bottom = HEIGHT - MARGIN.bottom;
    const levels = this.log ? powers(this.low, this.high) : ticks(this.low, this.high, 5);
    const steps = ticks(this.first, this.last, Math.max(3, Math.floor(this.width / 80))).filter(Number.isInteger);
    fill(this.axes,
      levels.map((value) => [svg('path', {d: `M${MARGIN.left} ${this.y(value)}H${right}`}),
        svg('text', {x: MARGIN.left - 8, y: this.y(value) + 4, 'text-anchor': 'end'}, numberText(value))]),
      steps.map((step) => svg('text', {x: this.x(step), y: bottom + 20, 'text-anchor': 'middle'}, stepText(step))));
  }

  curve({points, colour}) {
    const usable = this.log ? points.filter(([, mean]) => mean > 0) : points;
    const at = (step, value) => `${this.x(step).toFixed(1)} ${this.y(value).toFixed(1)}`;
    const line = usable.map(([step, mean]) => at(step, mean)).join('L');
    const isThinned = usable.some(([, , low, high]) => low !== high);
    const band = isThinned && `M${usable.map(([step, , , high]) => at(step, high)).join('L')}L${
      [...usable].reverse().map(([step, , low]) => at(step, low)).join('L')}Z`;
    return svg('g', {class: `curve-${colour}`}, band && svg('path', {class: 'chart-band', d: band}),
      usable.length === 1 ? svg('circle', {cx: this.x(usable[0][0]), cy: this.y(usable[0][1]), r: 3})
        : line && svg('path', {class: 'chart-line', d: `M${line}`}));
  }

  // -------------------------------------------------------------------- values

  point(event) {
    const box = this.svg.getBoundingClientRect();
    const share = (event.clientX - box.left - MARGIN.left) / (box.width - MARGIN.left - MARGIN.right);
    this.setCursor(this.first + Math.min(1, Math.max(0, share)) * (this.last - this.first));
  }

  key(event) {
    const direction = {ArrowLeft: -1, ArrowRight: 1}[event.key];
    if (!direction || this.first === undefined) return;
    event.preventDefault();
    const steps = [...new Set(this.shown().flatMap(({points}) => points.map(([step]) => step)))].sort((a, b) => a - b);
    const current = this.cursor === null ? (direction > 0 ? -1 : steps.length) : nearest(steps, this.cursor);
    this.setCursor(steps[Math.min(steps.length - 1, Math.max(0, current + direction))]);
  }

  setCursor(step) {
    this.cursor = step;
    if (step === null || step === undefined || !this.shown().length) {
      fill(this.marks);
      this.say(h('span.soft', 'Point at a curve, or use the arrow keys, for its values.'));
      return;
    }
    const values = this.shown().map(({name, colour, points}) => {
      const point = points[nearest(points.map(([at]) => at), step)];
      return {name, colour, at: point[0], value: point[1]};
    });
    const at = values[0].at;
    fill(this.marks, svg('path', {class: 'chart-cursor', d: `M${this.x(at)} ${MARGIN.top}V${HEIGHT - MARGIN.bottom}`}),
      values.map((one) => (this.log && one.value <= 0 ? null
        : svg('circle', {class: `curve-${one.colour}`, cx: this.x(one.at), cy: this.y(one.value), r: 3.5}))));
    this.say(h('b', `Step ${at}`), values.map((one) => h('span', h(`span.chart-swatch.curve-${one.colour}`), ` ${numberText(one.value)}`)));
  }

  // Nodes that are new are read aloud, also where they say the same.
  say(...children) {
    const next = fill(this.readout.cloneNode(), ...children);
    if (!next.isEqualNode(this.readout)) fill(this.readout, ...next.childNodes);
  }
}

// The index of the number nearest to `wanted` in a sorted list.
function nearest(sorted, wanted) {
  let low = 0, high = sorted.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle] < wanted) low = middle + 1;
    else high = middle;
  }
  return low > 0 && wanted - sorted[low - 1] < sorted[low] - wanted ? low - 1 : low;
}

// Round numbers between low and high, about `count` of them. Above 2^53 they
// may be rounded to the same number; adding 1 to one changes nothing there.
function ticks(low, high, count) {
  const rough = (high - low) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 5, 10].find((factor) => factor * power >= rough);
  const found = [];
  const first = Math.ceil(low / step);
  for (let i = 0; i <= 2 * count && (first + i) * step <= high; i += 1) found.push((first + i) * step);
  return found;
}

// Powers of ten, or round numbers where there are fewer than two.
function powers(low, high) {
  const found = [];
  for (let power = Math.ceil(Math.log10(low)); power <= LARGEST_POWER && 10 ** power <= high; power += 1) found.push(10 ** power);
  const every = Math.ceil(found.length / 6);
  return found.length < 2 ? ticks(low, high, 4).filter((value) => value > 0) : found.filter((_, index) => index % every === 0);
}

function numberText(value) {
  const size = Math.abs(value);
  if (size !== 0 && (size < 0.001 || size >= 1e5)) return value.toExponential(1).replace('e+', 'e');
  return String(Number(value.toPrecision(4)));
}

const stepText = (step) => (step >= 1e6 ? `${Number((step / 1e6).toPrecision(4))} M` : step >= 1e4 ? `${Number((step / 1e3).toPrecision(4))} k`
  : String(Math.round(step)));
