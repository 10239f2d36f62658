// The page that a run writes, in a frame without scripts.
//
// It inherits the policy of this page, which allows no style sheet inside of
// it, and its pictures need the token. So the frame's style is adopted and its
// pictures are fetched from here; that is what allow-same-origin is for, which
// without allow-scripts gives the run's page nothing.

import {h} from './dom.js';

// run: of the list of runs.
export async function runPageFrame(api, run) {
  const text = await api.read(`runs/${run.id}/page`, (response) => response.text());
  const frame = h('iframe.run-page', {sandbox: 'allow-same-origin', title: "The run's page", referrerpolicy: 'no-referrer'});
  const loaded = new Promise((resolve) => { frame.onload = resolve; });
  const styles = [];
  // Before it is parsed: the policy would report each.
  const unstyled = text.replace(/<style[^>]*>([^]*?)<\/style>/gi, (_, style) => {
    styles.push(style);
    return '';
  });
  frame.srcdoc = withoutAddresses(unstyled);
  loaded.then(() => finish(api, run, frame, styles));
  return frame;
}

// Addresses are relative to the run's folder; kept aside until they can be
// fetched.
function withoutAddresses(text) {
  const page = new DOMParser().parseFromString(text, 'text/html');
  for (const element of page.querySelectorAll('[src], [href]')) {
    element.dataset.source = element.getAttribute('src') ?? element.getAttribute('href');
    element.removeAttribute('src');
    element.removeAttribute('href');
  }
  for (const element of page.querySelectorAll('script, meta[http-equiv], iframe, object, embed, base, link, form, style')) element.remove();
  return `<!doctype html>${new XMLSerializer().serializeToString(page.documentElement)}`;
}

async function finish(api, run, frame, styles) {
  const page = frame.contentDocument;
  page.adoptedStyleSheets = styles.map((style) => {
    const sheet = new frame.contentWindow.CSSStyleSheet();
    sheet.replaceSync(style);
    return sheet;
  });
  for (const element of page.querySelectorAll('img[data-source], video[data-source]')) {
    try {
      const name = nameOf(element.dataset.source);
      if (!name) continue;
      element.src = await api.pictures.address(picturePath(run, name));
      if (element.tagName === 'VIDEO') element.controls = true;
    } catch {
      element.alt = `${element.alt ?? ''} (not there)`;
    }
  }
}

// A run that goes on, or begins anew, writes other pictures under the same
// names. A fragment is not sent, but to the cache it is another path.
export const picturePath = ({id, modified}, name) => `runs/${id}/pictures/${encodeURIComponent(name)}#${modified}`;

// "pictures/epoch-00001.png" as the API names it; null for anything else.
function nameOf(source) {
  const path = decodeURIComponent(source);
  if (path === 'animation.mp4') return path;
  const [, folder, name] = /^(pictures|evaluation)\/([A-Za-z0-9_][A-Za-z0-9._-]*\.png)$/.exec(path) ?? [];
  return folder === 'evaluation' ? `evaluation:${name}` : name ?? null;
}
