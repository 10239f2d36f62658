// Motion: the keypoints of a video as numbered sets, saved as a motion file,
// played on any still.

import {ApiError} from './api.js';
import {fill, h} from './dom.js';
import {JobList, JobPage} from './job_list.js';
import {download, JobView} from './job_view.js';
import {KeypointPlayer} from './keypoint_player.js';
import {MediaInput, mediaSkeleton} from './media_input.js';
import {emptyState, errorNotice, field, icon, loadInto, select, toast} from './ui.js';

const DEFAULT_MODEL_SIZE = 256;

export function mount(element, api) {
  const page = new MotionPage(element, api);
  return {show: (id) => page.show(id), hide: () => page.view.close()};
}

// A motion job, whose result is keypoints and not a video.
class MotionView extends JobView {
  constructor(api, page) {
    super(api, {onended: () => api.refreshJobs()});
    this.page = page;
  }

  close() {
    super.close();
    this.player?.close();
    this.player?.element.replaceWith(this.frame);
    this.player = null;
  }

  async showResult(job) {
    // Another job may be opened meanwhile, or this one again.
    const {signal} = this.following;
    fill(this.cover, h('p.row.soft', h('span.spinner'), 'Loading the keypoints'));
    try {
      const keypoints = await this.api.get(`jobs/${job.id}/keypoints`, {signal});
      const driving = await this.drivingOf(job, signal);
      const {checkpoints} = await this.page.ready;
      if (signal.aborted) return;
      const size = checkpoints.find(({id}) => id === job.request.checkpoint)?.size || DEFAULT_MODEL_SIZE;
      this.player = new KeypointPlayer(this.api, keypoints, driving, size);
      this.frame.replaceWith(this.player.element);
      this.state.append(this.page.playOnStill(job));
    } catch (error) {
      if (!signal.aborted) fill(this.cover, errorNotice(error, () => this.tryAgain(job)));
    }
  }

  tryAgain(job) {
    if (!this.page.driving) this.page.loadInputs();
    this.showResult(job);
  }

  // null where the video was deleted: the keypoints are there still.
  async drivingOf({request}, signal) {
    const {bundled} = await this.page.ready;
    const own = bundled.videos.find(({id}) => id === request.driving);
    if (own) return own;
    try {
      return await this.api.get(`uploads/${request.driving}`, {signal});
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) return null;
      throw error;
    }
  }

  downloadButton(job, format) {
    const button = super.downloadButton(job, format);
    const keypoints = h('button.button', {type: 'button', 'data-format': 'json', onclick: async () => {
      try {
        await download(this.api, `jobs/${job.id}/keypoints`, 'keypoints.json');
      } catch (error) {
        toast(`${error.message} ${error.advice ?? ''}`);
      }
    }}, icon('download'), 'Keypoints as JSON');
    return [button, keypoints];
  }
}

class MotionPage extends JobPage {
  constructor(element, api) {
    super();
    this.api = api;
    this.inputs = h('div.card', {'aria-label': 'Settings', role: 'group'});
    this.view = new MotionView(api, this);
    this.heading = 'Keypoints';
    this.result = h('section.card', {'aria-label': 'Keypoints'});
    this.list = new JobList(api, {type: 'motion', page: 'motion', onremoved: (id) => this.forget(id),
      empty: ['No motion files yet', 'A motion file has the keypoints of every frame, and no picture of whoever was filmed.']});
    fill(element, h('h1.visually-hidden', 'Motion'),
      h('div.columns.wide-right',
        h('div.stack', this.inputs, h('section.card', {'aria-label': 'Motion files'}, h('div.card-head', h('h2', 'Motion files')), this.list.element)),
        this.result));
    this.showNothing();
    this.loadInputs();
  }

  // `ready`: what is offered, of the last try.
  loadInputs() {
    loadInto(this.inputs, skeleton(), () => {
      this.ready = this.load();
      return this.ready.then((offers) => this.build(offers));
    });
  }

  nothing() {
    return emptyState('motion', 'No keypoints yet', 'Choose a video and press Find keypoints. They show here as numbered sets, over the video.');
  }

  offerMedia(uploads) {
    this.stills = [...this.bundled.stills, ...uploads.filter(({kind}) => kind === 'image')];
    this.driving.offer([...this.bundled.videos, ...uploads.filter(({kind}) => kind === 'video')]);
    this.still?.offer(this.stills);
  }

  async load() {
    const [bundled, checkpoints, uploads] = await Promise.all(
      [this.api.get('bundled'), this.api.get('checkpoints'), this.api.get('uploads')]);
    return {bundled, checkpoints, uploads};
  }

  build({bundled, checkpoints, uploads}) {
    this.bundled = bundled;
    this.driving = new MediaInput(this.api, {kind: 'video', title: 'Video', onchange: () => {}});
    this.offerMedia(uploads);
    if (bundled.videos.length) this.driving.set(bundled.videos[0]);
    this.checkpoint = select(checkpoints.map(({id, name, sets}) => [id, sets ? `${name}, ${sets} sets` : name]), checkpoints[0]?.id);
    this.problem = h('div');
    this.submit = h('button.button.primary.large.wide', {type: 'submit'}, 'Find keypoints');
    return h('form.stack', {novalidate: true, onsubmit: (event) => this.find(event)}, this.driving.element,
      field('Checkpoint', this.checkpoint, 'Its detector finds the keypoints. They mean the same places to this checkpoint alone.'),
      this.problem, this.submit);
  }

  async find(event) {
    event.preventDefault();
    fill(this.problem);
    if (!this.driving.value) {
      fill(this.problem, h('p.field-error', {role: 'alert'}, 'Choose a video first.'));
      return;
    }
    await this.start(this.submit, this.problem, 'motion',
      {type: 'motion', driving: this.driving.value.id, checkpoint: this.checkpoint.value});
  }

  // Submits a job and shows it on its page; errors go into `problem`.
  async start(button, problem, page, request) {
    button.disabled = true;
    try {
      const job = await this.api.post('jobs', request);
      await this.api.refreshJobs();
      location.hash = `#${page}/${job.id}`;
    } catch (error) {
      fill(problem, errorNotice(error));
    } finally {
      button.disabled = false;
    }
  }

  // The last step: a still that the motion file of this job moves.
  playOnStill(job) {
    const problem = h('div');
    const button = h('button.button.primary', {type: 'button', onclick: async () => {
      fill(problem);
      if (!still.value) {  // it is being sent
        fill(problem, h('p.field-error', {role: 'alert'}, 'Choose a still first.'));
        return;
      }
      await this.start(button, problem, 'animate', ({
        type: 'animate', source: still.value.id, driving: `job:${job.id}`, checkpoint: job.request.checkpoint}));
    }}, 'Animate the still');
    const still = new MediaInput(this.api, {kind: 'image', title: 'Play on a still', onchange: (facts) => { button.disabled = !facts; }});
    this.still = still;
    still.offer(this.stills);
    if (this.stills.length) still.set(this.stills[0]);
    else button.disabled = true;
    return h('div.play-on-still', still.element, h('div.stack.tight',
      h('p.soft.small', 'The motion file moves any still that this checkpoint knows: the one that you choose here, with the settings of Animate as they are by default.'),
      problem, h('div.row', button)));
  }
}

function skeleton() {
  return h('div.stack', {'aria-label': 'Loading'}, mediaSkeleton(), h('div.skeleton.hint-line'), h('div.skeleton.button-line'));
}
