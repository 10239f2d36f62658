// What the user calls an upload. The server knows its ids alone, so the names
// stay in the browser.

const KEY = 'studio-names';
const MAX_NAMES = 200;

function read() {
  try {
    return JSON.parse(localStorage.getItem(KEY)) ?? {};
  } catch {
    return {};
  }
}

export function rememberName(id, name) {
  const names = Object.entries({...read(), [id]: name}).slice(-MAX_NAMES);
  localStorage.setItem(KEY, JSON.stringify(Object.fromEntries(names)));
}

// Of an upload's id; undefined where this browser did not send it.
export const knownName = (id) => read()[id];

// Of an upload's facts, or of an id alone.
export function nameOf(upload) {
  const id = upload?.id ?? upload ?? '';
  if (upload?.name) return upload.name;
  if (id.startsWith('bundled:')) return capital(id.slice('bundled:'.length));
  return read()[id] ?? (id.startsWith('job:') ? 'Motion file' : 'Upload');
}

const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);
