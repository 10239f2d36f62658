// The shell: takes the token, shows the page that the address names, says
// whether the server answers.

import {Api, hasToken, keepToken, takeToken, tokenAtEnd} from './api.js';
import {fill, h, uniqueId} from './dom.js';
import {emptyState, errorNotice} from './ui.js';

const PAGES = {animate: 'Animate', warp: 'Warp', runs: 'Runs', motion: 'Motion'};
const SYSTEM_EVERY_MS = 5000;

const main = document.getElementById('main');
const system = document.getElementById('system');
const opened = new Map();  // name -> {section, page}
let api = null;
let facts = null;  // of the system
let isAsking = false;  // showSystem() waits for an answer

// ------------------------------------------------------------------- pages

// "#animate/ID" -> ['animate', 'ID']. People type addresses, too.
function pageOf(hash) {
  const [name, rest = ''] = hash.slice(1).split('/');
  return [Object.hasOwn(PAGES, name) ? name : 'animate', decoded(rest)];
}

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return '';
  }
}

async function showPage() {
  const [name, rest] = pageOf(location.hash);
  document.title = `${PAGES[name]} - CPAB Studio`;
  for (const link of document.querySelectorAll('.tabs a')) {
    const current = link.hash === `#${name}`;
    if (current) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
  }
  for (const [other, {section, page}] of opened) {
    if (other === name || section.hidden) continue;
    section.hidden = true;
    page?.hide?.();
  }
  const entry = opened.get(name) ?? openPage(name);
  entry.section.hidden = false;
  const page = await entry.loaded;
  // Another page may have been chosen while this one was loaded.
  if (!entry.section.hidden) page?.show?.(rest);
}

function openPage(name) {
  const section = h('div.page', {id: `page-${name}`, 'data-page': name});
  main.append(section);
  const entry = {section, page: null};
  opened.set(name, entry);
  entry.loaded = loadPage(name, section).then((page) => (entry.page = page));
  return entry;
}

async function loadPage(name, section) {
  try {
    const {mount} = await import(`./${name}.js`);
    return await mount(section, api);
  } catch (error) {
    fill(section, h('h1', PAGES[name]), errorNotice(error, () => location.reload()));
    return null;
  }
}

// ------------------------------------------------------------------- state

// One at a time: a server that hangs would get more and more requests.
async function showSystem() {
  if (document.hidden || isAsking) return;
  isAsking = true;
  try {
    facts ??= await api.getSoon('system');
    await api.refreshJobs();
  } catch {
    // setLost and "refused" have said it.
  } finally {
    isAsking = false;
  }
}

// Whoever has read the list of jobs anew.
function showJobs() {
  if (!facts) return;
  const {device, device_name: name, version} = facts;
  const running = api.jobs.filter((job) => job.state === 'running').length;
  const queued = api.jobs.filter((job) => job.state === 'queued').length;
  const text = running ? `1 job running${queued ? `, ${queued} waiting` : ''}` : `Ready on ${device}`;
  setSystem(running ? 'is-busy' : '', text, `studio ${version} on ${device}${name && ` (${name})`}`);
}

function setSystem(state, text, title) {
  if (system.textContent === text && system.firstChild?.classList.contains(state || 'dot')) return;
  system.title = title;
  fill(system, h(state ? `span.dot.${state}` : 'span.dot'), h('span', text));
}

function askForToken(refused) {
  const id = uniqueId('token');
  const input = h('input.input.mono', {id, autocomplete: 'off', spellcheck: 'false', required: true});
  const problem = h('p.field-error', {role: 'alert', hidden: true}, 'This does not end with a token. Copy the whole address.');
  const use = (event) => {
    event.preventDefault();
    const token = tokenAtEnd(input.value);
    problem.hidden = Boolean(token);
    if (!token) return;
    keepToken(token);
    location.reload();
  };
  system.replaceChildren();
  fill(main, emptyState('warning', refused ? 'The token is not valid' : 'This page needs its token',
    'Open the address that studio printed when it started. It ends with the token. Or paste it here.'),
  h('form.token-form', {onsubmit: use}, h('div.field', h('label', {for: id}, 'Address or token'), input, problem),
    h('button.button.primary', 'Continue')));
  input.focus();
}

// ------------------------------------------------------------------- start

async function start() {
  // The address of another start of studio, opened in this tab.
  window.addEventListener('hashchange', () => {
    if (hasToken(location.hash)) location.reload();
  });
  const token = await takeToken();
  if (!token) {
    askForToken(false);
    return;
  }
  api = new Api(token);
  api.addEventListener('refused', () => askForToken(true), {once: true});
  api.addEventListener('lost', () => setSystem('is-lost', 'Server does not answer', 'Is studio still running?'));
  // showSystem() may still wait for an answer.
  api.addEventListener('found', () => (facts ? api.refreshJobs() : showSystem()));
  api.addEventListener('jobs', showJobs);
  window.addEventListener('hashchange', ({oldURL}) => {
    const before = pageOf(new URL(oldURL).hash)[0];
    if (hasToken(location.hash)) return;
    showPage();
    // Another job of the same page leaves focus and place as they are.
    if (before === pageOf(location.hash)[0]) return;
    main.focus({preventScroll: true});
    window.scrollTo(0, 0);
  });
  // A file that is dropped beside its place must not replace the page.
  for (const name of ['dragover', 'drop']) window.addEventListener(name, (event) => event.preventDefault());
  showPage();
  showSystem();
  setInterval(showSystem, SYSTEM_EVERY_MS);
}

start();
