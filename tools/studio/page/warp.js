// Warp: a picture, points that the hand moves, and the CPAB transform that
// follows; beside it the thin-plate spline and the affine map of the points.

import {ApiError} from './api.js';
import {fill, h} from './dom.js';
import {MediaInput} from './media_input.js';
import {nameOf} from './names.js';
import {chips, emptyState, errorNotice, icon, range, saveBlob, segmented, select, field, toast, toggle, copyButton} from './ui.js';
import {Latency, NewestWins, parseAnswer} from './warp_loop.js';
import {MAX_POINTS, PointEditor} from './warp_points.js';
import {WarpStage} from './warp_stage.js';

const KEPT = 'studio-warp';  // the settings, in this tab's session
const FORMAT = 'cpab-warp';  // of saved files
const BEHIND_MS = 100;
const KEEP_MS = 300;
const OTHERS = [['thin_plate', 'Thin-plate spline'], ['affine', 'Affine map']];
const SIZES = [128, 256, 512];

const DEFAULTS = {
  size: 256, cells: [4, 4], zero_boundary: true, volume: false, tension: 8,
  prior: {length_scale: 0.3, speed: 1, gradient: 0.3}, view: 'picture', overlays: ['grid'],
};
// Somewhere to begin: they hold their places until one is moved.
const START = [[0.5, 0.5], [0.25, 0.25], [0.75, 0.25], [0.25, 0.75], [0.75, 0.75]]
  .map((place) => ({from: place, to: place}));

const HINTS = {
  picture: 'Contents go along with the points.',
  inverse: 'Contents go back from the points to where they came from.',
  det: 'By how much areas grow or shrink there.',
};

export function mount(element, api) {
  const page = new WarpPage(element, api);
  return page.load().then(() => ({show: () => page.refreshOffers()}));
}

class WarpPage {
  constructor(element, api) {
    this.api = api;
    const kept = JSON.parse(sessionStorage.getItem(KEPT) ?? '{}');
    this.settings = {...structuredClone(DEFAULTS), ...kept.settings};
    this.picture = kept.picture ?? '';
    this.facts = null;
    this.buildStages();
    this.editor.set(kept.points ?? START);
    this.latency = new Latency(() => this.behindTheHand());
    this.main = new NewestWins((request) => this.warpMain(request));
    this.loops = new Map(OTHERS.map(([model]) => [model, new NewestWins((request) => this.warpOther(model, request))]));
    this.controls = h('div.stack');
    this.media = new MediaInput(this.api, {kind: 'image', title: 'Picture', onchange: (facts) => this.choosePicture(facts)});
    this.stage.element.append(this.media.cover);
    fill(element, h('h1.visually-hidden', 'Warp'), h('div.columns.wide-left',
      h('div.stack', this.stageCard(), this.thetaCard()),
      h('section.card', {'aria-label': 'Settings'}, this.controls)));
    this.buildControls();
  }

  // -------------------------------------------------------------------- build

  buildStages() {
    this.stage = new WarpStage('The picture, warped by the CPAB transform');
    this.stage.element.classList.add('is-main');
    this.editor = new PointEditor(this.stage, {
      onmove: (time) => this.moved(time), onadd: (place) => this.addPoint(place), onchosen: () => this.showPointButtons(),
    });
    this.others = new Map(OTHERS.map(([model, name]) => [model, {
      stage: new WarpStage(`The picture, warped by the ${name}`), note: h('p.small.soft.number'), name,
    }]));
  }

  stageCard() {
    this.view = segmented('View', [['picture', 'Picture'], ['inverse', 'Inverse'], ['det', 'Areas']], this.settings.view,
      (view) => this.change({view}), {hideLegend: true});
    this.hint = h('p.hint');
    this.legend = h('div.legend.warp-areas', h('span', h('span.warp-scale'), '1/4 to 4 times the area'),
      h('span', h('span.swatch.warp-folded'), 'folded'));
    this.problem = h('div.warp-problem');
    // Of its own: an answer to what was asked before clears the problem.
    this.notLoaded = h('div.warp-problem');
    this.latencyText = h('div.figure', h('b', '–'), h('span', 'Hand to picture'));
    this.fitText = h('div.figure', h('b', '–'), h('span', 'Fit, warp'));
    this.residualText = h('div.figure', h('b', '–'), h('span', 'Residual, pixels'));
    this.areaText = h('div.figure', h('b', '–'), h('span', 'Areas'));
    this.foldText = h('div.figure', h('b', '–'), h('span', 'Folded'));
    this.removeButton = h('button.button.slim', {type: 'button', onclick: () => this.removePoint()}, icon('trash'), 'Remove');
    this.addButton = h('button.button.slim', {type: 'button', onclick: () => this.addPoint(this.freePlace())}, 'Add a point');
    this.stages = h('div.warp-stage', h('div.stack.tight', this.stage.element, h('div.warp-below', this.hint, this.legend)),
      h('div.warp-others', [...this.others.values()].map(({stage, note, name}) =>
        h('figure.stack.tight', stage.element, h('figcaption', h('h3.small', name), note)))));
    return h('section.card', {'aria-label': 'Picture'},
      h('div.card-head', h('h2', 'CPAB'), this.view),
      h('div.stack', this.stages,
        h('div.row', this.addButton, this.removeButton,
          h('button.button.slim', {type: 'button', onclick: () => this.resetPoints()}, icon('reset'), 'Points back'),
          h('button.button.slim', {type: 'button', onclick: () => this.clearPoints()}, 'No points')),
        this.problem,
        this.notLoaded,
        h('div.meter', {role: 'status', 'aria-live': 'off'}, this.latencyText, this.fitText, this.residualText, this.areaText, this.foldText),
        h('p.hint', 'Press an empty place to add a point. Drag a point, or choose it and use the arrow keys (with Shift ten pixels). Delete removes it, Escape puts it back.')));
  }

  thetaCard() {
    this.theta = h('pre.code.warp-theta', {tabindex: 0});
    this.thetaSize = h('span');
    this.file = h('input.visually-hidden', {type: 'file', accept: '.json,application/json', tabindex: -1,
      'aria-label': 'Saved points', onchange: () => this.loadFile(this.file.files[0])});
    return h('section.card', {'aria-label': 'Points and theta'},
      h('div.card-head', h('h2', 'Points and theta'),
        h('button.button.slim', {type: 'button', onclick: () => this.savePoints()}, icon('download'), 'Save points'),
        h('button.button.slim', {type: 'button', onclick: () => this.file.click()}, icon('upload'), 'Load points'),
        h('button.button.slim', {type: 'button', onclick: () => this.savePicture()}, icon('image'), 'Save PNG'), this.file),
      h('details.more', h('summary', 'theta', this.thetaSize), h('div.code-block', this.theta,
        copyButton(this.theta, 'theta'))));
  }

  buildControls() {
    const {settings} = this;
    const {prior} = settings;
    const cells = (axis, label) => range(label, {min: 1, max: 12, step: 1, value: settings.cells[axis], oninput: (count) => {
      const changed = [...this.settings.cells];
      changed[axis] = count;
      this.change({cells: changed});
    }});
    const logarithmic = (label, low, high, value, set) => range(label, {...powersOf(low, high, value),
      format: (power) => short(10 ** power), oninput: (power) => set(Number((10 ** power).toPrecision(3)))});
    const ofPrior = (name, label, low, high) => logarithmic(label, low, high, prior[name] || low,
      (number) => this.change({prior: {...this.settings.prior, [name]: number}}));
    fill(this.controls,
      h('div.stack.tight', h('h3', 'Picture'), this.media.thumbs,
        h('div.row', h('button.button.slim', {type: 'button', onclick: () => this.media.file.click()}, icon('upload'), 'Choose a file'),
          h('div.grow'), this.media.facts), this.media.file, this.media.problem),
      h('div.stack.tight', h('h3', 'Cells'), cells(0, 'Across').element, cells(1, 'Down').element),
      h('div.stack.tight', h('h3', 'Field'),
        toggle('Border stays', settings.zero_boundary, (zero_boundary) => this.change({zero_boundary})),
        toggle('Areas stay', settings.volume, (volume) => this.change({volume})),
        logarithmic('Tension', 0.1, 100, settings.tension, (tension) => this.change({tension})).element,
        h('p.hint', 'How hard the points may pull. Where they contradict each other, a lower tension gives a smoother field.')),
      h('div.stack.tight', chips('Show', [['grid', 'Grid'], ['velocity', 'Velocity'], ['cells', 'Cells']], settings.overlays,
        (overlays) => this.change({overlays}))),
      field('Size', select(sizesWith(settings.size), settings.size, (size) => this.change({size: Number(size)}))),
      h('details.more', h('summary', 'Prior'), h('div.stack.tight',
        ofPrior('length_scale', 'Length', 0.05, 2).element, ofPrior('speed', 'Speed', 0.05, 10).element,
        ofPrior('gradient', 'Affine', 0.01, 10).element,
        h('p.hint', 'Which fields are likely without points: over which distance velocities agree, how fast they are, and how much of the field is affine.'))),
      h('button.button.slim', {type: 'button', onclick: () => this.resetSettings()}, icon('reset'), 'Default settings'));
    this.showView();
    this.showPointButtons();
  }

  // ----------------------------------------------------------------- pictures

  async load() {
    try {
      const [bundled, uploads] = await Promise.all([this.api.get('bundled'), this.api.get('uploads')]);
      this.bundled = bundled;
      this.offer(uploads);
    } catch (error) {
      fill(this.problem, errorNotice(error, () => this.load()));
      return;
    }
    const chosen = this.media.offered.find(({id}) => id === this.picture) ?? this.media.offered[0];
    if (chosen) this.media.set(chosen);
    else fill(this.media.cover, emptyState('image', 'No picture', 'Choose a file.'));
  }

  offer(uploads) {
    this.media.offer([...this.bundled.stills, ...uploads.filter(({kind}) => kind === 'image')]);
  }

  async refreshOffers() {
    if (!this.bundled) return;
    try {
      this.offer(await this.api.get('uploads'));
    } catch {
      // The shell says that the server does not answer.
    }
  }

  choosePicture(facts) {
    this.picture = facts?.id ?? '';
    if (facts?.width) {
      const scale = this.settings.size / Math.max(facts.width, facts.height);
      for (const stage of [this.stage, ...[...this.others.values()].map((other) => other.stage)]) {
        stage.resize(Math.max(1, Math.round(facts.width * scale)), Math.max(1, Math.round(facts.height * scale)));
      }
      this.editor.place();
    }
    this.ask();
  }

  // ---------------------------------------------------------------- requests

  change(changes) {
    Object.assign(this.settings, changes);
    if (changes.view) this.showView();
    this.ask();
  }

  moved(time) {
    this.latency.moved(time);
    this.ask();
  }

  request() {
    const {overlays, ...rest} = this.settings;
    return {...rest, picture: this.picture, overlays: overlays.filter((name) => name !== 'cells'),
      points: this.editor.points.map(({from, to}) => ({from: [...from], to: [...to]}))};
  }

  ask() {
    fill(this.notLoaded);
    if (this.picture) this.main.ask(this.request());
    this.keep();
  }

  async send(request) {
    return parseAnswer(await this.api.read('warp', (response) => response.arrayBuffer(), {method: 'POST', json: request}));
  }

  cellsShown() { return this.settings.overlays.includes('cells') ? this.settings.cells : null; }

  async warpMain(request) {
    const moves = this.latency.sent();
    try {
      const answer = await this.send({...request, model: 'cpab'});
      const isResized = this.stage.draw(answer, this.cellsShown());
      if (isResized) this.editor.place();
      this.latency.drawn(moves);
      this.facts = answer.facts;
    } catch (error) {
      this.showProblem(error);
      return;
    }
    this.isNew = true;
    this.behindTheHand();
  }

  // What need not keep up with the hand: a few times a second.
  behindTheHand() {
    this.behind ??= setTimeout(() => {
      this.behind = null;
      this.showLatency();
      if (!this.isNew) return;
      this.isNew = false;
      this.showFacts(this.facts);
      for (const loop of this.loops.values()) loop.ask(this.request());
    }, BEHIND_MS);
  }

  async warpOther(model, request) {
    const {stage, note} = this.others.get(model);
    try {
      const overlays = request.overlays.filter((name) => name === 'grid');
      const answer = await this.send({...request, model, overlays});
      stage.draw(answer, null);
      const {residual, folded} = answer.facts;
      fill(note, `${pixelsText(residual, answer.facts)} px residual, `, h(folded > 0 ? 'b' : 'span', `${percentText(folded)} folded`));
    } catch (error) {
      fill(note, error instanceof ApiError ? error.message : String(error));
    }
  }

  // ------------------------------------------------------------------- points

  // A new point takes hold of what is seen at the place, so that the picture
  // stays as it is.
  async addPoint(place) {
    if (this.editor.points.length >= MAX_POINTS) {
      toast(`There may be ${MAX_POINTS} points.`);
      return;
    }
    let from = place;
    if (this.picture && this.settings.view !== 'inverse') {
      try {
        const {facts} = await this.send({...this.request(), size: 32, overlays: [], model: 'cpab', view: 'picture', trace: [place]});
        from = facts.sources[0].map((value) => Math.min(1, Math.max(0, value ?? 0)));
      } catch {
        // Then it begins at the place itself.
      }
    }
    this.editor.add(from, place);
    this.ask();
  }

  // On a spiral about the middle, away from other points.
  freePlace() {
    for (let turn = 0; ; turn += 1) {
      const place = [0.5 + 0.012 * turn * Math.cos(turn), 0.5 + 0.012 * turn * Math.sin(turn)];
      if (turn === 40 || this.editor.points.every(({to}) => Math.hypot(to[0] - place[0], to[1] - place[1]) > 0.06)) return place;
    }
  }

  removePoint() {
    if (this.editor.chosen < 0) return;
    this.editor.remove(this.editor.chosen);
    this.ask();
  }

  resetPoints() {
    this.editor.set(this.editor.points.map(({from}) => ({from, to: from})));
    this.ask();
  }

  clearPoints() {
    this.editor.set([]);
    this.ask();
  }

  resetSettings() {
    this.settings = {...structuredClone(DEFAULTS), view: this.settings.view};
    this.buildControls();
    this.load();
  }

  // --------------------------------------------------------------------- show

  showView() {
    const {view} = this.settings;
    fill(this.hint, HINTS[view]);
    this.legend.classList.toggle('is-unused', view !== 'det');
    this.stages.classList.toggle('is-areas', view === 'det');
  }

  showPointButtons() {
    if (!this.removeButton) return;
    const {chosen} = this.editor;
    this.removeButton.disabled = chosen < 0;
    fill(this.removeButton, icon('trash'), chosen < 0 ? 'Remove' : `Remove ${chosen + 1}`);
  }

  showFacts(facts) {
    fill(this.problem);
    this.editor.markBad(facts.missed);
    fill(this.hint, missedText(facts.missed) || HINTS[this.settings.view]);
    setFigure(this.fitText, `${facts.milliseconds.fit.toFixed(1)}, ${facts.milliseconds.warp.toFixed(1)} ms`);
    setFigure(this.residualText, pixelsText(facts.residual, facts));
    setFigure(this.areaText, facts.det.min === null ? '–' : `${short(facts.det.min)} to ${short(facts.det.max)}`);
    setFigure(this.foldText, percentText(facts.folded));
    this.thetaSize.textContent = `${facts.theta.length} numbers`;
    this.theta.textContent = `[${facts.theta.map((value) => value.toFixed(4)).join(', ')}]`;
  }

  showLatency() {
    if (!this.latency.samples.length) return;
    const [median, slow] = [this.latency.quantile(0.5), this.latency.quantile(0.95)];
    setFigure(this.latencyText, `${median.toFixed(0)} ms, p95 ${slow.toFixed(0)} ms`);
    this.latencyText.dataset.p50 = median.toFixed(2);
    this.latencyText.dataset.p95 = slow.toFixed(2);
    this.latencyText.dataset.count = this.latency.samples.length;
  }

  showProblem(error) {
    const point = error instanceof ApiError && /^points\[(\d+)\]/.exec(error.field);
    this.editor.markBad(point ? [Number(point[1])] : []);
    fill(this.problem, point ? h('p.field-error', {role: 'alert'}, spoken(error.message)) : errorNotice(error, () => this.ask()));
  }

  // --------------------------------------------------------------------- keep

  keep() {
    clearTimeout(this.keeping);
    this.keeping = setTimeout(() => {
      sessionStorage.setItem(KEPT, JSON.stringify({settings: this.settings, picture: this.picture, points: this.editor.points}));
    }, KEEP_MS);
  }

  savePoints() {
    const {view, overlays, ...settings} = this.settings;
    const saved = {format: FORMAT, version: 1, picture: nameOf(this.media.value), ...settings, points: this.editor.points,
      theta: this.facts?.theta ?? []};
    saveBlob(new Blob([`${JSON.stringify(saved, null, 2)}\n`], {type: 'application/json'}), 'warp.json');
  }

  async loadFile(file) {
    this.file.value = '';
    if (!file) return;
    try {
      const {format, version, picture, theta, points, ...settings} = JSON.parse(await file.text());
      if (format !== FORMAT || version !== 1 || !Array.isArray(points)) throw new Error('no saved points');
      const known = Object.fromEntries(Object.entries(settings).filter(([name]) => name in DEFAULTS));
      // The server checks values; a file that it refuses changes nothing here.
      await this.send({picture: this.picture, ...known, points});
      this.settings = {...this.settings, ...known};
      this.editor.set(points);
      this.buildControls();
      await this.load();
      toast(`Loaded ${points.length} points.`);
    } catch (error) {
      const why = error instanceof ApiError ? spoken(error.message) : 'It is not a file that Save points has written.';
      fill(this.notLoaded, h('div.notice.error', {role: 'alert'}, h('h3', `${file.name} was not loaded`), h('p', why)));
    }
  }

  savePicture() {
    this.stage.canvas.toBlob((blob) => saveBlob(blob, 'warp.png'), 'image/png');
  }
}

function setFigure(figure, text) {
  figure.firstChild.textContent = text;
}

// A loaded file may have any size and number that the server takes.
const sizesWith = (size) => [...new Set([...SIZES, size])].sort((a, b) => a - b).map((side) => [side, `${side} pixels`]);

// Of a slider from `low` to `high`, or on to `value`, by powers of 10.
function powersOf(low, high, value) {
  const steps = 1000;  // of a power
  return {
    min: Math.floor(steps * Math.log10(Math.min(low, value))) / steps,
    max: Math.ceil(steps * Math.log10(Math.max(high, value))) / steps,
    step: 1 / steps, value: Math.log10(value),
  };
}

const short = (value) => (Math.abs(value) >= 10 ? value.toFixed(0) : value.toPrecision(2));
const percentText = (share) => (share === 0 ? '0 %' : share < 0.001 ? '< 0.1 %' : `${(100 * share).toFixed(1)} %`);
const pixelsText = (residual, {width, height}) => (residual === null ? '–' : (residual * (Math.max(width, height) - 1)).toFixed(2));

const missedText = (missed) => (missed.length === 0 ? ''
  : `${missed.length === 1 ? 'Point' : 'Points'} ${missed.map((index) => index + 1).join(', ')} `
    + `${missed.length === 1 ? 'does' : 'do'} not arrive: give more cells, or shorter moves.`);

// Users count points from 1.
const spoken = (message) => message.replace(/points\[(\d+)\](\.from|\.to)?/gi, (_, index) => `Point ${Number(index) + 1}`);
