// Runs: the training runs below --root, their curves as they grow, strips and
// page.

import {agoText} from './api.js';
import {Chart} from './chart.js';
import {fill, h, refill} from './dom.js';
import {picturePath, runPageFrame} from './run_page.js';
import {codeBlock, emptyState, errorNotice, loadInto, range, showPicture} from './ui.js';

const RUNNING_EVERY_MS = 2000;
const QUIET_EVERY_MS = 15000;
const LONGEST_LIST_MS = 60000;
// Not all of a run need be read anew each time; now and then it is.
const WHOLE_EVERY = 30;

const STATES = {running: ['is-running', 'Running'], ended: ['is-done', 'Ended'], stopped: ['', 'Stopped']};
const CHARTS = [
  ['loss', 'Losses', {log: true}],
  ['test', 'Test', {}],
  ['residual', 'Fit residual', {}],
  ['training', 'Fit iterations, sets in use', {}],
  ['gradient', 'Largest gradients', {log: true}],
  ['rate', 'Learning rate', {}],
  ['time', 'Seconds a step', {log: true}],
  ['waiting', 'Share of time waiting for data', {}],
];

export function mount(element, api) {
  const page = new RunsPage(element, api);
  return page.loadList().then(() => ({show: (id) => page.show(id), hide: () => page.close()}));
}

class RunsPage {
  constructor(element, api) {
    this.api = api;
    this.runs = null;  // of the last answer
    this.id = '';
    this.view = null;
    this.list = h('div');
    this.details = h('div.stack');
    fill(element, h('h1.visually-hidden', 'Runs'), h('div.columns.wide-right',
      h('section.card.runs-card', {'aria-label': 'Training runs'}, h('div.card-head', h('h2', 'Training runs')), this.list), this.details));
  }

  loadList() {
    this.problem = '';  // that is shown
    fill(this.list, [0, 1, 2].map(() => h('div.skeleton.job-skeleton')));
    return this.refreshList();
  }

  listNodes() {
    if (!this.runs.length) {
      return emptyState('motion', 'No runs yet', 'Training runs below the folder --root are listed here. This begins one:',
        codeBlock('tools/bazelw run //pipelines:train -- --config demo --output runs/demo'));
    }
    return h('ul.list', this.runs.map((run) => h('li', h('a.item.run-item', {href: `#runs/${run.id}`, 'data-key': run.id, 'aria-current': run.id === this.id ? 'true' : null},
      h('span', h('span.title', {title: run.name}, run.name), h('span.sub.number', [stepText(run), run.modified && agoText(run.modified)].filter(Boolean).join(', '))),
      badge(run.state)))));
  }

  // One at a time, as answers may take long.
  refreshList() {
    this.reading ??= this.readList().finally(() => { this.reading = null; });
    return this.reading;
  }

  async readList() {
    try {
      this.runs = await this.api.getSoon('runs', LONGEST_LIST_MS);
    } catch (error) {
      if (this.runs || error.message === this.problem) return;
      this.problem = error.message;
      fill(this.list, errorNotice(error, () => this.loadList()));
    }
    this.drawList();
  }

  // Without an answer, the list says why.
  drawList() {
    if (this.runs) refill(this.list, this.listNodes());
  }

  show(id) {
    this.close();
    this.timer = setInterval(() => !document.hidden && this.refreshList(), QUIET_EVERY_MS);
    this.id = id || this.runs?.[0]?.id || '';
    this.drawList();
    if (!this.id) {
      fill(this.details, h('section.card', emptyState('motion', 'Nothing to show', 'Curves, pictures and the page of a run show here.')));
      return;
    }
    this.view = new RunView(this.api, this.id, () => this.refreshList());
    fill(this.details, this.view.element);
    this.view.start();
  }

  close() {
    clearInterval(this.timer);
    this.view?.stop();
    this.view = null;
  }
}

class RunView {
  constructor(api, id, onchanged) {
    this.api = api;
    this.id = id;
    this.onchanged = onchanged;
    this.series = new Map();  // name -> {name, kind, points}
    this.stride = 0;
    this.reads = 0;
    this.pictures = [];
    this.drawnPictures = '';
    this.head = h('section.card', {'aria-label': 'Run'}, h('div.skeleton.control-line'));
    this.charts = new Map(CHARTS.map(([kind, title, options]) => [kind, new Chart(title, options)]));
    for (const chart of this.charts.values()) chart.element.hidden = true;
    this.strip = h('section.card', {'aria-label': 'Pictures', hidden: true});
    this.pagePlace = h('div');
    this.configPlace = h('div');
    this.more = h('section.card.stack', {'aria-label': 'Page and settings', hidden: true}, this.pagePlace, this.configPlace);
    this.problem = h('div');
    this.parts = [this.head, this.problem,
      h('div.chart-grid', [...this.charts.values()].map((chart) => chart.element)), this.strip, this.more];
    this.element = h('div.stack', this.parts);
    this.isGone = false;  // the element says so in place of the parts
  }

  start() {
    this.stopped = false;
    this.poll();
  }

  stop() {
    this.stopped = true;
    clearTimeout(this.timer);
  }

  async poll() {
    if (this.stopped) return;
    let wait = QUIET_EVERY_MS;
    if (!document.hidden) {
      try {
        const run = await this.read();
        if (this.stopped) return;
        this.showThere();
        this.draw(run);
        fill(this.problem);
        wait = !run.complete ? 0 : run.state === 'running' ? RUNNING_EVERY_MS : QUIET_EVERY_MS;
      } catch (error) {
        if (error.status === 404) this.showGone();
        else fill(this.problem, errorNotice(error, () => this.poll()));
      }
    }
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.poll(), wait);
  }

  // Until it is there again, as after another training into the same folder.
  showGone() {
    if (this.isGone) return;
    this.isGone = true;
    fill(this.element, h('section.card', emptyState('warning', 'This run is not there', 'Its folder was moved or removed. Choose one of the list.')));
  }

  showThere() {
    if (!this.isGone) return;
    this.isGone = false;
    fill(this.element, this.parts);
  }

  // What is new since the last time: the last point of a series may still grow,
  // so it is read again.
  async read() {
    const since = this.reads % WHOLE_EVERY === 0 ? 0 : this.since();
    this.reads += 1;
    let run = await this.api.get(`runs/${this.id}?since=${since}`);
    const isWhole = since === 0 || run.stride !== this.stride || this.beginsAnew(run);
    if (since > 0 && isWhole) run = await this.api.get(`runs/${this.id}?since=0`);
    if (isWhole) this.series.clear();
    this.stride = run.stride;
    for (const {name, kind, points} of run.series) {
      const before = (this.series.get(name)?.points ?? []).filter(([step]) => step <= since);
      this.series.set(name, {name, kind, points: [...before, ...points]});
    }
    return run;
  }

  // Whether another run is in the folder than was drawn.
  beginsAnew({started, step}) {
    return started !== this.run?.started || step < this.run.step;
  }

  since() {
    const ends = [...this.series.values()].filter(({kind}) => kind !== 'test').map(({points}) => points.at(-2)?.[0] ?? 0);
    return ends.length ? Math.max(0, Math.min(...ends)) : 0;
  }

  // --------------------------------------------------------------------- draw

  draw(run) {
    const before = this.run;
    this.run = run;
    fill(this.head, h('div.card-head', h('h2', run.name), badge(run.state)),
      h('div.meter', figure(stepText(run), 'Steps'), figure(run.started ? agoText(run.started) : '–', 'Begun'),
        figure(run.modified ? agoText(run.modified) : '–', 'Last written'),
        this.lastValues().map(([value, name]) => figure(value, name))),
      run.steps && h('progress.progress.run-bar', {max: run.steps, value: Math.min(run.step, run.steps), 'aria-label': 'Steps done'}),
      run.warnings.map((text) => h('p.notice.warning', text)));
    const groups = new Map(CHARTS.map(([kind]) => [kind, []]));
    for (const series of this.series.values()) groups.get(groupOf(series)).push(series);
    for (const [kind, chart] of this.charts) {
      const group = groups.get(kind);
      chart.element.hidden = !group.some(({points}) => points.length);
      chart.set(group);
    }
    this.drawPictures(run);
    this.drawMore(run);
    if (before && before.state !== run.state) this.onchanged();
  }

  lastValues() {
    const total = this.series.get('total')?.points.at(-1);
    const seconds = this.series.get('seconds')?.points.at(-1);
    return [total && [String(Number(total[1].toPrecision(4))), 'Total loss'], seconds && [`${seconds[1].toPrecision(3)} s`, 'A step']].filter(Boolean);
  }

  drawPictures({started, pictures}) {
    const drawn = [started, ...pictures].join();
    if (drawn === this.drawnPictures) return;
    this.drawnPictures = drawn;
    const before = Number(this.slider?.input.value ?? 0);
    // Of many pictures the first are left out as more come.
    const place = pictures.indexOf(this.pictures[before - 1]) + 1 || before;
    // A run that begins anew has fewer pictures, and none at first.
    const chosen = before === this.pictures.length ? pictures.length : Math.min(place, pictures.length);
    this.pictures = pictures;
    this.strip.hidden = !pictures.length;
    if (!pictures.length) return;
    this.image ??= h('img.run-strip', {alt: '', tabindex: 0});
    this.slider = range('Picture', {min: 1, max: pictures.length, step: 1, value: chosen, format: (number) => `${number} of ${pictures.length}`,
      oninput: (number) => this.showStrip(number)});
    fill(this.strip, h('div.card-head', h('h2', 'Pictures')), h('div.stack.tight', h('div.scroll-x.run-strip-frame', this.image),
      h('div.run-strip-bar', this.slider.element)));
    this.showStrip(chosen);
  }

  showStrip(number) {
    const name = this.pictures[number - 1];
    this.image.alt = name.replace('.png', '').replace('epoch-', 'Epoch ').replace(/ 0+/, ' ');
    showPicture(this.image, this.api, picturePath(this.run, name));
  }

  // A run writes its page after each epoch: it is read when it is opened, and
  // again when the run has ended or begins anew. What is open stays open.
  drawMore({has_page: hasPage, settings, started, state}) {
    const page = hasPage && `${started} ${state}`;
    if (page !== this.page) {
      this.page = page;
      const open = this.pagePlace.firstChild?.open;
      fill(this.pagePlace, hasPage && this.pagePart(open));
    }
    if (settings !== this.settings) {
      this.settings = settings;
      const open = this.configPlace.firstChild?.open;
      fill(this.configPlace, settings && h('details.more', {open}, h('summary', 'Config'), codeBlock(settings, 'config')));
    }
    this.more.hidden = !hasPage && !settings;
  }

  pagePart(open) {
    const place = h('div');
    const page = h('details.more', {open, ontoggle: () => {
      if (page.open) loadInto(place, h('div.skeleton.run-page'), () => runPageFrame(this.api, this.run));
    }}, h('summary', 'Page of the run'), place);
    return page;
  }
}

// The chart of a series.
function groupOf({name, kind}) {
  if (name === 'learning_rate') return 'rate';
  if (name === 'fit_residual') return 'residual';
  if (name === 'data_share') return 'waiting';
  return kind === 'training' && name.startsWith('gradient_') ? 'gradient' : kind;
}

function badge(state) {
  const [kind, text] = STATES[state] ?? ['', state];
  return h(kind ? `span.badge.${kind}` : 'span.badge', text);
}

const figure = (value, name) => h('div.figure', h('b', value), h('span', name));
const stepText = ({step, steps}) => (steps ? `${step} of ${steps}` : `${step}`);
