// Parts that several pages use: icons, error and empty states, pictures that
// keep their place, controls with their labels. Classes: head of studio.css.

import {ApiError} from './api.js';
import {fill, h, svg, uniqueId} from './dom.js';

// ------------------------------------------------------------------- icons

// Strokes in a box of 24 by 24.
const ICONS = {
  camera: 'M4 7h3l2-3h6l2 3h3v12H4zM12 16a3.500 3.500 0 1 0 0-7 3.500 3.500 0 0 0 0 7z',
  close: 'M6 6l12 12M18 6L6 18',
  copy: 'M9 9h11v11H9zM15 9V4H4v11h5',
  download: 'M12 4v11M7 11l5 5 5-5M4 20h16',
  film: 'M4 5h16v14H4zM8 5v14M16 5v14M4 9h4M4 15h4M16 9h4M16 15h4',
  image: 'M4 5h16v14H4zM4 16l5-5 4 4 3-3 4 4M15.500 9.500h.01',
  motion: 'M4 18c3-9 6-9 8-4s5 3 8-8M4 18h.01M12 14h.01M20 6h.01',
  pause: 'M8 5v14M16 5v14',
  play: 'M7 4.500v15l12-7.500z',
  reset: 'M5 12a7 7 0 1 0 2-5M5 4v4h4',
  stop: 'M6 6h12v12H6z',
  trash: 'M5 7h14M10 7V4h4v3M7 7l1 13h8l1-13',
  upload: 'M12 20V9M7 13l5-5 5 5M4 4h16',
  warning: 'M12 4l9 16H3zM12 10v5M12 17.500h.01',
};

export function icon(name) {
  return svg('svg', {viewBox: '0 0 24 24', width: 20, height: 20, fill: 'none', stroke: 'currentColor',
    'stroke-width': 1.8, 'stroke-linecap': 'round', 'stroke-linejoin': 'round', 'aria-hidden': 'true'},
  svg('path', {d: ICONS[name]}));
}

// ------------------------------------------------------------------ states

// What went wrong, what to do, and a button to try again where `retry` is given.
export function errorNotice(error, retry) {
  const known = error instanceof ApiError;
  if (!known) console.error(error);
  const advice = known ? error.advice : 'Reload the page. If it happens again, the console of the browser says more.';
  return h('div.notice.error', {role: 'alert'},
    h('h3', known ? error.message : `The page has a fault: ${error.message}`),
    advice && h('p', advice),
    retry && h('div.row', h('button.button.slim', {type: 'button', onclick: retry}, 'Try again')));
}

export function emptyState(iconName, title, text, ...actions) {
  return h('div.empty', icon(iconName), h('h3', title), h('p', text), ...actions);
}

// Shows what `load` returns (nodes) in `element`: until then `waiting`, and an
// error with a button to try again where it fails.
export async function loadInto(element, waiting, load) {
  element.setAttribute('aria-busy', 'true');
  fill(element, waiting);
  try {
    fill(element, await load());
  } catch (error) {
    fill(element, errorNotice(error, () => loadInto(element, waiting, load)));
  } finally {
    element.removeAttribute('aria-busy');
  }
}

// Scrolls there unless its beginning is in the window.
export function bringIntoView(element) {
  const {top} = element.getBoundingClientRect();
  if (top < 0 || top > innerHeight / 2) element.scrollIntoView({block: 'start', behavior: 'smooth'});
}

// A sentence at the corner of the page, which readers of the screen hear.
export function toast(text) {
  const remove = () => message.remove();
  const message = h('div.toast', h('span', text),
    h('button', {type: 'button', 'aria-label': 'Close message', onclick: remove}, icon('close')));
  document.getElementById('toasts').append(message);
  setTimeout(remove, 6000);
}

// ---------------------------------------------------------------- pictures

// Shows the picture of an API path in an img. The former one stays until the
// new one is there, so that nothing flickers. False where it failed, or where
// another picture was asked for meanwhile.
export async function showPicture(image, api, path, options) {
  image.dataset.path = path;
  try {
    const address = await api.pictures.address(path, options);
    if (image.dataset.path !== path) return false;
    image.src = address;
    await image.decode();
    return image.dataset.path === path;
  } catch (error) {
    if (image.dataset.path === path) image.removeAttribute('src');
    if (error instanceof ApiError || error.name === 'EncodingError') return false;
    throw error;
  }
}

const thumbs = new WeakMap();  // image -> [api, path]
const seen = new IntersectionObserver((entries) => {
  for (const {target, isIntersecting} of entries) {
    if (!isIntersecting) continue;
    seen.unobserve(target);
    showPicture(target, ...thumbs.get(target), {isLast: true});
  }
}, {rootMargin: '200px'});

// Shows a small picture of a list once it is scrolled to, and after the large
// ones.
export function showThumb(image, api, path) {
  thumbs.set(image, [api, path]);
  seen.observe(image);
}

// ---------------------------------------------------------------- controls

// A label over a control; the hint below is read with it.
export function field(label, control, hint) {
  const id = control.id || uniqueId('field');
  control.id = id;
  const note = hint && h('p.hint', {id: `${id}-hint`}, hint);
  if (note) control.setAttribute('aria-describedby', note.id);
  return h('div.field', h('label', {for: id}, label), control, note);
}

// options: [[value, text] or value...].
export function select(options, value, onchange) {
  const control = h('select.select', {onchange: () => onchange?.(control.value)});
  setOptions(control, options, value);
  return control;
}

export function setOptions(control, options, value) {
  fill(control, options.map((option) => {
    const [name, text] = Array.isArray(option) ? option : [option, option];
    return h('option', {value: name}, text);
  }));
  control.value = value;
  if (control.selectedIndex < 0) control.selectedIndex = 0;
}

// A slider with its label before it and its value behind it. format(number) is
// the text of the value. Returns {element, input, set(value)}.
export function range(label, {min, max, step, value, format = String, oninput}) {
  const id = uniqueId('range');
  const shown = h('output.range-value', {for: id});
  const show = () => {
    shown.value = format(Number(input.value));
    input.setAttribute('aria-valuetext', shown.value);
  };
  const input = h('input.range', {id, type: 'range', min, max, step, value,
    oninput: () => { show(); oninput?.(Number(input.value)); }});
  // Chromium limits a value by the former max where value is set before it.
  input.max = max;
  input.value = value;
  show();
  return {
    element: h('div.field.inline', h('label', {for: id}, label), input, shown),
    input,
    set(number) { input.value = number; show(); },
  };
}

export function toggle(label, checked, onchange) {
  const input = h('input', {type: 'checkbox', role: 'switch', checked, onchange: () => onchange(input.checked)});
  return h('label.switch', input, h('span', label));
}

// One of few. Returns a fieldset whose element.value is the chosen one.
export function segmented(legend, options, value, onchange, {hideLegend = false} = {}) {
  return choice('segmented', 'radio', legend, options, [value], hideLegend, (element, changed) => {
    element.value = changed;
    onchange?.(changed);
  });
}

// Some of few. Returns a fieldset whose element.values are those chosen, in the
// order of the options.
export function chips(legend, options, values, onchange) {
  return choice('chips', 'checkbox', legend, options, values, false, (element) => {
    element.values = [...element.querySelectorAll('input:checked')].map((input) => input.value);
    onchange?.(element.values);
  });
}

function choice(kind, type, legend, options, values, hideLegend, changed) {
  const name = uniqueId(kind);
  const element = h(`fieldset.${kind}`, h(hideLegend ? 'legend.visually-hidden' : 'legend', legend),
    h('div', options.map((option) => {
      const [value, text] = Array.isArray(option) ? option : [option, option];
      return h('label', h('input', {type, name, value, checked: values.includes(value),
        onchange: () => changed(element, value)}), text);
    })));
  element.value = values[0];
  element.values = values;
  return element;
}

// Text with a button that copies it.
// Lines break between words, not behind the dashes of a flag.
export function codeBlock(text, what = 'command') {
  const code = h('pre.code', {tabindex: 0}, text.split(/( |\n)/).map(codeWord));
  return h('div.code-block', code, copyButton(code, what));
}

function codeWord(word) {
  const [, flag, value] = /^('?--\w+=?)(.*)$/.exec(word) ?? [];
  return flag ? h('span.word', h('span.flag', flag), value) : word;
}

export function copyButton(element, what) {
  return h('button.button.slim.icon-only', {type: 'button', 'aria-label': `Copy the ${what}`, title: `Copy the ${what}`,
    onclick: async () => {
      try {
        await navigator.clipboard.writeText(element.textContent);
        toast(`Copied the ${what}.`);
      } catch {
        // Browsers have a clipboard for pages over HTTPS and of this machine.
        getSelection().selectAllChildren(element);
        toast('Press Ctrl+C to copy.');
      }
    }}, icon('copy'));
}

// What the user has told the system.
export const likesLessMotion = () => matchMedia('(prefers-reduced-motion: reduce)').matches;

// Frees what a video has loaded, which goes on without its address.
export function unload(video) {
  video.onloadeddata = null;
  video.removeAttribute('src');
  video.load();
}

// Saves a blob as a file.
export function saveBlob(blob, name) {
  const address = URL.createObjectURL(blob);
  h('a', {href: address, download: name}).click();
  setTimeout(() => URL.revokeObjectURL(address), 60000);
}
