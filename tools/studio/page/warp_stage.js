// A warped picture with its deformed grid, velocities and cells on it.

import {h, svg} from './dom.js';

const MOST_ARROW = 0.055;  // of the longest arrow, in sides of the picture

export class WarpStage {
  constructor(label) {
    this.canvas = h('canvas', {width: 256, height: 256, role: 'img', 'aria-label': label});
    this.context = this.canvas.getContext('2d');
    this.cells = svg('path', {class: 'warp-cells'});
    this.grid = svg('path', {class: 'warp-grid'});
    this.arrows = svg('path', {class: 'warp-arrows'});
    this.overlay = svg('svg', {class: 'warp-overlay', 'aria-hidden': 'true', preserveAspectRatio: 'none'},
      this.cells, this.grid, this.arrows);
    this.element = h('div.frame.checker.warp-frame', this.canvas, this.overlay);
    this.resize(256, 256);
  }

  // Places in [0, 1] are centres of pixels: 0 is that of the first one. True
  // where it had another size: what is drawn in pixels is to be drawn anew.
  resize(width, height) {
    if (this.width === width && this.height === height) return false;
    this.width = width;
    this.height = height;
    this.canvas.width = width;
    this.canvas.height = height;
    this.element.style.aspectRatio = `${width} / ${height}`;
    this.overlay.setAttribute('viewBox', `-0.5 -0.5 ${width} ${height}`);
    return true;
  }

  // {facts, pixels} of an answer. `cells` [nx, ny] or null. As resize().
  draw({facts, pixels}, cells) {
    const isResized = this.resize(facts.width, facts.height);
    this.context.putImageData(new ImageData(pixels, facts.width, facts.height), 0, 0);
    this.grid.setAttribute('d', (facts.grid ?? []).map((line) => this.pathOf(line)).join(''));
    this.arrows.setAttribute('d', this.arrowsOf(facts.velocity ?? []));
    this.cells.setAttribute('d', cells ? this.cellsOf(...cells) : '');
    return isResized;
  }

  pixel(x, y) { return `${(x * (this.width - 1)).toFixed(2)} ${(y * (this.height - 1)).toFixed(2)}`; }

  pathOf(line) {
    let path = '';
    for (let i = 0; i < line.length; i += 2) {
      if (line[i] === null || line[i + 1] === null) continue;
      path += `${path ? 'L' : 'M'}${this.pixel(line[i], line[i + 1])}`;
    }
    return path;
  }

  arrowsOf(velocity) {
    const fastest = Math.max(1e-9, ...velocity.map(([, , vx, vy]) => Math.hypot(vx, vy)));
    if (fastest < 1e-6) return '';
    const scale = MOST_ARROW / fastest;
    return velocity.map(([x, y, vx, vy]) => {
      const dx = vx * scale, dy = vy * scale;
      const head = (turn) => this.pixel(x + dx - 0.35 * (dx - turn * dy), y + dy - 0.35 * (dy + turn * dx));
      return `M${this.pixel(x, y)}L${this.pixel(x + dx, y + dy)}M${head(0.6)}L${this.pixel(x + dx, y + dy)}L${head(-0.6)}`;
    }).join('');
  }

  // Each rectangle is cut into four triangles about its centre.
  cellsOf(nx, ny) {
    let path = '';
    const line = (x0, y0, x1, y1) => { path += `M${this.pixel(x0, y0)}L${this.pixel(x1, y1)}`; };
    for (let i = 0; i <= nx; i += 1) line(i / nx, 0, i / nx, 1);
    for (let j = 0; j <= ny; j += 1) line(0, j / ny, 1, j / ny);
    for (let i = 0; i < nx; i += 1) {
      for (let j = 0; j < ny; j += 1) {
        line(i / nx, j / ny, (i + 1) / nx, (j + 1) / ny);
        line(i / nx, (j + 1) / ny, (i + 1) / nx, j / ny);
      }
    }
    return path;
  }
}
