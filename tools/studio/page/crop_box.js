// The square of a picture that the model sees, to be moved and resized by
// pointer and keyboard.

import {fill, h} from './dom.js';

const SMALLEST = 0.08;  // of the picture's shorter side
const STEP = 0.01;
const LARGE_STEP = 0.05;

export class CropBox {
  // onchange({x, y, side}) in the picture's pixels, on each change by hand.
  constructor(onchange) {
    this.onchange = onchange;
    this.corners = ['nw', 'ne', 'sw', 'se'].map((name) => h(`span.crop-corner.is-${name}`, {'data-corner': name}));
    this.box = h('div.crop-box', {tabindex: 0, role: 'group', 'aria-roledescription': 'crop box',
      onkeydown: (event) => this.onKey(event), onpointerdown: (event) => this.onGrab(event)}, this.corners);
    this.said = h('span.visually-hidden', {role: 'status'});
    this.element = h('div.crop-area', {hidden: true}, this.box, this.said);
  }

  // A picture of so many pixels, shown whole in a square frame.
  setPicture(width, height) {
    this.width = width;
    this.height = height;
    const longer = Math.max(width, height);
    this.element.style.width = `${(100 * width) / longer}%`;
    this.element.style.height = `${(100 * height) / longer}%`;
  }

  // null hides the box.
  set(crop) {
    this.crop = crop && this.inside(crop);
    this.element.hidden = !crop;
    if (crop) this.show();
  }

  inside({x, y, side}) {
    const shorter = Math.min(this.width, this.height);
    side = Math.min(Math.max(side, SMALLEST * shorter), shorter);
    return {
      side,
      x: Math.min(Math.max(x, 0), this.width - side),
      y: Math.min(Math.max(y, 0), this.height - side),
    };
  }

  show() {
    const {x, y, side} = this.crop;
    const {style} = this.box;
    style.left = `${(100 * x) / this.width}%`;
    style.top = `${(100 * y) / this.height}%`;
    style.width = `${(100 * side) / this.width}%`;
    style.height = `${(100 * side) / this.height}%`;
    this.box.setAttribute('aria-label', `Crop: ${this.text()}. Arrow keys move it, plus and minus resize it, with Shift in larger steps.`);
  }

  text() {
    const {x, y, side} = this.crop;
    return `${Math.round(side)} pixels, ${Math.round(x)} from the left, ${Math.round(y)} from the top`;
  }

  change(crop) {
    this.crop = this.inside(crop);
    this.show();
    this.onchange({...this.crop});
  }

  onKey(event) {
    const step = (event.shiftKey ? LARGE_STEP : STEP) * Math.min(this.width, this.height);
    const {x, y, side} = this.crop;
    const moves = {
      ArrowLeft: {x: x - step, y, side}, ArrowRight: {x: x + step, y, side},
      ArrowUp: {x, y: y - step, side}, ArrowDown: {x, y: y + step, side},
      '+': {x: x - step, y: y - step, side: side + 2 * step}, '-': {x: x + step, y: y + step, side: side - 2 * step},
    };
    const key = {'=': '+', '*': '+', _: '-'}[event.key] ?? event.key;
    if (!(key in moves)) return;
    event.preventDefault();
    this.change(moves[key]);
    fill(this.said, this.text());
  }

  onGrab(event) {
    event.preventDefault();
    this.box.focus({preventScroll: true});
    this.box.setPointerCapture(event.pointerId);
    const corner = event.target.dataset.corner;
    const start = {...this.crop};
    const {clientX, clientY} = event;
    const scale = this.width / this.element.getBoundingClientRect().width;
    const move = ({clientX: x, clientY: y}) => {
      const dx = (x - clientX) * scale;
      const dy = (y - clientY) * scale;
      this.change(corner ? this.resized(start, corner, dx, dy) : {...start, x: start.x + dx, y: start.y + dy});
    };
    const end = () => {
      this.box.removeEventListener('pointermove', move);
      this.box.removeEventListener('lostpointercapture', end);
    };
    this.box.addEventListener('pointermove', move);
    this.box.addEventListener('lostpointercapture', end);
  }

  // The corner follows the pointer, the opposite one stays.
  resized({x, y, side}, corner, dx, dy) {
    const right = corner.includes('e');
    const bottom = corner.includes('s');
    const grown = side + Math.max(right ? dx : -dx, bottom ? dy : -dy);
    const room = Math.min(right ? this.width - x : x + side, bottom ? this.height - y : y + side);
    const smallest = SMALLEST * Math.min(this.width, this.height);
    const next = Math.max(Math.min(grown, room), smallest);
    return {side: next, x: right ? x : x + side - next, y: bottom ? y : y + side - next};
  }
}
