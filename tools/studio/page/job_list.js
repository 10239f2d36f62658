// The jobs of one type, the newest first, and a page of them.

import {agoText, diskText} from './api.js';
import {fill, h, refill} from './dom.js';
import {hasEnded} from './job_view.js';
import {nameOf} from './names.js';
import {bringIntoView, emptyState, icon, showThumb, toast} from './ui.js';

// A job that is cancelled has 5 seconds to end by itself.
const END_TRIES = 60;
const TRY_EVERY_MS = 250;

const STATES = {
  queued: ['Waiting', ''], running: ['Running', 'is-running'], done: ['Done', 'is-done'], failed: ['Failed', 'is-failed'],
  cancelled: ['Cancelled', ''], interrupted: ['Interrupted', ''],
};

export class JobList {
  // page: of the address of a job, #PAGE/ID. onremoved(id).
  constructor(api, {type, page, empty, onremoved = () => {}}) {
    this.api = api;
    this.type = type;
    this.page = page;
    this.empty = empty;
    this.onremoved = onremoved;
    this.list = h('ul.list');
    this.jobs = h('div', this.list);
    this.disk = h('p.hint.number');
    this.element = h('div.stack', {tabindex: -1}, this.jobs, this.disk);
    this.shown = '';
    this.parts = new Map();  // id of a job -> the line below its title, its button
    this.removing = new Set();  // ids of jobs
    api.addEventListener('jobs', () => this.show());
    api.addEventListener('disk', () => this.showDisk());
    if (api.jobs) this.show();
    else fill(this.list, [0, 1].map(() => h('li.skeleton.job-skeleton')));
  }

  // The id of the job that runs, which the address names then, or '' without
  // one; null where something else is shown since.
  async openRunning() {
    const {hash} = location;
    const jobs = this.api.jobs ?? await this.api.refreshJobs();
    if (location.hash !== hash) return null;
    const running = jobs.find(({type, state}) => type === this.type && state === 'running');
    if (running) history.replaceState(null, '', `#${this.page}/${running.id}`);
    return running?.id ?? '';
  }

  select(id) {
    this.current = id;
    this.show();
  }

  show() {
    const jobs = (this.api.jobs ?? []).filter((job) => job.type === this.type);
    const key = JSON.stringify([this.current, jobs.map((job) => [job.id, job.state])]);
    if (!this.api.jobs) return;
    if (key !== this.shown) {
      this.shown = key;
      this.showItems(jobs);
      this.showDisk();
    }
    for (const job of jobs) {
      const {sub, button} = this.parts.get(job.id);
      sub.textContent = subOf(job);
      button.disabled = this.removing.has(job.id);
    }
  }

  showItems(jobs) {
    this.parts.clear();
    refill(this.list, jobs.map((job) => this.item(job)));
    if (!jobs.length) fill(this.jobs, emptyState('film', ...this.empty));
    else if (!this.jobs.contains(this.list)) fill(this.jobs, this.list);
  }

  async showDisk() {
    try {
      const {disk} = await this.api.getSoon('system');
      fill(this.disk, diskText(disk));
    } catch {
      // The shell says that the server does not answer.
    }
  }

  item(job) {
    const [state, tone] = STATES[job.state] ?? [job.state, ''];
    const picture = job.request.driving.startsWith('job:') && job.state !== 'done' ? icon('motion') : h('img', {alt: ''});
    if (job.state === 'done' && job.type === 'animate') showThumb(picture, this.api, `jobs/${job.id}/frame?index=0`);
    else if (picture.tagName === 'IMG') showThumb(picture, this.api, `uploads/${job.request.driving}/preview?frame=0&side=96`);
    const sub = h('span.sub.number');
    const button = h('button.button.quiet.slim.icon-only', {type: 'button', 'data-key': `delete ${job.id}`, 'aria-label': `Delete the job ${titleOf(job)}`, title: 'Delete',
      onclick: () => this.remove(job)}, icon('trash'));
    this.parts.set(job.id, {sub, button});
    return h('li.job',
      h('a.item', {href: `#${this.page}/${job.id}`, 'aria-current': job.id === this.current && 'true', 'data-key': job.id},
        h('span.picture', picture),
        h('span', h('span.title', titleOf(job)), sub),
        h(tone ? `span.badge.${tone}` : 'span.badge', state)),
      job.state !== 'running' && button);
  }

  async remove(job) {
    if (this.removing.has(job.id)) return;
    const index = [...this.list.children].findIndex((item) => item.contains(document.activeElement));
    this.removing.add(job.id);
    this.show();
    try {
      if (job.state === 'queued') await this.cancel(job);
      await this.api.remove(`jobs/${job.id}`);
      this.onremoved(job.id);
      toast(`Deleted ${titleOf(job)}.`);
    } catch (error) {
      toast(error.message);
    }
    await this.api.refreshJobs();
    this.removing.delete(job.id);
    this.show();
    if (index >= 0 && document.activeElement === document.body) this.focusItem(index);
  }

  // Until it has ended: it may have begun since the list was read, and none is
  // deleted while it runs.
  async cancel({id}) {
    let job = await this.api.post(`jobs/${id}/cancel`);
    for (let tries = 0; tries < END_TRIES && !hasEnded(job); ++tries) {
      await new Promise((resolve) => setTimeout(resolve, TRY_EVERY_MS));
      job = await this.api.get(`jobs/${id}`);
    }
  }

  // Or the last one, or the list itself where it is empty.
  focusItem(index) {
    const item = [...this.list.children].slice(0, index + 1).at(-1);
    (item?.querySelector('a') ?? this.element).focus({preventScroll: true});
  }
}

// A page with a form, the job that is open and the list of all. What extends it
// has `view`, `result` (the card around it), `heading` (of the card), `list`,
// `bundled` once its form is there, offerMedia(uploads), and nothing(), which
// the card shows without a job.
export class JobPage {
  // The job that the address names; else the one that runs.
  async show(id) {
    this.refreshOffers();
    id ||= await this.list.openRunning();
    if (id === null) return;
    this.list.select(id);
    if (!id) {
      this.view.close();
      this.showNothing();
    } else if (id !== this.view.id) {
      this.fillResult(this.view.element);
      this.view.open(id);
      if (this.visited) bringIntoView(this.result);
    }
    this.visited = true;
  }

  showNothing() {
    this.fillResult(h('div.frame.result-frame', h('div.cover', this.nothing())));
  }

  fillResult(element) {
    fill(this.result, h('div.card-head', h('h2', this.heading)), element);
  }

  forget(id) {
    if (id === this.view.id) location.hash = `#${this.list.page}`;
  }

  // Other pages and tabs add uploads and motion files, too.
  async refreshOffers() {
    if (!this.bundled) return;
    try {
      this.offerMedia(await this.api.get('uploads'));
    } catch {
      // The shell says that the server does not answer.
    }
  }
}

export function titleOf({type, request}) {
  const driving = nameOf(request.driving);
  return type === 'animate' ? `${nameOf(request.source)} by ${driving}` : driving;
}

function subOf(job) {
  const {done, total} = job.progress;
  const amount = job.state === 'running' && total ? `${done} of ${total} frames` : job.frames ? `${job.frames} frames` : '';
  return [amount, agoText(job.created)].filter(Boolean).join(', ');
}
