// A dialog that takes a picture or a few seconds of video by the camera.

import {fill, h} from './dom.js';
import {icon, likesLessMotion, select} from './ui.js';

const LENGTHS = [3, 5, 10];  // seconds
const COUNTDOWN = 3;
const TYPES = ['video/webm;codecs=vp9', 'video/webm;codecs=vp8', 'video/webm', 'video/mp4'];

export const hasCamera = () => Boolean(navigator.mediaDevices?.getUserMedia);

// The File that was taken, or null where the user closed the dialog.
export function takeFromCamera(kind) {
  return new Promise((resolve) => new CameraDialog(kind, resolve).open());
}

class CameraDialog {
  constructor(kind, resolve) {
    this.isVideo = kind === 'video';
    this.resolve = resolve;
    this.live = h('video', {muted: true, playsinline: true, 'aria-label': 'Camera'});
    this.count = h('div.camera-count', {'aria-hidden': 'true'});
    this.status = h('p.hint', {role: 'status'});
    this.bar = h('progress.progress', {max: 1, value: 0, 'aria-label': 'Recording', hidden: true});
    this.length = select(LENGTHS.map((seconds) => [seconds, `${seconds} seconds`]), 5);
    this.length.setAttribute('aria-label', 'Length');
    this.actions = h('div.row');
    this.dialog = h('dialog.dialog', {'aria-label': this.isVideo ? 'Record a video' : 'Take a picture', onclose: () => this.end()},
      h('div.stack',
        h('div.card-head', h('h2', this.isVideo ? 'Record a video' : 'Take a picture'),
          h('button.button.quiet.icon-only', {type: 'button', 'aria-label': 'Close', onclick: () => this.dialog.close()}, icon('close'))),
        h('div.frame', {style: {'aspect-ratio': '4 / 3'}}, this.live, this.count),
        this.bar, this.status, this.actions));
  }

  async open() {
    document.body.append(this.dialog);
    this.dialog.showModal();
    this.say('Waiting for the camera. The browser asks whether this page may use it.');
    try {
      this.stream = await navigator.mediaDevices.getUserMedia({video: {width: {ideal: 640}, height: {ideal: 480}}, audio: false});
    } catch (error) {
      this.say(explain(error));
      return;
    }
    // The browser may have asked until after the dialog was closed.
    if (this.dialog.open) this.showLive();
    else this.stopCamera();
  }

  async showLive() {
    this.live.removeAttribute('src');
    this.live.srcObject = this.stream;
    this.live.loop = false;
    this.live.controls = false;
    try {
      await this.live.play();
    } catch (error) {
      if (this.dialog.open) this.say(explain(error));
      return;
    }
    this.say(this.isVideo ? `Recording starts ${COUNTDOWN} seconds after you press the button.` : '');
    this.offer(this.isVideo && this.length, this.button(this.isVideo ? 'Record' : 'Take the picture', () => this.take()));
  }

  async take() {
    this.offer();
    try {
      if (this.isVideo) await this.takeVideo();
      else this.review(await this.picture(), 'camera.png');
    } catch (error) {
      // The camera may have been disconnected since it was allowed.
      this.say(explain(error));
    }
  }

  async takeVideo() {
    for (let left = COUNTDOWN; left > 0 && this.dialog.open; --left) {
      this.count.textContent = left;
      this.say(String(left));
      await wait(1000);
    }
    this.count.textContent = '';
    if (this.dialog.open) this.review(await this.record(Number(this.length.value)), 'camera.webm');
  }

  picture() {
    const canvas = h('canvas', {width: this.live.videoWidth, height: this.live.videoHeight});
    canvas.getContext('2d').drawImage(this.live, 0, 0);
    return new Promise((resolve) => canvas.toBlob(resolve, 'image/png'));
  }

  async record(seconds) {
    const mimeType = TYPES.find((type) => MediaRecorder.isTypeSupported(type));
    const recorder = new MediaRecorder(this.stream, {mimeType, videoBitsPerSecond: 4e6});
    const parts = [];
    recorder.ondataavailable = ({data}) => parts.push(data);
    const ended = new Promise((resolve) => (recorder.onstop = resolve));
    recorder.start();
    this.say(`Recording ${seconds} seconds.`);
    this.bar.hidden = false;
    for (const start = performance.now(); this.dialog.open; await wait(50)) {
      const share = (performance.now() - start) / (1000 * seconds);
      this.bar.value = Math.min(share, 1);
      if (share >= 1) break;
    }
    recorder.stop();
    await ended;
    this.bar.hidden = true;
    return new Blob(parts, {type: mimeType.split(';')[0]});
  }

  review(blob, name) {
    if (!this.dialog.open) return;
    this.address = URL.createObjectURL(blob);
    this.live.srcObject = null;
    this.say('Use this one, or take another?');
    if (this.isVideo) {
      this.live.src = this.address;
      this.live.loop = true;
      this.live.controls = likesLessMotion();
      if (!this.live.controls) this.live.play().catch(() => {});  // the dialog was closed
    } else {
      this.live.poster = this.address;
    }
    const use = this.button('Use it', () => {
      this.taken = new File([blob], name, {type: blob.type});
      this.dialog.close();
    });
    this.offer(h('button.button', {type: 'button', onclick: () => this.again()}, 'Again'), use);
    use.focus();
  }

  again() {
    URL.revokeObjectURL(this.address);
    this.live.removeAttribute('poster');
    this.showLive();
  }

  stopCamera() {
    for (const track of this.stream?.getTracks() ?? []) track.stop();
  }

  end() {
    this.stopCamera();
    if (this.address) URL.revokeObjectURL(this.address);
    this.dialog.remove();
    this.resolve(this.taken ?? null);
  }

  say(text) { this.status.textContent = text; }
  offer(...actions) { fill(this.actions, ...actions); }
  button(text, onclick) { return h('button.button.primary', {type: 'button', onclick}, text); }
}

const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

function explain(error) {
  if (error.name === 'NotAllowedError') return 'The browser does not let this page use the camera. Allow it beside the address, then try again; or choose a file.';
  if (error.name === 'NotFoundError') return 'There is no camera. Connect one, or choose a file.';
  return `The camera cannot be used: ${error.message}. Another program may be using it.`;
}
