// Elements without markup in strings: text is always text, never HTML.

const SVG = 'http://www.w3.org/2000/svg';

// h('button.button.primary', {type: 'button', onclick: f}, 'Animate', icon)
//
// Attributes: `on...` are listeners; true sets an empty attribute, false, null
// and undefined leave it out; `style` is an object of properties (a string
// would be refused by the policy of the page); `value`, `checked`, `disabled`
// and the like are set as properties. Children: nodes, strings, numbers,
// arrays of these; null and false are skipped.
export function h(tag, attributes, ...children) {
  return build(tag, attributes, children, (name) => document.createElement(name));
}

// The same for SVG elements.
export function svg(tag, attributes, ...children) {
  return build(tag, attributes, children, (name) => document.createElementNS(SVG, name));
}

const PROPERTIES = new Set(['checked', 'disabled', 'hidden', 'max', 'muted', 'value']);

function build(tag, attributes, children, create) {
  if (attributes instanceof Node || typeof attributes !== 'object' || Array.isArray(attributes)) {
    children = [attributes, ...children];
    attributes = null;
  }
  const [name, ...classes] = tag.split('.');
  const element = create(name);
  if (classes.length) element.setAttribute('class', classes.join(' '));
  for (const [key, value] of Object.entries(attributes ?? {})) set(element, key, value);
  element.append(...children.flat(Infinity).filter(shown).map(textOf));
  return element;
}

function set(element, key, value) {
  if (value === null || value === undefined || value === false) return;
  if (key.startsWith('on')) {
    element.addEventListener(key.slice(2), value);
  } else if (key === 'style') {
    for (const [property, text] of Object.entries(value)) element.style.setProperty(property, text);
  } else if (PROPERTIES.has(key) && element.namespaceURI !== SVG) {
    element[key] = value;
  } else {
    element.setAttribute(key, value === true ? '' : value);
  }
}

const shown = (child) => child !== null && child !== undefined && child !== false;
const textOf = (child) => (child instanceof Node ? child : String(child));

// Puts `children` in the place of what is in the element.
export function fill(element, ...children) {
  element.replaceChildren(...children.flat(Infinity).filter(shown).map(textOf));
  return element;
}

// The same, for a list that is drawn anew: what had the focus has it again, if it
// is still there. Its `data-key` says what it is.
export function refill(element, ...children) {
  const {activeElement: focused} = document;
  const key = element.contains(focused) && focused.dataset.key;
  fill(element, ...children);
  if (key) element.querySelector(`[data-key="${CSS.escape(key)}"]`)?.focus({preventScroll: true});
  return element;
}

let counter = 0;

// An id for label-for, aria-describedby and the like.
export function uniqueId(prefix) {
  counter += 1;
  return `${prefix}-${counter}`;
}
