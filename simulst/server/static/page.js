// The page: controls, and what the sound, the link and the captions tell each other.

import { askToken, languages, offer, token } from "./access.js";
import { Captions } from "./captions.js";
import { Link } from "./link.js";
import { microphones, Sound, SoundError } from "./sound.js";
import { say, state, unsay } from "./status.js";
import { setUpView } from "./view.js";

const $ = (id) => document.getElementById(id);
const ROOT = new URL(".", document.baseURI); // the server may stand below a path
const QUIET_FRAMES = 60; // six seconds without sound, then the microphone is doubted
const QUIET_PEAK = 0.004;
const LAGS = 7; // the lag shown is the median of so many words

const captions = new Captions($("captions"), $("live"));
let sound = null; // while sound comes in
let link = null; // while words may come
let quiet = 0; // frames without sound
let session = null; // {first, source, base_s}: numbers of sentences, and where in the sound it begins
let lags_s = [];
let lock = null; // keeps the screen on

// -- where the sound comes from ----------------------------------------------------------------

async function listInputs() {
  const found = await microphones();
  const before = $("input").value;
  for (const option of [...$("input").options]) if (option.dataset.device) option.remove();
  for (const { id, label } of found) {
    const option = new Option(label, id);
    option.dataset.device = "yes";
    $("input").add(option, $("input").options.length - 1);
  }
  $("input").value = before;
  if ($("input").selectedIndex < 0) $("input").selectedIndex = 0;
}

$("input").addEventListener("change", () => {
  $("file-label").hidden = $("input").value !== "file";
  if ($("input").value === "file" && !$("file").files.length) $("file").click();
});
navigator.mediaDevices?.addEventListener("devicechange", listInputs);

function level(peak) {
  // 60 dB, as loudness is heard
  const filled = peak ? Math.round(100 * Math.max(0, 1 + Math.log10(peak) / 3)) : 0;
  $("level").style.setProperty("--filled", `${filled}%`);
  $("level").ariaValueNow = String(filled);
  $("level").toggleAttribute("data-hot", peak > 0.98);
}

function soundFrame({ pcm, peak }) {
  link?.push(pcm);
  level(peak);
  quiet = peak < QUIET_PEAK ? quiet + 1 : 0;
  if (quiet === 0) unsay("quiet");
  if (quiet === QUIET_FRAMES && sound?.media) {
    say("Nothing is heard. Is the right microphone chosen, and is it switched on?", "quiet");
  }
}

function soundEnded(reason, ended) {
  if (ended !== sound) return; // it was given up
  sound = null;
  level(0);
  unsay("quiet");
  if (reason) say(reason);
  if (!link) return;
  $("start").textContent = "Give up";
  link.finish();
}

// -- start and stop ----------------------------------------------------------------------------

function running(is) {
  $("start").textContent = is ? "Stop" : "Start";
  $("start").toggleAttribute("data-running", is);
  for (const id of ["source", "target", "input", "file", "token"]) $(id).disabled = is;
}

async function start() {
  unsay();
  const input = $("input").value;
  const file = $("file").files[0];
  if (input === "file" && !file) {
    say("Choose an audio file first.");
    $("file").focus();
    return;
  }
  running(true);
  $("start").disabled = true; // until there is something to stop
  state("busy", input === "file" ? "Reading the file …" : "Opening the microphone …");
  try {
    sound = await (input === "file"
      ? Sound.file(file, soundFrame, soundEnded)
      : Sound.microphone(input, soundFrame, soundEnded));
  } catch (error) {
    idle(error.message);
    if (!(error instanceof SoundError)) throw error;
    return;
  } finally {
    $("start").disabled = false;
  }
  listInputs(); // now they have names
  captions.clear();
  $("hint").hidden = true;
  $("lag").textContent = "–";
  quiet = 0;
  lags_s = [];
  const url = new URL("v1/interpret", ROOT);
  url.protocol = url.protocol.replace("http", "ws");
  const terms = { source: $("source").value, target: $("target").value, rate: sound.rate };
  link = new Link(url, token(), terms, {
    state: linkState,
    opened: linkOpened,
    event: linkEvent,
    note: (text) => say(text, "note"),
    failed: linkFailed,
  });
  stayAwake();
  await sound.start();
}

function stop() {
  if (sound) sound.stop();
  else link?.abandon(); // pressed again, while the last words are awaited
}

function idle(message) {
  sound?.stop();
  sound = null;
  link = null;
  level(0);
  running(false);
  captions.tentative(0, "", "");
  captions.announce();
  lock?.release();
  unsay("cut");
  unsay("late");
  $("lag").toggleAttribute("data-late", false);
  state(message ? "bad" : "idle", message ? "Stopped" : "Ready");
  if (message) say(message);
}

$("controls").addEventListener("submit", (event) => {
  event.preventDefault();
  if (link || sound) stop();
  else start();
});

async function stayAwake() {
  try {
    lock = await navigator.wakeLock?.request("screen");
  } catch {
    lock = null; // a phone short of power may say no
  }
}
document.addEventListener("visibilitychange", () => {
  if (link && document.visibilityState === "visible") stayAwake();
});
addEventListener("pagehide", () => link?.abandon());
addEventListener("beforeunload", (event) => {
  if (link) event.preventDefault();
});

// -- what the server says ----------------------------------------------------------------------

function linkState(name) {
  unsay("cut");
  switch (name) {
    case "connecting":
      state("busy", "Connecting …");
      break;
    case "live":
      state("live", "Live");
      break;
    case "lost":
      state("lost", "Connection lost");
      $("lag").textContent = "–";
      say(
        "The connection was lost. What is said meanwhile is kept for two minutes and sent as soon as the server is back.",
        "cut"
      );
      break;
    case "finishing":
      state("busy", "Waiting for the last words …");
      break;
    case "done":
      idle();
  }
}

function linkOpened({ source, target, follow, offers = [] }, base_s) {
  captions.languages(source, target);
  session = { first: captions.next, source: captions.next, base_s };
  $("overlay").hidden = !follow;
  $("overlay-to").hidden = !follow || offers.length < 2;
  offer($("overlay-to"), offers);
  $("overlay-to").value = target;
  $("overlay").onclick = async () => {
    const address = new URL("overlay", ROOT);
    address.searchParams.set("session", follow);
    if (offers.length > 1) address.searchParams.set("to", $("overlay-to").value);
    try {
      await navigator.clipboard.writeText(address.href);
      say(
        "The address of a page with these captions alone was copied, for OBS or a second screen.",
        "note"
      );
    } catch {
      say(`Captions alone, for OBS or a second screen: ${address.href}`, "link");
    }
  };
}

function linkEvent(event) {
  switch (event.type) {
    case "update":
      for (const word of event.words ?? []) {
        if (word.text === undefined) session.source++;
        else captions.heard(session.source, word.text);
      }
      for (const unit of event.emissions ?? []) written(unit);
      break;
    case "partial":
      captions.tentative(session.source, event.source, event.target);
      break;
    case "lag":
      $("lag").toggleAttribute("data-late", event.lag_ms > 0);
      if (event.lag_ms > 0) {
        const waiting_s = (event.lag_ms / 1000).toFixed(1);
        say(`The server is busy: ${waiting_s} s of sound are waiting.`, "late");
      } else unsay("late");
  }
}

function written({ sentence, text, space, delay_ms, spoken_ms }) {
  const shown_s = session.base_s + delay_ms / 1000;
  captions.written({ sentence: session.first + sentence, text, space, shown_s });
  for (const id of ["copy", "save-txt", "save-srt"]) $(id).disabled = false;
  lags_s = [...lags_s, link.heard_s - session.base_s - spoken_ms / 1000].slice(-LAGS);
  const median_s = lags_s.toSorted((a, b) => a - b)[lags_s.length >> 1];
  $("lag").textContent = `${median_s.toFixed(1)} s`;
}

function linkFailed({ code, message }) {
  idle(message);
  if (code === "token") askToken(message);
}

setUpView(captions, say);
listInputs();
languages();
