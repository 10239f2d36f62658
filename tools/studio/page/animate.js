// Animate: a still, what moves it, how; the running job and its result.

import {ApiError} from './api.js';
import {CropBox} from './crop_box.js';
import {fill, h} from './dom.js';
import {JobList, JobPage, titleOf} from './job_list.js';
import {JobView} from './job_view.js';
import {MediaInput, mediaSkeleton} from './media_input.js';
import {chips, emptyState, errorNotice, field, loadInto, segmented, select, setOptions, toast} from './ui.js';
import {SetScales} from './set_scales.js';

const KEPT = 'studio-animate';  // the form, in this tab's session

const MODES = {
  relative: ['Relative', 'The still moves as the driving figure moves away from its first frame.'],
  standard: ['Standard', 'The still takes the shape of the driving figure.'],
  avd: ['Pose only', 'The still takes the pose by a network (AVD) that not every checkpoint has.'],
};
const MOTIONS = {
  cpab: 'CPAB', thin_plate: 'Thin-plate spline', thin_plate_original: 'Thin-plate spline, as published', affine: 'Affine',
  bspline: 'B-spline',
};
const STARTS = {
  first: 'First frame', keypoints: 'Most similar frame', alignment: 'Most similar, turned or not',
};
// What of a field gets the focus: the first that it has of these.
const CONTROLS = ['.thumb', 'input:not([hidden], [tabindex="-1"])', 'select', 'button:not([hidden], .cover *)'];
const FRAME_NUMBER = 'number';
// Two puppets that differ little in shape, of which `animate` makes its example.
const EXAMPLE = {source: 'bundled:puppet', driving: 'bundled:dance', mode: 'standard'};
const SIZES = [[0, 'Automatic'], 256, 384, 512, 768, 1024];

export function mount(element, api) {
  const page = new AnimatePage(element, api);
  return {show: (id) => page.show(id), hide: () => page.view.close()};
}

class AnimatePage extends JobPage {
  constructor(element, api) {
    super();
    this.api = api;
    this.kept = JSON.parse(sessionStorage.getItem(KEPT) ?? '{}');
    this.hasChosenMode = false;  // by hand, or of a job
    this.inputs = h('div.card', {'aria-label': 'Settings', role: 'group'});
    this.view = new JobView(api, {onended: () => api.refreshJobs(), again: (job) => this.takeSettings(job.request)});
    this.heading = 'Result';
    this.result = h('section.card', {'aria-label': 'Result'});
    this.list = new JobList(api, {type: 'animate', page: 'animate', onremoved: (id) => this.forget(id),
      empty: ['No jobs yet', 'What you animate is listed here, with its downloads, until it is a few days old.']});
    fill(element, h('h1.visually-hidden', 'Animate'), h('div.columns', this.inputs,
      h('div.stack', this.result,
        h('section.card', {'aria-label': 'Jobs'}, h('div.card-head', h('h2', 'Jobs')), this.list.element))));
    this.showNothing();
    this.ready = loadInto(this.inputs, skeleton(), () => this.load());
    // For tools/studio/browser, which measures how long that takes.
    this.ready.then(() => performance.mark('usable'));
  }

  nothing() {
    return emptyState('play', 'Nothing is animated yet', 'Press Animate. The frames show here as they are made.');
  }

  // ------------------------------------------------------------------- form

  async load() {
    const {api} = this;
    // The jobs, too: a motion file that was chosen is one of them.
    const [{choices}, bundled, checkpoints, uploads] = await Promise.all(
      [api.get('system'), api.get('bundled'), api.get('checkpoints'), api.get('uploads'), api.jobs ?? api.refreshJobs()]);
    this.choices = choices;
    this.checkpoints = checkpoints;
    this.still = new MediaInput(api, {kind: 'image', title: 'Still', onchange: () => this.changedStill()});
    this.driving = new MediaInput(api, {kind: 'video', title: 'Video', takesMotion: true, onchange: () => this.changedDriving()});
    this.crop = new CropBox((box) => this.changedBox(box));
    const parts = this.buildSettings();
    this.bundled = bundled;
    this.offerMedia(uploads);
    this.restore();
    return parts;
  }

  offerMedia(uploads) {
    const {bundled} = this;
    const motions = (this.api.jobs ?? []).filter((job) => job.type === 'motion' && job.state === 'done').map(motionOf);
    this.still.offer([...bundled.stills, ...uploads.filter(({kind}) => kind === 'image')]);
    this.driving.offer([...bundled.videos, ...uploads.filter(({kind}) => kind === 'video' || kind === 'motion'), ...motions]);
  }

  buildSettings() {
    const {choices, checkpoints} = this;
    this.cropBy = segmented('Crop', [['face', 'Face'], ['centre', 'Centre'], ['own', 'By hand']], 'centre', (by) => this.proposeCrop(by));
    this.checkpoint = select(checkpoints.map((entry) => [entry.id, checkpointText(entry)]), checkpoints[0]?.id, () => this.changedCheckpoint());
    this.mode = segmented('Mode', choices.modes.map((name) => [name, MODES[name]?.[0] ?? name]), choices.modes[0], () => this.chooseMode());
    this.modeHint = h('p.hint');
    this.motion = select([], '', () => this.keep());
    const starts = (choices.starts ?? ['first', 'keypoints', 'alignment']).filter((name) => name in STARTS);
    this.start = select([...starts.map((name) => [name, STARTS[name]]), [FRAME_NUMBER, 'Frame number']], starts[0], () => this.changedStart());
    this.startFrame = h('input.input.number', {type: 'number', min: 0, step: 1, value: 0, hidden: true, 'aria-label': 'Start frame number, from 0',
      oninput: () => { this.driving.showFrame(Number(this.startFrame.value)); this.keep(); }});
    this.size = select(SIZES, 0, () => this.keep());
    this.panels = chips('Panels', choices.panels.map((name) => [name, capital(name)]), ['result'], () => this.keep());
    this.maxFrames = h('input.input.number', {type: 'number', min: 1, step: 1, placeholder: 'all', oninput: () => this.keep()});
    this.scales = new SetScales(() => this.keep());
    this.problem = h('div');
    this.submit = h('button.button.primary.large.wide', {type: 'submit'}, 'Animate');
    this.fields = {
      source: this.still.element, driving: this.driving.element, crop: this.cropBy,
      checkpoint: field('Checkpoint', this.checkpoint), mode: this.mode, motion: field('Motion model', this.motion),
      start_frame: h('div.field', field('Start', this.start), this.startFrame), size: field('Size', this.size),
      panels: this.panels, motion_scales: this.scales.element,
      max_frames: field('Frame limit', this.maxFrames),
    };
    const {fields} = this;
    const form = h('form.stack', {novalidate: true, onsubmit: (event) => this.send(event)},
      h('div.media-pair', fields.source, fields.driving), fields.crop,
      fields.checkpoint,
      h('div.field', fields.mode, this.modeHint),
      h('div.fields', fields.motion, fields.start_frame),
      h('div.fields', fields.size, fields.max_frames),
      fields.panels, fields.motion_scales, this.problem, h('div.form-foot', this.submit));
    form.addEventListener('keydown', (event) => {
      if (event.key === 'Enter' && (event.ctrlKey || event.metaKey) && !event.repeat) form.requestSubmit();
    });
    this.changedCheckpoint();
    this.changedMode();
    if (!checkpoints.length) {
      fill(this.problem, h('div.notice.warning', h('h3', 'There is no checkpoint'),
        h('p', 'Train one, fetch published weights (tools/bazelw run //tools:fetch_weights -- tps-vox), or start studio with --checkpoints FOLDER.')));
    }
    return form;
  }

  changedStill() {
    if (this.hasOwnBox()) {
      this.showBox(this.still.value, this.box);
    } else {
      if (this.cropBy.value === 'own') check(this.cropBy, ['centre']);
      this.dropBox();
      this.proposeCrop(this.cropBy.value);
    }
    this.showDefaultMode();
    this.keep();
  }

  changedDriving() {
    this.showDefaultMode();
    this.keep();
  }

  // Whether the still has a box by hand: it was chosen before, and comes back
  // after an upload that came to nothing.
  hasOwnBox() {
    return this.cropBy.value === 'own' && this.box && this.still.value?.id === this.boxOf;
  }

  // That of the former still, or choice.
  dropBox() {
    this.box = null;
    this.crop.set(null);
  }

  // The box of the server's choice. "own" leaves it where it is, and begins with
  // the centre where there is none.
  proposeCrop(by) {
    this.proposal = this.fetchCrop(by);
    this.keep();
    return this.proposal;
  }

  async fetchCrop(by) {
    const still = this.still.value;
    if (!still || (by === 'own' && this.box)) return;
    const isWanted = () => this.still.value === still && this.cropBy.value === by;
    try {
      const {x, y, side, by: found} = await this.api.get(`uploads/${still.id}/crop?by=${by === 'own' ? 'centre' : by}`);
      if (!isWanted()) return;
      if (by === 'face' && found !== 'face') toast('No face was found. The centre is taken.');
      this.showBox(still, {x, y, side});
    } catch (error) {
      if (!isWanted()) return;
      this.dropBox();
      this.showProblem(error);
    }
    this.keep();
  }

  showBox(still, box) {
    this.crop.setPicture(still.width, still.height);
    fill(this.still.overlay, this.crop.element);
    this.box = box;
    this.boxOf = still.id;
    this.boxBy = this.cropBy.value;
    this.crop.set(box);
  }

  changedBox(box) {
    this.box = box;
    this.boxBy = 'own';
    check(this.cropBy, ['own']);
    this.keep();
  }

  changedCheckpoint() {
    const chosen = this.checkpoints.find(({id}) => id === this.checkpoint.value);
    const own = chosen?.motion ? `As the checkpoint: ${MOTIONS[chosen.motion] ?? chosen.motion}` : 'As the checkpoint';
    setOptions(this.motion, [['', own], ...this.choices.motions.map((name) => [name, MOTIONS[name] ?? name])], this.motion.value);
    this.scales.setCount(chosen?.sets ?? 0);
    this.offerModes(chosen);
    this.keep();
  }

  // AVD needs a network that not every checkpoint has.
  offerModes(checkpoint) {
    const without = checkpoint?.avd === false;
    const input = this.mode.querySelector('input[value="avd"]');
    if (!input) return;
    input.closest('label').hidden = without;
    if (!without || this.mode.value !== 'avd') return;
    this.hasChosenMode = false;
    this.showDefaultMode();
  }

  // What a job without a mode has.
  defaultMode() {
    const isExample = this.still.value?.id === EXAMPLE.source && this.driving.value?.id === EXAMPLE.driving;
    return isExample ? EXAMPLE.mode : this.choices.modes[0];
  }

  showDefaultMode() {
    if (this.hasChosenMode) return;
    check(this.mode, [this.defaultMode()]);
    this.changedMode();
  }

  chooseMode() {
    this.hasChosenMode = true;
    this.changedMode();
  }

  changedMode() {
    fill(this.modeHint, MODES[this.mode.value]?.[1] ?? '');
    this.keep();
  }

  changedStart() {
    this.startFrame.hidden = this.start.value !== FRAME_NUMBER;
    this.keep();
  }

  // ------------------------------------------------------------------- keep

  request() {
    return {
      type: 'animate', source: this.still.value?.id ?? '', driving: this.driving.value?.id ?? '', checkpoint: this.checkpoint.value,
      mode: this.mode.value, motion: this.motion.value,
      start_frame: this.start.value === FRAME_NUMBER ? Number(this.startFrame.value) : this.start.value,
      motion_scales: this.scales.values, crop: this.requestedCrop(),
      panels: this.panels.values, size: Number(this.size.value), max_frames: Number(this.maxFrames.value),
    };
  }

  // Whether the request can have the crop that was chosen: that of a new still
  // may be on its way, or have failed.
  async hasCrop() {
    await this.proposal;
    if (this.cropBy.value === 'centre') return true;
    if (!this.box) await this.proposeCrop(this.cropBy.value);
    return Boolean(this.box);
  }

  // The centre is what a job takes by itself, with the model's shape. There is
  // no still while one is sent.
  requestedCrop() {
    if (this.cropBy.value === 'centre' || !this.box || !this.still.value) return null;
    const {width, height} = this.still.value;
    const side = Math.floor(this.box.side);
    return {x: Math.min(Math.round(this.box.x), width - side), y: Math.min(Math.round(this.box.y), height - side), side};
  }

  keep() {
    if (this.restoring || !this.submit) return;
    const cropBy = this.cropBy.value;
    // None while that of a new choice is on its way; any becomes that by hand.
    const box = cropBy === 'own' || cropBy === this.boxBy ? this.box : null;
    sessionStorage.setItem(KEPT, JSON.stringify({...this.request(), cropBy, box, hasChosenMode: this.hasChosenMode}));
  }

  restore() {
    const {bundled} = this;
    const {source, driving} = this.kept;
    this.applySettings(this.kept, Boolean(this.kept.hasChosenMode));
    const still = this.still.offered.find(({id}) => id === source) ?? bundled.stills[0];
    const video = this.driving.offered.find(({id}) => id === driving) ?? bundled.videos[0];
    if (video) this.driving.set(video, {quiet: true});
    if (still) this.takeStill(still, this.kept);
    this.showDefaultMode();
  }

  // With the box that was kept for it, if there is one.
  takeStill(still, {source, box, cropBy = 'centre'}) {
    this.still.set(still, {quiet: true});
    this.dropBox();
    const known = source === still.id && box;
    check(this.cropBy, [cropBy === 'own' && !known ? 'centre' : cropBy]);
    if (known) this.showBox(still, box);
    else this.proposeCrop(this.cropBy.value);
  }

  // What of a request the form can show.
  applySettings(request, hasChosenMode) {
    this.restoring = true;
    if (request.checkpoint && this.checkpoints.some(({id}) => id === request.checkpoint)) this.checkpoint.value = request.checkpoint;
    this.changedCheckpoint();
    this.hasChosenMode = hasChosenMode;
    if (request.mode) check(this.mode, [request.mode]);
    this.changedMode();
    this.changedCheckpoint();
    if (request.motion !== undefined) this.motion.value = request.motion;
    if (typeof request.start_frame === 'number') {
      this.start.value = FRAME_NUMBER;
      this.startFrame.value = request.start_frame;
    } else if (request.start_frame) {
      this.start.value = request.start_frame === 'auto' ? 'keypoints' : request.start_frame;
    }
    this.changedStart();
    if (request.size !== undefined) this.showSize(request.size);
    // "parts" is the former name of a panel.
    if (request.panels?.length) check(this.panels, request.panels.map((name) => (name === 'parts' ? 'sets' : name)));
    if (request.max_frames !== undefined) this.maxFrames.value = request.max_frames || '';
    this.scales.set(request.motion_scales ?? {});
    this.restoring = false;
  }

  // A script may have asked for any size.
  showSize(size) {
    setOptions(this.size, SIZES.flat().includes(size) ? SIZES : [...SIZES, size], size);
  }

  // Of a request that leaves them out; its mode is that of its pair.
  defaults() {
    return {motion: '', start_frame: 'first', size: 0, panels: ['result'], max_frames: 0};
  }

  // "Use these settings" of a job.
  async takeSettings(request) {
    await this.ready;
    if (!this.choices) {
      toast('The settings could not be loaded. Press Try again there first.');
      return;
    }
    this.applySettings({...this.defaults(), ...request}, Boolean(request.mode));
    if (!this.checkpoints.some(({id}) => id === request.checkpoint)) {
      toast('The checkpoint of this job is not there any more. Choose another one.');
    }
    for (const [input, id] of [[this.still, request.source], [this.driving, request.driving]]) {
      const facts = input.offered.find((offered) => offered.id === id);
      if (!facts) toast('A file of this job is not there any more. Choose another one.');
      else if (input === this.still) this.takeStill(facts, {source: id, box: request.crop, cropBy: request.crop ? 'own' : 'centre'});
      else input.set(facts);
    }
    // A mode that its pair has anyway goes with the pair.
    if (this.mode.value === this.defaultMode()) this.hasChosenMode = false;
    this.showDefaultMode();
    this.keep();
    this.inputs.scrollIntoView({block: 'start', behavior: 'smooth'});
    this.submit.focus({preventScroll: true});
  }

  // ------------------------------------------------------------------- send

  async send(event) {
    event.preventDefault();
    if (this.submit.disabled) return;  // Ctrl+Enter sends the form all the same
    this.clearProblems();
    const missing = [['source', this.still, 'Choose a still first.'], ['driving', this.driving, 'Choose a video first.']]
      .find(([, input]) => !input.value);
    if (missing) {
      this.showFieldProblem(missing[0], missing[2]);
      return;
    }
    this.submit.disabled = true;
    fill(this.submit, h('span.spinner'), 'Starting');
    try {
      if (!(await this.hasCrop())) return;
      const job = await this.api.post('jobs', this.request());
      await this.api.refreshJobs();
      location.hash = `#animate/${job.id}`;
    } catch (error) {
      this.showProblem(error);
    } finally {
      this.submit.disabled = false;
      fill(this.submit, 'Animate');
    }
  }

  showProblem(error) {
    const name = error instanceof ApiError && error.field.split(/[.[]/)[0];
    if (name in this.fields) this.showFieldProblem(name, error.message);
    else fill(this.problem, errorNotice(error));
  }

  showFieldProblem(name, text) {
    const part = this.fields[name];
    part.append(h('p.field-error', {role: 'alert'}, text));
    CONTROLS.map((css) => part.querySelector(css)).find(Boolean)?.focus();
  }

  clearProblems() {
    fill(this.problem);
    for (const text of this.inputs.querySelectorAll('.field-error')) text.remove();
  }
}

// Checks these values in a fieldset of ui.js.
function check(fieldset, values) {
  for (const input of fieldset.querySelectorAll('input')) input.checked = values.includes(input.value);
  fieldset.value = values[0];
  fieldset.values = values;
}

const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);

const FROM = {shipped: 'of this repository', run: 'training run', folder: 'folder', fetched: 'published'};

function checkpointText({name, from, size, sets}) {
  return [name, FROM[from] ?? from, size && `${size} × ${size}`, sets && `${sets} sets`].filter(Boolean).join(', ');
}

// A finished motion job as something that drives.
function motionOf(job) {
  return {id: `job:${job.id}`, kind: 'motion', name: `Motion of ${titleOf(job)}`, frames: job.frames, warnings: []};
}

function skeleton() {
  return h('div.stack', {'aria-label': 'Loading'},
    h('div.media-pair', mediaSkeleton(), mediaSkeleton()), Array.from({length: 8}, () => h('div.skeleton.field-line')));
}
