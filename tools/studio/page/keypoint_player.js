// Keypoints of a video as numbered sets, drawn over it while it plays.

import {ApiError} from './api.js';
import {fill, h} from './dom.js';
import {LARGEST_PLAYED} from './media_input.js';
import {colourOfSet} from './sets.js';
import {chips, icon, showPicture, toggle, unload} from './ui.js';

const PREVIEW_SIDE = 640;
const TRAIL = 16;  // frames

export class KeypointPlayer {
  // keypoints: of the API. driving: facts of what they were found in, or null
  // where it is not there any more; motion files have no pictures. modelSize:
  // pixels of a side of what the model sees.
  constructor(api, keypoints, driving, modelSize) {
    this.api = api;
    this.fps = keypoints.fps || 25;
    this.frames = keypoints.frames;
    // In seconds. Jobs of earlier versions tell none.
    this.times = keypoints.times ?? this.frames.map((_, i) => i / this.fps);
    // Seconds by which a time of the video may be early: containers round them,
    // some to milliseconds; by a rate alone the nearest frame is the best guess.
    this.tolerance = keypoints.times ? 0.001 : 0.5 / this.fps;
    this.seconds = this.times.at(-1) + 1 / this.fps;
    this.sets = keypoints.sets;
    this.driving = driving?.kind === 'video' ? driving : null;
    this.modelSize = modelSize;
    this.hasVideo = false;  // the browser has shown a frame of it
    // Of the video's clock at its first frame, in seconds: the clock counts from
    // the beginning of the file, where sound may come before the picture.
    this.firstTime = 0;
    this.frame = 0;
    this.hidden = new Set();
    this.trails = false;
    this.build();
    this.observer = new ResizeObserver(() => this.resize());
    this.observer.observe(this.place);
    if (this.driving?.bytes <= LARGEST_PLAYED && 'requestVideoFrameCallback' in this.video) this.loadVideo();
    this.seek(0);
  }

  build() {
    const last = this.frames.length - 1;
    this.picture = h('img', {alt: ''});
    this.video = h('video', {muted: true, loop: true, playsinline: true, hidden: true, 'aria-hidden': 'true'});
    this.canvas = h('canvas', {role: 'img'});
    this.place = h('div.frame.result-frame', this.picture, this.video, this.canvas);
    if (this.driving) this.place.style.aspectRatio = `${this.driving.width} / ${this.driving.height}`;
    this.playButton = h('button.button.icon-only', {type: 'button', onclick: () => this.toggle()});
    this.slider = h('input.range', {type: 'range', min: 0, max: last, value: 0, 'aria-label': 'Frame',
      oninput: () => { this.pause(); this.seek(Number(this.slider.value)); }});
    this.shown = h('output.range-value');
    const sets = chips('Keypoint sets', this.sets.map(({number, name}) => [String(number), name ? `${number} ${name}` : `Set ${number}`]),
      this.sets.map(({number}) => String(number)), (values) => this.showSets(values));
    for (const label of sets.querySelectorAll('label')) {
      label.prepend(h('span.swatch', {style: {background: colourOfSet(Number(label.firstChild.value)), 'margin-right': '6px'}}));
    }
    this.element = h('div.stack', this.place,
      h('div.player-bar', this.playButton, this.slider, this.shown), sets,
      h('div.row.wide-gaps', this.driving && toggle('Video', true, (on) => this.place.classList.toggle('without-picture', !on)),
        toggle('Trails', false, (on) => { this.trails = on; this.draw(); })));
    this.markPlaying();
  }

  // ----------------------------------------------------------------- playing

  async loadVideo() {
    try {
      const bytes = await this.api.blob(`uploads/${this.driving.id}/content`);
      if (this.closed) return;
      this.address = URL.createObjectURL(new Blob([bytes], {type: 'video/mp4'}));
      this.video.onloadeddata = () => { this.video.hidden = false; };
      this.followVideo();
      this.video.src = this.address;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
    }
  }

  // The video's own clock says which keypoints are due.
  followVideo() {
    const step = (_, {mediaTime}) => {
      if (this.playing) this.showFrame(this.frameOfVideo(mediaTime));
      this.video.requestVideoFrameCallback(step);
    };
    this.video.requestVideoFrameCallback((_, {mediaTime}) => {
      this.firstTime = mediaTime;
      this.hasVideo = true;
      this.seek(this.frame);
      if (this.playing) this.playVideo();
      this.video.requestVideoFrameCallback(step);
    });
  }

  toggle() {
    if (this.playing) this.pause();
    else this.play();
  }

  play() {
    this.playing = true;
    this.markPlaying();
    if (this.hasVideo) this.playVideo();
    else this.playPictures();
  }

  // A pause may come before it has begun.
  playVideo() {
    this.video.play().catch(() => {});
  }

  // By the clock, until there is a video, which goes on from there.
  playPictures() {
    const start = performance.now() - 1000 * this.times[this.frame];
    const step = (now) => {
      if (!this.playing || this.hasVideo) return;
      this.showFrame(this.frameAt(((now - start) / 1000) % this.seconds));
      requestAnimationFrame(step);
    };
    requestAnimationFrame(step);
  }

  pause() {
    if (!this.playing) return;
    this.playing = false;
    this.video.pause();
    this.markPlaying();
    this.seek(this.frame);
  }

  markPlaying() {
    const text = this.playing ? 'Pause' : 'Play';
    this.playButton.setAttribute('aria-label', text);
    fill(this.playButton, icon(this.playing ? 'pause' : 'play'));
  }

  // The one that is shown then.
  frameAt(seconds) {
    return this.times.findLastIndex((time) => time <= seconds);
  }

  frameOfVideo(mediaTime) {
    return this.frameAt(mediaTime - this.firstTime + this.tolerance);
  }

  seek(frame) {
    if (this.hasVideo) this.video.currentTime = this.firstTime + (this.times[frame] + (this.times[frame + 1] ?? this.seconds)) / 2;
    this.showFrame(frame);
  }

  showFrame(frame) {
    this.frame = Math.min(Math.max(frame, 0), this.frames.length - 1);
    this.slider.value = this.frame;
    const text = `${this.frame + 1} of ${this.frames.length}`;
    this.slider.setAttribute('aria-valuetext', `Frame ${text}`);
    this.shown.value = text;
    if (this.driving && !this.hasVideo) this.showPreview();
    this.draw();
  }

  // Of a video that the browser cannot play: as many frames as come in time.
  async showPreview() {
    if (this.fetching) return;
    this.fetching = true;
    const {frame} = this;
    await showPicture(this.picture, this.api, `uploads/${this.driving.id}/preview?frame=${frame}&side=${PREVIEW_SIDE}`);
    this.fetching = false;
    if (frame !== this.frame) this.showPreview();
  }

  close() {
    this.playing = false;
    this.closed = true;
    this.observer.disconnect();
    unload(this.video);
    if (this.address) URL.revokeObjectURL(this.address);
  }

  // ----------------------------------------------------------------- drawing

  showSets(values) {
    this.hidden = new Set(this.sets.map(({number}) => number).filter((number) => !values.includes(String(number))));
    this.draw();
  }

  resize() {
    const {width, height} = this.place.getBoundingClientRect();
    this.canvas.width = Math.round(width * devicePixelRatio);
    this.canvas.height = Math.round(height * devicePixelRatio);
    this.draw();
  }

  // Pixels of the canvas of a keypoint: the model sees the largest centred
  // square, -1 and 1 being the centres of its first and last pixel.
  pixelOf([x, y]) {
    const {width, height} = this.driving ?? {width: 1, height: 1};
    const scale = Math.min(this.canvas.width / width, this.canvas.height / height);
    const side = Math.min(width, height) * scale;
    const share = (value) => (((value + 1) / 2) * (this.modelSize - 1) + 0.5) / this.modelSize - 0.5;
    return [this.canvas.width / 2 + share(x) * side, this.canvas.height / 2 + share(y) * side];
  }

  draw() {
    const context = this.canvas.getContext('2d');
    context.clearRect(0, 0, this.canvas.width, this.canvas.height);
    const radius = Math.max(3 * devicePixelRatio, Math.min(this.canvas.width, this.canvas.height) / 90);
    this.frames[this.frame].forEach((keypoints, i) => {
      const {number} = this.sets[i];
      if (this.hidden.has(number)) return;
      if (this.trails) this.drawTrail(context, i, colourOfSet(number), radius);
      drawSet(context, keypoints.map((point) => this.pixelOf(point)), number, radius);
    });
    this.canvas.setAttribute('aria-label', `Keypoints of frame ${this.frame + 1}: ${this.sets.length - this.hidden.size} sets are shown`);
  }

  drawTrail(context, set, colour, radius) {
    context.strokeStyle = colour;
    context.lineWidth = radius / 2;
    context.lineJoin = 'round';
    context.beginPath();
    for (let frame = Math.max(0, this.frame - TRAIL); frame <= this.frame; ++frame) {
      context.lineTo(...mean(this.frames[frame][set].map((point) => this.pixelOf(point))));
    }
    context.stroke();
  }
}

function drawSet(context, points, number, radius) {
  const colour = colourOfSet(number);
  const middle = mean(points);
  for (const [style, width] of [['rgb(0 0 0 / 60%)', radius * 0.9], [colour, radius * 0.45]]) {
    context.strokeStyle = style;
    context.lineWidth = width;
    context.beginPath();
    for (const point of points) {
      context.moveTo(...middle);
      context.lineTo(...point);
    }
    context.stroke();
  }
  for (const point of points) {
    context.beginPath();
    context.arc(...point, radius, 0, 2 * Math.PI);
    context.fillStyle = colour;
    context.strokeStyle = '#000';
    context.lineWidth = radius / 4;
    context.fill();
    context.stroke();
  }
  context.font = `650 ${Math.max(radius * 3, 14 * devicePixelRatio)}px system-ui, sans-serif`;
  context.textAlign = 'center';
  context.textBaseline = 'middle';
  context.lineWidth = radius * 0.8;
  context.lineJoin = 'round';
  context.strokeStyle = '#000';
  context.fillStyle = '#fff';
  context.strokeText(number, ...middle);
  context.fillText(number, ...middle);
}

function mean(points) {
  const sum = points.reduce(([x, y], [px, py]) => [x + px, y + py], [0, 0]);
  return sum.map((value) => value / points.length);
}
