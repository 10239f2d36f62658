// The colour of each keypoint set, as the panels and pictures of the programs
// have it (ColorOfSet in pipelines/report/visualize.cc).

const ARCS = [
  [15, [1, 0, 0], [1, 1, 0]], [6, [1, 1, 0], [0, 1, 0]], [4, [0, 1, 0], [0, 1, 1]],
  [11, [0, 1, 1], [0, 0, 1]], [13, [0, 0, 1], [1, 0, 1]], [6, [1, 0, 1], [1, 0, 0]],
];
const STEPS = ARCS.reduce((sum, [steps]) => sum + steps, 0);
const GOLDEN_RATIO = 0.6180339887498949;

// `number` counts from 1.
export function colourOfSet(number) {
  const hue = 0.03 + (number - 1) * GOLDEN_RATIO;
  const [r, g, b] = wheel(hue - Math.floor(hue)).map((part) => Math.round(60 + 195 * part));
  return `rgb(${r} ${g} ${b})`;
}

function wheel(turn) {
  let at = turn * STEPS;
  for (const [steps, from, to] of ARCS) {
    if (at < steps) return from.map((part, i) => part + (to[i] - part) * (at / steps));
    at -= steps;
  }
  return ARCS[0][1];
}
