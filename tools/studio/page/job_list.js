// The jobs of one type, the newest first.

import {agoText, bytesText} from './api.js';
import {fill, h, refill} from './dom.js';
import {nameOf} from './names.js';
import {emptyState, icon, showThumb, toast} from './ui.js';

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
    this.subs = new Map();  // id of a job -> the line below its title
    api.addEventListener('jobs', () => this.show());
    if (api.jobs) this.show();
    else fill(this.list, [0, 1].map(() => h('li.skeleton.job-skeleton')));
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
    for (const job of jobs) this.subs.get(job.id).textContent = subOf(job);
  }

  showItems(jobs) {
    this.subs.clear();
    refill(this.list, jobs.map((job) => this.item(job)));
    if (!jobs.length) fill(this.jobs, emptyState('film', ...this.empty));
    else if (!this.jobs.contains(this.list)) fill(this.jobs, this.list);
  }

  async showDisk() {
    try {
      const {disk} = await this.api.get('system');
      fill(this.disk, `Uploads and jobs use ${bytesText(disk.used)} of ${bytesText(disk.quota)}.`);
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
    this.subs.set(job.id, sub);
    return h('li.job',
      h('a.item', {href: `#${this.page}/${job.id}`, 'aria-current': job.id === this.current && 'true', 'data-key': job.id},
        h('span.picture', picture),
        h('span', h('span.title', titleOf(job)), sub),
        h(tone ? `span.badge.${tone}` : 'span.badge', state)),
      job.state !== 'running' && h('button.button.quiet.slim.icon-only', {type: 'button', 'data-key': `delete ${job.id}`, 'aria-label': `Delete the job ${titleOf(job)}`, title: 'Delete',
        onclick: () => this.remove(job)}, icon('trash')));
  }

  async remove(job) {
    const index = [...this.list.children].findIndex((item) => item.contains(document.activeElement));
    try {
      if (job.state === 'queued') await this.api.post(`jobs/${job.id}/cancel`);
      await this.api.remove(`jobs/${job.id}`);
      this.onremoved(job.id);
      toast(`Deleted ${titleOf(job)}.`);
    } catch (error) {
      toast(error.message);
    }
    await this.api.refreshJobs().catch(() => {});  // the shell says it
    if (index >= 0 && document.activeElement === document.body) this.focusItem(index);
  }

  // Or the last one, or the list itself where it is empty.
  focusItem(index) {
    const item = [...this.list.children].slice(0, index + 1).at(-1);
    (item?.querySelector('a') ?? this.element).focus({preventScroll: true});
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
