// Where a still, a video or a motion file goes in: drop it, choose it, take it
// by the camera, or take a bundled or earlier one.

import {ApiError, bytesText, secondsText} from './api.js';
import {hasCamera, takeFromCamera} from './camera.js';
import {fill, h, refill, uniqueId} from './dom.js';
import {nameOf, rememberName} from './names.js';
import {errorNotice, icon, showPicture, showThumb, unload} from './ui.js';

const MOTION_ENDING = '.safetensors';
export const LARGEST_PLAYED = 64e6;  // bytes; longer videos show frames alone
const PREVIEW_SIDE = 512;
const THUMB_SIDE = 96;

const VIDEO_FILES = 'video/*,.mkv,.gif,.webp,.apng';
const KINDS = {
  image: {
    accept: 'image/*', drop: 'Drop a picture here', icon: 'image', camera: 'Take a picture',
  },
  video: {
    accept: VIDEO_FILES, drop: 'Drop a video here', icon: 'film', camera: 'Record a video',
  },
};
const VIDEO_OR_MOTION = {
  ...KINDS.video, accept: `${VIDEO_FILES},${MOTION_ENDING}`, drop: 'Drop a video or a motion file here',
};

export class MediaInput {
  // kind: 'image' or 'video'. takesMotion: takes motion files in place of a
  // video, too. onchange(facts) when another one is chosen, null when none is.
  constructor(api, {kind, title, takesMotion = false, onchange}) {
    this.api = api;
    this.kind = kind;
    this.takesMotion = takesMotion;
    this.words = takesMotion ? VIDEO_OR_MOTION : KINDS[kind];
    this.onchange = onchange;
    this.value = null;
    this.sending = null;  // the upload that is shown while it is sent
    this.removing = new Set();  // ids of uploads
    this.offered = [];
    const {words} = this;
    const titleId = uniqueId('media');
    this.facts = h('span.soft.small.number.media-facts');
    this.file = h('input.visually-hidden', {type: 'file', accept: words.accept, tabindex: -1, 'aria-labelledby': titleId,
      onchange: () => this.upload(this.file.files[0])});
    this.picture = h('img', {alt: '', hidden: true});
    this.video = h('video', {muted: true, loop: true, playsinline: true, hidden: true, 'aria-label': title});
    this.playButton = h('button.button.slim.icon-only.media-play', {type: 'button', hidden: true, onclick: () => this.togglePlay()});
    this.video.onerror = () => this.hideVideo();
    for (const name of ['play', 'pause']) this.video.addEventListener(name, () => this.markPlaying());
    this.overlay = h('div.media-overlay');
    this.cover = h('div.cover');
    this.frame = h('div.frame.drop', this.picture, this.video, this.overlay, this.cover, this.playButton);
    this.thumbs = h('div.thumbs', {role: 'group', 'aria-label': `${title}: bundled and earlier ones`});
    this.problem = h('div');
    this.deleteButton = h('button.button.slim.icon-only', {type: 'button', 'aria-label': 'Delete this upload', title: 'Delete this upload',
      hidden: true, onclick: () => this.removeUpload()}, icon('trash'));
    this.chooseButton = h('button.button.slim', {type: 'button', onclick: () => this.file.click()}, icon('upload'), 'Choose', h('span.wide-only', 'a file'));
    this.element = h('section.media.stack.tight', {'aria-labelledby': titleId},
      h('div.row.spread', h('h3', {id: titleId}, title), this.facts),
      this.frame, this.thumbs,
      h('div.row.media-actions',
        this.chooseButton,
        hasCamera() && h('button.button.slim.icon-only', {type: 'button', 'aria-label': words.camera, title: words.camera,
          onclick: () => this.fromCamera()}, icon('camera')),
        this.deleteButton),
      this.file, this.problem);
    this.takeDrops();
    this.showEmpty();
  }

  takeDrops() {
    const {frame} = this;
    let depth = 0;
    const over = (change) => {
      depth = Math.max(0, depth + change);
      frame.classList.toggle('is-over', depth > 0);
    };
    frame.addEventListener('dragenter', () => over(1));
    frame.addEventListener('dragleave', () => over(-1));
    frame.addEventListener('dragover', (event) => event.preventDefault());
    frame.addEventListener('drop', (event) => {
      event.preventDefault();
      over(-depth);
      this.upload(event.dataTransfer.files[0]);
    });
  }

  // ------------------------------------------------------------ what is there

  // The bundled and earlier ones that can be taken.
  offer(list) {
    this.offered = list;
    refill(this.thumbs, list.map((facts) => this.thumb(facts)));
    this.markThumbs();
  }

  thumb(facts) {
    const name = nameOf(facts);
    const image = h('img', {alt: ''});
    const button = h('button.thumb', {type: 'button', title: name, 'aria-label': name, 'data-id': facts.id, 'data-key': facts.id, onclick: () => this.set(facts)},
      facts.kind === 'motion' ? icon('motion') : image);
    if (facts.kind !== 'motion') showThumb(image, this.api, `uploads/${facts.id}/preview?frame=0&side=${THUMB_SIDE}`);
    return button;
  }

  markThumbs() {
    for (const thumb of this.thumbs.children) {
      thumb.setAttribute('aria-pressed', String(thumb.dataset.id === this.value?.id));
    }
  }

  // ------------------------------------------------------------------ states

  showEmpty() {
    this.clear();
    fill(this.cover, icon(this.words.icon), h('p.small.soft', this.words.drop));
  }

  clear() {
    this.sending = null;
    this.value = null;
    this.picture.hidden = true;
    this.deleteButton.hidden = true;
    this.hideVideo();
    this.frame.classList.remove('is-filled');
    fill(this.facts);
    fill(this.overlay);
    fill(this.problem);
    this.markThumbs();
  }

  // before: the upload that was shown, or the facts of what was chosen.
  newUpload({name, size}) {
    const bar = h('progress.progress', {max: 1, value: 0, 'aria-label': `Upload of ${name}`});
    const text = h('p.small.soft.number', {role: 'status'}, `Sending ${bytesText(size)}`);
    const controller = new AbortController();
    const cancel = h('button.button.slim', {type: 'button', onclick: () => controller.abort()}, 'Cancel');
    const onprogress = (share) => {
      bar.value = share;
      if (share === 1) text.textContent = 'Reading it';
    };
    return {before: this.sending ?? {facts: this.value}, nodes: [bar, text, cancel], signal: controller.signal, onprogress};
  }

  showUpload(upload) {
    this.clear();
    this.sending = upload;
    fill(this.cover, upload.nodes);
  }

  // The first one, if there is any, where this one was deleted.
  setOrFirst(wanted) {
    const facts = this.offered.find(({id}) => id === wanted.id) ?? this.offered[0];
    if (facts) {
      this.set(facts);
      return;
    }
    this.showEmpty();
    this.onchange(null);
  }

  // What there was before an upload that came to nothing.
  showBefore({before}) {
    if (before.failed) this.showBefore(before);
    else if (before.facts) this.setOrFirst(before.facts);
    else if (before.nodes) this.showUpload(before);
    else this.showEmpty();
  }

  showProblem(error) {
    fill(this.problem, errorNotice(error));
  }

  // Takes an upload or something bundled, by its facts.
  set(facts, {quiet = false} = {}) {
    this.clear();
    this.value = facts;
    this.frame.classList.add('is-filled');
    this.deleteButton.hidden = facts.id.includes(':');
    fill(this.cover);
    fill(this.facts, factsText(facts));
    this.facts.title = nameOf(facts);
    this.markThumbs();
    if (facts.warnings?.length) fill(this.problem, h('div.notice.warning', facts.warnings.map((text) => h('p', text))));
    this.showMedium(facts);
    if (!quiet) this.onchange(facts);
  }

  async showMedium(facts) {
    if (facts.id.startsWith('job:')) {
      fill(this.cover, icon('motion'), h('p.small', 'Keypoints of a video'));
      return;
    }
    this.picture.hidden = false;
    this.picture.alt = nameOf(facts);
    await this.showFrame(0);
    if (facts.kind === 'video' && this.value === facts && facts.bytes <= LARGEST_PLAYED) await this.loadVideo(facts);
  }

  // The nearest one that there is: a number may be half typed.
  async showFrame(number) {
    if (!this.value || this.value.id.startsWith('job:')) return;
    const frame = Math.max(0, Math.min(Math.floor(number) || 0, this.value.frames - 1));
    if (!this.video.hidden) {
      this.video.pause();
      this.video.currentTime = this.firstTime + (frame + 0.5) / this.value.fps;
      return;
    }
    await showPicture(this.picture, this.api, `uploads/${this.value.id}/preview?frame=${frame}&side=${PREVIEW_SIDE}`);
  }

  // A video that the browser cannot play stays a picture.
  async loadVideo(facts) {
    try {
      const bytes = await this.api.blob(`uploads/${facts.id}/content`);
      if (this.value !== facts) return;
      this.videoAddress = URL.createObjectURL(new Blob([bytes], {type: 'video/mp4'}));
      // As in KeypointPlayer: a video's clock may not be at 0 at its first frame.
      this.firstTime = 0;
      this.video.requestVideoFrameCallback?.((_, {mediaTime}) => { this.firstTime = mediaTime; });
      this.video.src = this.videoAddress;
      this.video.onloadeddata = () => {
        this.video.hidden = false;
        this.playButton.hidden = false;
        this.markPlaying();
      };
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
    }
  }

  togglePlay() {
    if (this.video.paused) this.video.play().catch(() => {});  // another was chosen
    else this.video.pause();
  }

  markPlaying() {
    const text = this.video.paused ? 'Play the video' : 'Pause the video';
    this.playButton.setAttribute('aria-label', text);
    this.playButton.title = text;
    fill(this.playButton, icon(this.video.paused ? 'play' : 'pause'));
  }

  hideVideo() {
    this.video.hidden = true;
    this.playButton.hidden = true;
    unload(this.video);
    if (this.videoAddress) URL.revokeObjectURL(this.videoAddress);
    this.videoAddress = null;
  }

  // ----------------------------------------------------------------- getting

  async fromCamera() {
    const file = await takeFromCamera(this.kind);
    if (file) await this.upload(file);
  }

  async removeUpload() {
    const removed = this.value;
    const {id} = removed;
    if (this.removing.has(id)) return;
    this.removing.add(id);
    try {
      await this.api.remove(`uploads/${id}`);
    } catch (error) {
      if (error.status !== 404) {  // else another tab has deleted it
        this.showProblem(error);
        return;
      }
    } finally {
      this.removing.delete(id);
    }
    this.offer(this.offered.filter((facts) => facts.id !== id));
    // Another one may have been chosen since, or be on its way.
    if (this.value?.id !== id) return;
    this.setOrFirst(removed);
    // What was pressed is hidden now.
    (this.thumbs.firstElementChild ?? this.chooseButton).focus({preventScroll: true});
  }

  async upload(file) {
    this.file.value = '';
    if (!file) return;
    const upload = this.newUpload(file);
    this.showUpload(upload);
    const kind = this.takesMotion && file.name.endsWith(MOTION_ENDING) ? 'motion' : this.kind;
    try {
      upload.facts = await this.api.upload(kind, file, upload);
    } catch (error) {
      upload.failed = true;
      if (this.sending === upload) this.showBefore(upload);
      if (error.name !== 'AbortError') this.showProblem(error);
      return;
    }
    const {facts} = upload;
    rememberName(facts.id, file.name);
    const bundled = this.offered.filter(({id}) => id.startsWith('bundled:'));
    this.offer([...bundled, facts, ...this.offered.filter((offered) => !bundled.includes(offered))]);
    // Something else may have been chosen since.
    if (this.sending === upload) this.set(facts);
  }
}

function factsText({kind, width, height, frames, seconds}) {
  const size = width ? `${width} × ${height}` : '';
  if (kind === 'image') return size;
  return [size, seconds ? secondsText(seconds) : frames && `${frames} frames`].filter(Boolean).join(', ');
}

// The place of a MediaInput that is not there yet.
export function mediaSkeleton() {
  return h('div.stack.tight', h('div.skeleton.line'), h('div.frame.skeleton'), h('div.skeleton.thumb-line'), h('div.skeleton.slim-line'));
}
