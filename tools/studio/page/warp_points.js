// Points on the picture of the Warp page: dragged by mouse, finger or keys,
// added and removed.

import {h, svg} from './dom.js';

export const MAX_POINTS = 64;

// Where there is one, the event that does not wait for the next frame.
const MOVE = 'onpointerrawupdate' in window ? 'pointerrawupdate' : 'pointermove';

const clamp = (value) => Math.min(1, Math.max(0, value));
const percent = (value) => `${Math.round(100 * value)} %`;

// Handles at the points' `to`, and lines from their `from`, over `stage`.
// onmove(time) on every change of a point by hand, time being that of the
// event; onadd([x, y]) where an empty place is pressed; onchosen() when another
// point is chosen.
export class PointEditor {
  constructor(stage, {onmove, onadd, onchosen}) {
    this.stage = stage;
    this.onmove = onmove;
    this.onadd = onadd;
    this.onchosen = onchosen;
    this.points = [];  // {from: [x, y], to: [x, y]}
    this.handles = [];
    this.chosen = -1;
    this.lines = svg('path', {class: 'warp-moves'});
    this.origins = svg('path', {class: 'warp-origins'});
    stage.overlay.append(this.lines, this.origins);
    this.layer = h('div.warp-points', {role: 'group', 'aria-label': 'Points', tabindex: -1, onclick: (event) => this.pressPlace(event)});
    stage.element.append(this.layer);
  }

  set(points) {
    this.points = points.map(({from, to}) => ({from: [...from], to: [...to]}));
    this.build();
  }

  add(from, to) {
    this.points.push({from: [...from], to: [...to]});
    this.build();
    this.handles.at(-1).focus({preventScroll: true});
  }

  remove(index) {
    this.points.splice(index, 1);
    this.build();
    (this.handles[Math.min(index, this.handles.length - 1)] ?? this.layer).focus({preventScroll: true});
  }

  // Numbers of points that the server finds fault with, counted from 0.
  markBad(indices) {
    this.handles.forEach((handle, index) => handle.classList.toggle('is-bad', indices.includes(index)));
  }

  // ------------------------------------------------------------------- draw

  build() {
    this.handles = this.points.map((_, index) => this.handle(index));
    this.layer.replaceChildren(...this.handles);
    this.choose(Math.min(this.chosen, this.points.length - 1));
    this.place();
  }

  handle(index) {
    return h('button.warp-point', {type: 'button', 'aria-roledescription': 'movable point',
      onpointerdown: (event) => this.grab(event, index), onkeydown: (event) => this.key(event, index),
      onfocus: () => this.choose(index)}, h('span', index + 1));
  }

  choose(index) {
    this.chosen = index;
    this.handles.forEach((handle, other) => handle.classList.toggle('is-chosen', other === index));
    this.onchosen?.(index);
  }

  // Puts all handles where their points are.
  place() {
    this.handles.forEach((_, index) => this.placeHandle(index));
    this.drawMoves();
  }

  placeHandle(index) {
    const {width, height} = this.stage;
    const share = (value, count) => `${(100 * (value * (count - 1) + 0.5)) / count}%`;
    const handle = this.handles[index];
    const [x, y] = this.points[index].to;
    handle.style.left = share(x, width);
    handle.style.top = share(y, height);
    handle.setAttribute('aria-label', `Point ${index + 1}: ${percent(x)} from the left, ${percent(y)} from the top`);
  }

  drawMoves() {
    let lines = '', origins = '';
    for (const {from, to} of this.points) {
      if (from[0] === to[0] && from[1] === to[1]) continue;
      lines += `M${this.stage.pixel(...from)}L${this.stage.pixel(...to)}`;
      origins += `M${this.stage.pixel(...from)}h0.01`;
    }
    this.lines.setAttribute('d', lines);
    this.origins.setAttribute('d', origins);
  }

  // --------------------------------------------------------------- the hand

  // Where on the picture an event is.
  placeOf(event) {
    const box = this.stage.canvas.getBoundingClientRect();
    const {width, height} = this.stage;
    const x = ((event.clientX - box.left) / box.width) * width - 0.5;
    const y = ((event.clientY - box.top) / box.height) * height - 0.5;
    return [clamp(x / (width - 1)), clamp(y / (height - 1))];
  }

  // A click and not a press: a finger that scrolls the page adds nothing.
  pressPlace(event) {
    if (event.target !== this.layer) return;
    this.onadd(this.placeOf(event));
  }

  grab(event, index) {
    if (event.button !== 0) return;
    event.preventDefault();
    const handle = this.handles[index];
    handle.focus({preventScroll: true});
    handle.setPointerCapture(event.pointerId);
    const start = this.placeOf(event);
    const offset = this.points[index].to.map((value, axis) => value - start[axis]);
    const move = (moved) => {
      const place = this.placeOf(moved);
      this.moveTo(index, place.map((value, axis) => clamp(value + offset[axis])), moved.timeStamp);
    };
    const end = () => {
      handle.removeEventListener(MOVE, move);
      handle.removeEventListener('pointerup', end);
      handle.removeEventListener('pointercancel', end);
    };
    handle.addEventListener(MOVE, move);
    handle.addEventListener('pointerup', end);
    handle.addEventListener('pointercancel', end);
  }

  key(event, index) {
    const step = event.shiftKey ? 10 : 1;
    const by = {ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step]}[event.key];
    const {from, to} = this.points[index];
    if (by) {
      this.moveTo(index, [clamp(to[0] + by[0] / (this.stage.width - 1)), clamp(to[1] + by[1] / (this.stage.height - 1))], event.timeStamp);
    } else if (event.key === 'Delete' || event.key === 'Backspace') {
      this.remove(index);
      this.onmove(event.timeStamp);
    } else if (event.key === 'Escape') {
      this.moveTo(index, from, event.timeStamp);
    } else {
      return;
    }
    event.preventDefault();
  }

  moveTo(index, place, time) {
    const point = this.points[index];
    if (point.to[0] === place[0] && point.to[1] === place[1]) return;
    point.to = [...place];
    this.placeHandle(index);
    this.drawMoves();
    this.onmove(time);
  }
}
