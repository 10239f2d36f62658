// One job as it runs and what it made: bar, newest frame, player, downloads,
// the command line that does the same.

import {ApiError, secondsText} from './api.js';
import {fill, h} from './dom.js';
import {knownName} from './names.js';
import {codeBlock, errorNotice, icon, likesLessMotion, saveBlob, toast, unload} from './ui.js';

const ENDED = new Set(['done', 'failed', 'cancelled', 'interrupted']);
const SAY_EVERY_MS = 5000;
const FORMAT_NAMES = {mp4: 'MP4', gif: 'GIF', webm: 'WebM', png: 'PNGs', motion: 'Motion file'};
const STAGES = {
  loading: 'Loading the checkpoint', preparing: 'Preparing the still', animating: 'Animating',
  detecting: 'Finding keypoints', encoding: 'Writing the video',
};
const ENDS = {
  cancelled: ['Cancelled', 'The job was cancelled before it had ended.'],
  interrupted: ['Interrupted', 'Studio ended before this job did. Start it again.'],
};

export const hasEnded = (job) => ENDED.has(job.state);

export class JobView {
  // onended(job) when a followed job ends; again(job) starts the same job again.
  constructor(api, {onended = () => {}, again}) {
    this.api = api;
    this.onended = onended;
    this.again = again;
    this.picture = h('img', {alt: 'Newest frame', hidden: true});
    this.video = h('video', {controls: true, loop: true, muted: true, playsinline: true, 'aria-label': 'Result', hidden: true});
    this.cover = h('div.cover');
    this.frame = h('div.frame.result-frame', this.picture, this.video, this.cover);
    this.state = h('div.stack');
    this.said = h('p.visually-hidden', {role: 'status', 'aria-live': 'polite'});
    this.element = h('div.stack', this.frame, this.state, this.said);
    document.addEventListener('visibilitychange', () => this.changedVisibility());
  }

  // ------------------------------------------------------------------ follow

  // Shows the job and follows it until it has ended.
  async open(id) {
    this.close();
    this.id = id;
    this.lastSaid = 0;
    this.showWaiting('Loading');
    await this.follow(id);
  }

  // Not in a tab that is hidden: all tabs of a browser share six connections to
  // the server, and a stream of events keeps one.
  async follow(id) {
    this.following = new AbortController();
    const {signal} = this.following;
    try {
      const job = await this.api.get(`jobs/${id}`, {signal});
      this.show(job);
      if (!hasEnded(job) && !document.hidden) {
        await this.api.follow(`jobs/${id}/events`, {job: (next) => this.show(next), frame: () => this.showNewest(id)}, () => this.ended, signal);
      }
    } catch (error) {
      if (signal.aborted) return;
      this.bar = null;  // made anew where the job is found again
      fill(this.cover);
      fill(this.state, errorNotice(error, () => this.open(id)));
    }
  }

  changedVisibility() {
    if (!this.id || this.ended) return;
    this.following.abort();
    if (!document.hidden) this.follow(this.id);
  }

  close() {
    this.following?.abort();
    this.id = null;
    this.job = null;
    this.ended = false;
    this.video.hidden = true;
    this.video.onerror = null;
    unload(this.video);
    this.picture.hidden = true;
    this.bar = null;
    for (const name of ['videoAddress', 'pictureAddress']) {
      if (this[name]) URL.revokeObjectURL(this[name]);
      this[name] = null;
    }
  }

  show(job) {
    if (job.id !== this.id || this.ended) return;
    const before = this.job;
    this.job = job;
    this.reservePlace(job);
    if (!hasEnded(job)) {
      this.showRunning(job);
      return;
    }
    this.ended = true;
    this.bar = null;
    if (job.state === 'done') this.showDone(job);
    else this.showFailed(job);
    if (before) this.onended(job);
  }

  // The frame has its shape before the first picture comes.
  reservePlace({request, frame_width: width, frame_height: height}) {
    const panels = request.panels?.length || 1;
    const [across, down] = width && height ? [width, height] : [panels, 1];
    this.frame.style.aspectRatio = `${across} / ${down}`;
  }

  // ----------------------------------------------------------------- running

  showWaiting(text) {
    fill(this.cover, h('p.row.soft', h('span.spinner'), text));
    fill(this.state);
  }

  showRunning(job) {
    if (!this.bar) this.buildRunning();
    const {stage, done, total, per_second: speed, seconds_left: left} = job.progress;
    const waiting = job.state === 'queued';
    this.stage.textContent = waiting ? queueText(job.position) : STAGES[stage] ?? 'Starting';
    if (total && done) {
      this.bar.max = total;
      this.bar.value = done;
    } else {
      this.bar.removeAttribute('value');
    }
    this.figures.frames.textContent = total ? `${done} of ${total}` : done || '–';
    this.figures.speed.textContent = speed ? speed.toFixed(speed < 10 ? 1 : 0) : '–';
    this.figures.left.textContent = left === null || left === undefined ? '–' : secondsText(left);
    if (this.picture.hidden) fill(this.cover, h('p.row.soft', h('span.spinner'), this.stage.textContent));
    this.say(job);
  }

  buildRunning() {
    this.bar = h('progress.progress', {'aria-label': 'Progress of the job'});
    this.stage = h('span');
    this.figures = {frames: h('b'), speed: h('b'), left: h('b')};
    const figure = (value, name) => h('div.figure', value, h('span', name));
    fill(this.state, h('div.row.spread', this.stage, this.cancelButton()), this.bar,
      h('div.meter', figure(this.figures.frames, 'frames'), figure(this.figures.speed, 'frames a second'), figure(this.figures.left, 'time left')));
  }

  cancelButton() {
    const button = h('button.button.slim', {type: 'button', onclick: async () => {
      button.disabled = true;
      try {
        this.show(await this.api.post(`jobs/${this.id}/cancel`));
      } catch (error) {
        button.disabled = false;
        toast(error.message);
      }
    }}, icon('stop'), 'Cancel');
    return button;
  }

  // For readers of the screen, seldom enough to be heard.
  say(job) {
    const {done, total, seconds_left: left} = job.progress;
    if (Date.now() - this.lastSaid < SAY_EVERY_MS || job.state !== 'running' || !total) return;
    this.lastSaid = Date.now();
    this.said.textContent = `${Math.round((100 * done) / total)} percent${left ? `, ${secondsText(left)} left` : ''}`;
  }

  async showNewest(id) {
    if (this.fetching || this.ended) return;
    this.fetching = true;
    try {
      const blob = await this.api.blob(`jobs/${id}/frame?index=latest`, {signal: this.following.signal});
      // Empty: the job has ended meanwhile.
      if (blob.size > 0) await this.putPicture(id, blob);
    } catch {
      // The next one may come; that the server is gone, the shell says.
    } finally {
      this.fetching = false;
    }
  }

  async putPicture(id, blob) {
    const address = URL.createObjectURL(blob);
    const next = new Image();
    next.src = address;
    const isGood = await next.decode().then(() => true, () => false);
    if (!isGood || id !== this.id || !this.video.hidden) {
      URL.revokeObjectURL(address);
      return;
    }
    this.picture.src = address;
    this.picture.hidden = false;
    fill(this.cover);
    if (this.pictureAddress) URL.revokeObjectURL(this.pictureAddress);
    this.pictureAddress = address;
  }

  // ------------------------------------------------------------------- ended

  showDone(job) {
    this.said.textContent = 'The job is done.';
    fill(this.state, job.warnings.length > 0 && h('div.notice.warning', job.warnings.map((text) => h('p', text))),
      h('div.row', h('p.small.soft.number.grow', doneText(job)), this.againButton(job)),
      h('div.row', {role: 'group', 'aria-label': 'Download'}, job.results.map((format) => this.downloadButton(job, format))),
      commandPart(job));
    this.showResult(job);
  }

  // In the frame. Other types of jobs have their own.
  showResult(job) {
    this.play(job);
  }

  async play(job) {
    // Another job may be opened meanwhile, or this one again.
    const {signal} = this.following;
    if (this.picture.hidden) fill(this.cover, h('p.row.soft', h('span.spinner'), 'Loading the video'));
    try {
      const blob = await this.api.blob(`jobs/${job.id}/result?format=mp4`, {signal});
      if (signal.aborted) return;
      this.videoAddress = URL.createObjectURL(blob);
      this.video.onloadeddata = () => {
        this.video.hidden = false;
        this.picture.hidden = true;
        fill(this.cover);
        if (!likesLessMotion()) this.video.play().catch(() => {});
      };
      this.video.onerror = () => {
        fill(this.cover, h('p.small.soft', 'This browser cannot play the video. The downloads below can be opened by other programs.'));
      };
      this.video.src = this.videoAddress;
    } catch (error) {
      if (!signal.aborted) fill(this.cover, errorNotice(error, () => this.play(job)));
    }
  }

  showFailed(job) {
    fill(this.cover);
    const [title, text] = ENDS[job.state] ?? ['The job failed', ''];
    this.said.textContent = title;
    fill(this.state, job.state === 'failed'
      ? h('div.notice.error', {role: 'alert'}, h('h3', job.error?.message ?? title))
      : h('div.notice', h('h3', title), h('p', text)),
    h('div.row', this.againButton(job)), commandPart(job));
    if (this.picture.hidden) fill(this.cover, icon('warning'), h('p.small.soft', 'No picture was made.'));
  }

  againButton(job) {
    return this.again && h('button.button.slim', {type: 'button', onclick: () => this.again(job)}, icon('reset'), 'Use these settings');
  }

  downloadButton(job, format) {
    const name = FORMAT_NAMES[format] ?? format;
    const button = h('button.button', {type: 'button', 'data-format': format, 'aria-label': `Download ${name}`, onclick: async () => {
      button.disabled = true;
      fill(button, h('span.spinner'), name);
      try {
        await download(this.api, `jobs/${job.id}/result?format=${format}`, `animation.${format === 'png' ? 'zip' : format}`);
      } catch (error) {
        if (!(error instanceof ApiError)) throw error;
        toast(`${error.message} ${error.advice}`);
      } finally {
        button.disabled = false;
        fill(button, icon('download'), name);
      }
    }}, icon('download'), name);
    return button;
  }
}

export async function download(api, path, fallbackName) {
  let name;
  const blob = await api.read(path, (response) => {
    [, name = fallbackName] = /filename="([^"]+)"/.exec(response.headers.get('Content-Disposition') ?? '') ?? [];
    return response.blob();
  });
  saveBlob(blob, name);
}

const commandPart = (job) => job.command && h('div.stack.tight', h('h3.small', 'The same by a command'), codeBlock(withNames(job), 'command'));

// The server's command has uploads by their ids; here the files have names.
function withNames({command, request}) {
  return [request.source, request.driving].reduce((text, id) => {
    const name = knownName(id);
    return name ? text.replace(new RegExp(`--(source|driving)=${id}(?= )`, 'g'), (flag, field) => quoted(`--${field}=${name}`)) : text;
  }, command);
}

// For a shell.
const quoted = (word) => (/^[\w./,:+@%=-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`);

function queueText(position) {
  if (position <= 1) return 'Waiting: next in the queue';
  return `Waiting: ${position - 1} ${position === 2 ? 'job' : 'jobs'} before it`;
}

function doneText(job) {
  const seconds = (Date.parse(job.ended) - Date.parse(job.started)) / 1000;
  return [`${job.frames} frames`, job.frame_width && `${job.frame_width} × ${job.frame_height}`,
    job.alpha && 'transparent in WebM and PNGs', `made in ${secondsText(seconds)}`]
    .filter(Boolean).join(', ');
}
