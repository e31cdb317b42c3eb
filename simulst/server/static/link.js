// One interpretation over the server's own wire (simulst/server/wire/own.py), kept through cuts:
// the sound is sent again from where the server has it, and no update is taken twice.

import { pause_ms } from "./backoff.js";
import { History } from "./history.js";
import { refusal } from "./refusal.js";

const KEPT_S = 120; // of sound; what a longer cut leaves out is silence, and said so
const BUFFERED_BYTES = 65536; // in the browser's socket; more would only hide a slow network
const SILENT_MS = 20000; // without a sign of the server while it owes us one
const STOPPING = "stopping"; // why a session ended, of a server that may soon be back

export class Link {
  /**
   * @param url of the websocket
   * @param token "" for none; a page cannot set headers, so it goes into the address
   * @param terms {source, target, rate}: languages, "" leaving the choice to the server, and Hz
   * @param on what is told: state(name), name being "connecting", "live", "lost", "finishing" or
   *     "done"; opened(event, base_s) for a new session, base_s being where in the sound it begins;
   *     event(event); note(text) for what the reader should know; failed({code, message}), the end
   */
  constructor(url, token, terms, on) {
    this.url = new URL(url);
    if (token) this.url.searchParams.set("token", token);
    this.token = token;
    this.terms = terms;
    this.on = on;
    this.history = new History(KEPT_S * terms.rate);
    this.base = 0; // position in the sound where the session began
    this.begun = false; // a session was opened
    this.finishing = false; // there is no more sound
    this.closed = false;
    this.attempt = 0;
    this.forget();
    this.retry = () => this.connect();
    addEventListener("online", this.retry);
    this.watch = setInterval(() => this.check(), 250);
    on.state("connecting");
    this.connect();
  }

  /** Sound so far, in seconds. */
  get heard_s() {
    return this.history.end / this.terms.rate;
  }

  /** Sound goes in as it comes, in frames of any size. */
  push(pcm) {
    this.history.push(pcm);
    this.pump();
  }

  /** No more sound: the last words are still to come, then "done". */
  finish() {
    if (this.finishing || this.closed) return;
    this.finishing = true;
    if (this.opened) this.on.state("finishing");
    this.pump();
  }

  /** Give up at once; words that have not come are lost. */
  abandon() {
    this.socket?.close(1000); // so the server knows that nobody will come back
    this.end();
    this.on.state("done");
  }

  // -- the connection ---------------------------------------------------------------------------

  forget() {
    this.session = ""; // id, once it was opened
    this.after = 0; // number of the last update
    this.spoken_ms = 0; // in the session: end of the last word that was read for an emission
  }

  connect() {
    if (this.closed || this.socket) return;
    clearTimeout(this.timer);
    // named before the handshake, so that a full server knows who has a place already
    if (this.session) this.url.searchParams.set("session", this.session);
    else this.url.searchParams.delete("session");
    const socket = new WebSocket(this.url);
    this.socket = socket;
    this.opened = false; // the session on this socket
    this.finished = false; // finish was sent on this socket
    this.sign_ms = performance.now();
    socket.onopen = () => {
      const flags = { encoding: "s16le", resumable: true, tentative: true };
      this.tell(
        this.session
          ? { type: "resume", session: this.session, after: this.after }
          : { type: "start", ...this.terms, ...flags }
      );
    };
    socket.onmessage = ({ data }) => {
      if (this.socket === socket) this.take(JSON.parse(data));
    };
    socket.onclose = () => this.cut(socket);
  }

  async cut(socket) {
    if (this.closed || this.socket !== socket) return;
    this.socket = null;
    socket.close();
    if (this.opened) {
      this.opened = false;
    } else {
      const why = await refusal(this.url, this.token);
      if (this.closed || this.socket) return;
      if (why.final || !this.begun) {
        this.fail(why);
        return;
      }
    }
    this.on.state("lost");
    this.timer = setTimeout(this.retry, pause_ms(this.attempt++));
  }

  fail(why) {
    this.end();
    this.on.failed(why);
  }

  end() {
    this.closed = true;
    removeEventListener("online", this.retry);
    clearInterval(this.watch);
    clearTimeout(this.timer);
    this.socket?.close();
  }

  // -- out --------------------------------------------------------------------------------------

  tell(message) {
    this.socket.send(JSON.stringify(message));
  }

  /** Send what the socket takes; the rest goes with the next frame or the next check. */
  pump() {
    if (!this.opened || this.finished || this.socket.readyState !== WebSocket.OPEN) return;
    while (this.socket.bufferedAmount < BUFFERED_BYTES) {
      const pcm = this.history.from(this.cursor);
      if (!pcm) break;
      this.socket.send(pcm);
      this.cursor += pcm.length;
    }
    if (this.finishing && this.cursor >= this.history.end) {
      this.finished = true;
      this.tell({ type: "finish" });
    }
  }

  check() {
    this.pump();
    const owes = this.socket && (!this.opened || this.finished || this.acked < this.cursor);
    if (!owes) this.sign_ms = performance.now();
    else if (performance.now() - this.sign_ms > SILENT_MS) this.cut(this.socket);
  }

  // -- in ---------------------------------------------------------------------------------------

  take(event) {
    this.sign_ms = performance.now();
    switch (event.type) {
      case "opened":
        this.open(event);
        break;
      case "ack":
        this.acked = this.base + event.samples;
        this.attempt = 0; // a server that only opens and breaks is not asked so often
        break;
      case "update":
        if (event.number <= this.after) break;
        this.after = event.number;
        this.spoken_ms = event.emissions?.at(-1).spoken_ms ?? this.spoken_ms;
        this.on.event(event);
        break;
      case "error":
        this.refused(event);
        break;
      case "done":
        this.done(event);
        break;
      default:
        this.on.event(event);
    }
  }

  open(event) {
    this.begun = true;
    this.opened = true;
    if (!event.resumed) {
      this.session = event.session;
      this.on.opened(event, this.base / this.terms.rate);
    }
    this.cursor = this.acked = this.base + event.taken;
    this.lost(this.history.start - this.cursor);
    this.on.state(this.finishing ? "finishing" : "live");
    this.pump();
  }

  lost(samples) {
    if (samples <= 0) return;
    const s = Math.ceil(samples / this.terms.rate);
    this.on.note(`${s} s of speech were lost: the connection was away for too long.`);
  }

  refused({ code, message, fatal }) {
    if (!fatal) this.on.note(message);
    else if (code === "overloaded" && this.begun) return; // it closes, and is asked again later
    else if (this.opened || !this.session) this.fail({ code, message });
    else {
      // it no longer has the session, as after a restart; what had been heard and not yet
      // translated is said again to the new one
      const translated = this.base + Math.round((this.spoken_ms * this.terms.rate) / 1000);
      this.on.note("The server had lost the session; a new one goes on. Some words may be missing.");
      this.renew(translated);
    }
  }

  done({ code, reason }) {
    if (code === STOPPING && !this.finishing) {
      this.renew(this.acked);
      return;
    }
    this.end();
    this.on.state("done");
    if (reason) this.on.note(`The server ended the session: ${reason}.`);
  }

  /** Begin another session with the sound from `position` on. */
  renew(position) {
    this.base = Math.max(position, this.history.start);
    this.lost(this.base - position);
    this.forget();
    const socket = this.socket;
    this.opened = false;
    this.socket = null; // so that its end is nobody's business
    socket.close();
    this.connect();
  }
}
