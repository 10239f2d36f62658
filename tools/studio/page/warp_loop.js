// Requests of the Warp page, so that the picture follows the hand: one in
// flight, the newest wins; and how long the picture takes.

// Calls send(newest wish) whenever there is one and none is in flight. send
// returns a promise and handles its own errors.
export class NewestWins {
  constructor(send) {
    this.send = send;
    this.wish = null;
    this.running = false;
  }

  ask(wish) {
    this.wish = wish;
    if (!this.running) this.run();
  }

  async run() {
    this.running = true;
    while (this.wish !== null) {
      const wish = this.wish;
      this.wish = null;
      await this.send(wish);
    }
    this.running = false;
  }
}

const MAX_SAMPLES = 300;

// From the pointer's move to the painted picture, in milliseconds. Every move
// counts, up to the first picture that was made from it or from a later one.
export class Latency {
  constructor(onchange) {
    this.onchange = onchange;
    this.waiting = [];  // times of moves that no request has yet
    this.samples = [];
  }

  moved(time) { this.waiting.push(time); }

  // A request leaves: takes the moves that it answers.
  sent() { return this.waiting.splice(0); }

  // The picture of a request with these moves is drawn; when it is painted, the
  // time counts.
  drawn(moves) {
    if (!moves.length) return;
    afterPaint((now) => {
      this.samples.push(...moves.map((time) => now - time));
      this.samples.splice(0, this.samples.length - MAX_SAMPLES);
      this.onchange?.(this);
    });
  }

  quantile(share) {
    const sorted = [...this.samples].sort((a, b) => a - b);
    return sorted.length ? sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] : null;
  }
}

// A message that is posted before a frame is painted arrives after it.
function afterPaint(done) {
  requestAnimationFrame(() => {
    const {port1, port2} = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      done(performance.now());
    };
    port2.postMessage(null);
  });
}

// The bytes of an answer of /warp as {facts, pixels}.
export function parseAnswer(buffer) {
  const length = new DataView(buffer).getUint32(0, true);
  const facts = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length)));
  return {facts, pixels: new Uint8ClampedArray(buffer, 4 + length)};
}
