// The page's one way to the server: every request has the token, every failure
// becomes an ApiError that says what to do, progress comes as events.
//
// The API itself is described in openapi.json.

const BASE = 'api/v1/';
const TOKEN_KEY = 'studio-token';
const TOKEN_IN_HASH = /^#([A-Za-z0-9_-]{20,})$/;
// Quotes and points are copied along with an address. What is behind a slash is
// the id of a job.
const TOKEN_AT_END = /(?:^|[^\w/-])([\w-]{20,})[^\w-]*$/;
// Tabs of one browser may share the token: a new one asks the open ones.
const TAB_CHANNEL = 'studio-token';
const TAB_ANSWER_MS = 400;
// What the server has at hand comes sooner than this, unless it hangs, cannot be
// reached, or all connections of the browser are in use.
const SOON_MS = 15000;

// What to do about an error where only the page can know it. The server's own
// sentences say it themselves.
const ADVICE = {
  unauthenticated: 'Open the address that studio printed when it started; it ends with the token.',
  permission_denied: 'Open the address that studio printed when it started.',
  offline: 'Is the program studio still running? Start it again and open the address that it prints.',
  upload_too_long: 'Shorten or scale down the file, or start studio with a larger --max_upload.',
  quota_full: 'Delete some uploads or jobs, or start studio with a larger --quota.',
  disk_short: 'Free some space on the machine on which studio runs.',
  upload_cut: 'Try again. A folder, or a file that is changed meanwhile, cannot be sent.',
};

const CODE_OF_STATUS = {
  401: 'unauthenticated', 403: 'permission_denied', 404: 'not_found', 413: 'too_large',
  415: 'unsupported_media', 429: 'busy', 503: 'unavailable', 507: 'disk_full',
};

export class ApiError extends Error {
  // `status` 0: no answer came. `field`: the part of the request that is wrong,
  // as the API names it, or ''.
  constructor(status, code, message, field = '') {
    super(message);
    this.name = 'ApiError';
    this.status = status;
    this.code = code;
    this.field = field;
  }

  get advice() {
    return ADVICE[this.code] ?? ADVICE[CODE_OF_STATUS[this.status]] ?? '';
  }
}

// Messages of the server begin with a small letter, or with a file's name.
const sentence = (text) => text?.replace(/^[a-z](?=[a-z]*[ ,:])/, (letter) => letter.toUpperCase());

// ------------------------------------------------------------------- token

export const hasToken = (hash) => TOKEN_IN_HASH.test(hash);

// That of an address, or of a part of it, that was pasted; undefined where it
// ends with none.
export const tokenAtEnd = (text) => TOKEN_AT_END.exec(text)?.[1];

// From the address, whose hash it then leaves; else this tab's; else that of
// another open tab; else ''.
export async function takeToken() {
  const given = TOKEN_IN_HASH.exec(location.hash);
  if (given) {
    sessionStorage.setItem(TOKEN_KEY, given[1]);
    history.replaceState(null, '', location.pathname);
  }
  const token = sessionStorage.getItem(TOKEN_KEY) ?? await askOtherTabs();
  if (token) keepToken(token);
  return token;
}

export function keepToken(token) {
  sessionStorage.setItem(TOKEN_KEY, token);
  answerOtherTabs(token);
}

let answering = null;

function answerOtherTabs(token) {
  answering?.close();
  answering = new BroadcastChannel(TAB_CHANNEL);
  answering.onmessage = ({data}) => {
    if (data?.ask) answering.postMessage({token});
    if (data?.refused === token) forgetToken(token);
  };
}

// One that the server does not know (any more): all tabs that have it drop it. A
// new one may be in its place already.
function forgetToken(token) {
  if (sessionStorage.getItem(TOKEN_KEY) !== token) return;
  sessionStorage.removeItem(TOKEN_KEY);
  answering.postMessage({refused: token});
  answering.close();
}

function askOtherTabs() {
  const channel = new BroadcastChannel(TAB_CHANNEL);
  return new Promise((resolve) => {
    const end = (token) => {
      clearTimeout(timer);
      channel.close();
      resolve(token);
    };
    const timer = setTimeout(() => end(''), TAB_ANSWER_MS);
    channel.onmessage = ({data}) => {
      if (typeof data?.token === 'string') end(data.token);
    };
    channel.postMessage({ask: true});
  });
}

// ---------------------------------------------------------------- requests

export class Api extends EventTarget {
  // Events: "lost" and "found" when the server stops or starts to answer,
  // "refused" when it does not know the token (any more), "jobs" when the list
  // of jobs was read, "disk" when an upload was sent, or an upload or job
  // deleted.
  constructor(token) {
    super();
    this.token = token;
    this.lost = false;
    this.heard = 0;  // when something came last
    this.jobs = null;  // of the last refreshJobs()
    this.pictures = new PictureCache(this);
  }

  // The answer's JSON. `json` is sent as the body where it is given.
  async get(path, options) { return this.read(path, (response) => response.json(), options); }
  async post(path, json, options) { return this.get(path, {method: 'POST', json, ...options}); }
  async blob(path, options) { return this.read(path, (response) => response.blob(), options); }

  async remove(path) {
    await this.fetch(path, {method: 'DELETE'});
    this.dispatchEvent(new Event('disk'));
  }

  // The same as get(path), for at most so long. The server is not lost where
  // something else has come meanwhile.
  async getSoon(path, ms = SOON_MS) {
    const begun = performance.now();
    const signal = AbortSignal.timeout(ms);
    try {
      return await this.get(path, {signal});
    } catch (error) {
      throw signal.aborted ? this.noAnswer(begun) : error;
    }
  }

  // What `take` reads of the Response. An answer that is cut off is none.
  async read(path, take, options) { return this.answered(take(await this.fetch(path, options))); }

  // The Response, whose status is 200 to 299. Throws ApiError, or an AbortError
  // where options.signal ended it.
  async fetch(path, {method = 'GET', json, body, signal, cache = 'no-store', headers = {}} = {}) {
    const sent = {Authorization: `Bearer ${this.token}`, ...headers};
    if (json !== undefined) {
      sent['Content-Type'] = 'application/json';
      body = JSON.stringify(json);
    }
    const response = await this.answered(fetch(BASE + path, {method, body, signal, headers: sent, cache}));
    if (!response.ok) throw this.refusal(response.status, await this.answered(response.text()));
    return response;
  }

  // What the promise of a header or of a body gives.
  async answered(promise) {
    try {
      const answer = await promise;
      this.hear();
      return answer;
    } catch (error) {
      // Not that of `signal`, and not JSON that is none.
      throw error instanceof TypeError ? this.noAnswer() : error;
    }
  }

  hear() {
    this.heard = performance.now();
    this.setLost(false);
  }

  noAnswer(begun = Infinity) {
    if (this.heard <= begun) this.setLost(true);
    return new ApiError(0, 'offline', 'The server does not answer.');
  }

  // Reads the list of jobs for all who listen to "jobs", and returns it. Where
  // the server does not give it, as it was: "lost" or "refused" says why.
  async refreshJobs() {
    try {
      this.jobs = await this.getSoon('jobs');
      this.dispatchEvent(new Event('jobs'));
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
    }
    return this.jobs ?? [];
  }

  // Sends a file and tells how much of it is sent: onprogress(0 to 1).
  upload(kind, file, {onprogress = () => {}, signal} = {}) {
    return new Promise((resolve, reject) => {
      const request = new XMLHttpRequest();
      request.open('POST', `${BASE}uploads?kind=${kind}`);
      request.setRequestHeader('Authorization', `Bearer ${this.token}`);
      request.setRequestHeader('Content-Type', 'application/octet-stream');
      request.upload.onprogress = (event) => {
        this.heard = performance.now();
        onprogress(event.total ? event.loaded / event.total : 0);
      };
      // What is sent whole is kept by the server, also where nobody waits for the
      // answer any more.
      let isSent = false, isUnwanted = false;
      request.upload.onload = () => { isSent = true; };
      request.onload = () => {
        this.hear();
        if (isUnwanted) {
          if (request.status === 201) this.remove(`uploads/${JSON.parse(request.responseText).id}`).catch(() => {});
          return;
        }
        if (request.status !== 201) {
          reject(this.refusal(request.status, request.responseText));
          return;
        }
        resolve(JSON.parse(request.responseText));
        this.dispatchEvent(new Event('disk'));
      };
      request.onerror = () => this.explainBrokenUpload(file.size).then(reject);
      request.onabort = () => reject(new DOMException('The upload was ended.', 'AbortError'));
      signal?.addEventListener('abort', () => {
        isUnwanted = isSent;
        if (isUnwanted) request.onabort();
        else request.abort();
      });
      request.send(file);
    });
  }

  // A server that refuses a body while it is being sent closes the connection,
  // and browsers then do not show its answer.
  async explainBrokenUpload(size) {
    try {
      const {limits, disk} = await this.getSoon('system');
      if (size > limits.max_upload) {
        return new ApiError(0, 'upload_too_long', `The file is too large. Files may have up to ${bytesText(limits.max_upload)}.`);
      }
      if (size > disk.quota - disk.used) {
        return new ApiError(0, 'quota_full', `There is no room for the file. ${diskText(disk)}`);
      }
      if (size > disk.room) {
        return new ApiError(0, 'disk_short', 'The disk has no room for the file.');
      }
      return new ApiError(0, 'upload_cut', 'The upload was cut off.');
    } catch (error) {
      return error;
    }
  }

  refusal(status, text) {
    let error = {};
    try {
      error = JSON.parse(text).error ?? {};
    } catch {
      // Not from the API: a proxy, or a cut answer. The status has to do.
    }
    if (status === 401) {
      forgetToken(this.token);
      this.dispatchEvent(new Event('refused'));
    }
    return new ApiError(status, error.code ?? CODE_OF_STATUS[status] ?? 'unknown',
      sentence(error.message) ?? `The server answered with status ${status}.`, error.field);
  }

  setLost(lost) {
    if (lost === this.lost) return;
    this.lost = lost;
    this.dispatchEvent(new Event(lost ? 'lost' : 'found'));
  }

  // Follows server-sent events until isDone() is true after one: handlers has a
  // function for each event name, called with its data. Connects again where
  // they end before, with growing pauses, as long as `signal` is not aborted.
  async follow(path, handlers, isDone, signal) {
    for (let pause = 500; !signal.aborted; pause = Math.min(pause * 2, 8000)) {
      try {
        const response = await this.fetch(path, {signal, headers: {Accept: 'text/event-stream'}});
        await readEvents(response.body, () => this.hear(), (name, data) => {
          pause = 250;
          handlers[name]?.(data);
        });
      } catch (error) {
        if (signal.aborted) return;
        if (error instanceof ApiError && error.status !== 0 && error.status < 500) throw error;
        this.setLost(true);
      }
      if (isDone()) return;
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
  }
}

// Calls handle(name, data) for each event of a stream of text/event-stream, and
// hear() whenever a part of it comes.
async function readEvents(stream, hear, handle) {
  const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  for (;;) {
    const {value, done} = await reader.read();
    if (done) return;
    hear();
    text += value.replaceAll('\r\n', '\n');
    const events = text.split('\n\n');
    text = events.pop();
    for (const event of events) handleEvent(event, handle);
  }
}

function handleEvent(text, handle) {
  let name = 'message';
  const data = [];
  for (const line of text.split('\n')) {
    if (line.startsWith('event:')) name = line.slice(6).trim();
    if (line.startsWith('data:')) data.push(line.slice(5).trimStart());
  }
  if (data.length) handle(name, JSON.parse(data.join('\n')));
}

// ---------------------------------------------------------------- pictures

const MAX_CACHED_PICTURES = 400;
// Browsers have six connections to a server, and the server decodes two pictures
// at a time.
const PICTURES_AT_A_TIME = 2;

// Pictures of the server as blob addresses, the last few hundred kept.
class PictureCache {
  constructor(api) {
    this.api = api;
    this.addresses = new Map();
    this.running = 0;
    this.waiting = [];  // functions that begin a request
  }

  // The address of the picture at an API path, for img.src. isLast: others that
  // wait come first.
  async address(path, {isLast = false} = {}) {
    const kept = this.addresses.get(path);
    if (kept) return kept;
    const promise = this.read(path, isLast).then((blob) => URL.createObjectURL(blob));
    this.addresses.set(path, promise);
    promise.catch(() => this.addresses.delete(path));
    this.forgetOldest();
    return promise;
  }

  // The blob, once it is its turn.
  read(path, isLast) {
    return new Promise((resolve, reject) => {
      const begin = async () => {
        try {
          // The server says which pictures the browser may keep.
          resolve(await this.api.blob(path, {cache: 'default'}));
        } catch (error) {
          reject(error);
        }
        this.running -= 1;
        this.beginNext();
      };
      if (isLast) this.waiting.push(begin);
      else this.waiting.unshift(begin);
      this.beginNext();
    });
  }

  beginNext() {
    while (this.running < PICTURES_AT_A_TIME && this.waiting.length) {
      this.running += 1;
      this.waiting.shift()();
    }
  }

  forgetOldest() {
    if (this.addresses.size <= MAX_CACHED_PICTURES) return;
    const [path, promise] = this.addresses.entries().next().value;
    this.addresses.delete(path);
    promise.then((address) => URL.revokeObjectURL(address), () => {});
  }
}

// ------------------------------------------------------------------- words

export function bytesText(bytes) {
  for (const unit of ['B', 'KB', 'MB', 'GB']) {
    if (bytes < 999.5 || unit === 'GB') return `${bytes < 9.95 && unit !== 'B' ? bytes.toFixed(1) : Math.round(bytes)} ${unit}`;
    bytes /= 1000;
  }
}

// Of what `system` says of it.
export function diskText({stored, used, quota}) {
  const reserved = used > stored ? `, and ${bytesText(used - stored)} are reserved for what runs` : '';
  return `Uploads and jobs use ${bytesText(stored)} of ${bytesText(quota)}${reserved}.`;
}

// 75 -> "1 min 15 s".
export function secondsText(seconds) {
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  const minutes = Math.round(whole / 60);
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

// How long ago a moment (RFC 3339) is.
export function agoText(moment) {
  const seconds = (Date.now() - Date.parse(moment)) / 1000;
  if (seconds < 60) return 'just now';
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 86400) return `${Math.floor(seconds / 3600)} h ago`;
  return new Date(moment).toLocaleDateString(undefined, {day: 'numeric', month: 'short'});
}
