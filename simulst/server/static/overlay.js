// Captions alone, following a session that somebody else speaks in.
//
//   overlay?session=KEY      the `follow` key of the session
//     &token=T               where the server asks for one
//     &to=fr                 another language than the speaker's page shows, where there are several;
//                            a choice appears while the pointer is on the page
//     &size=48&lines=2       pixels, and lines that are seen
//     &color=white&outline=black&align=left
//     &tentative=1           also what may still change, dimmer
//     &hold=10               seconds after the last word until the captions fade; 0 for never

import { pause_ms } from "./backoff.js";

const $ = (id) => document.getElementById(id);
const asked = new URLSearchParams(location.search);
const figure = (name, least, most, otherwise) => {
  const value = Number(asked.get(name) || otherwise);
  return Number.isFinite(value) ? Math.min(most, Math.max(least, value)) : otherwise;
};

const style = document.documentElement.style;
style.setProperty("--size", `${figure("size", 8, 400, 48)}px`);
style.setProperty("--lines", figure("lines", 1, 20, 2));
for (const [name, property] of [["color", "color"], ["outline", "color"], ["align", "text-align"]]) {
  const value = asked.get(name);
  if (value && CSS.supports(property, value)) style.setProperty(`--${name}`, value);
}

const HOLD_MS = 1000 * figure("hold", 0, 3600, 10);
const KEPT = 30; // sentences; more than any number of lines shows
const SHOWN_MS = 4000; // a cut shorter than this is not worth a word on the screen

let after = 0; // number of the last update
let line = null; // the sentence that grows
let sentence = -1; // number of the one that is being spoken; not known before the first word
let again = true; // whether the server can repeat what was missed
let units = 0;
let space = " ";
let attempt = 0;
let fading = 0;
let complaint = 0;

function note(text) {
  clearTimeout(complaint);
  if (text) complaint = setTimeout(() => ($("note").textContent = text), SHOWN_MS);
  else $("note").textContent = "";
}

function fresh() {
  $("window").classList.remove("old");
  clearTimeout(fading);
  if (HOLD_MS) fading = setTimeout(() => $("window").classList.add("old"), HOLD_MS);
}

/** The sentence that grows: a span of committed text, and one of what may still change. */
function grow(number) {
  if (line?.number === number) return;
  partial({ target: "" });
  const block = document.createElement("p");
  const [committed, tentative] = ["committed", "tentative"].map((name) => {
    const span = document.createElement("span");
    span.className = name;
    block.append(span);
    return span;
  });
  tentative.ariaHidden = "true";
  $("text").append(block);
  if ($("text").childElementCount > KEPT) $("text").firstChild.remove();
  line = { number, committed, tentative };
}

function update({ number, words = [], emissions = [] }) {
  if (number <= after) return; // seen before the connection was cut
  after = number;
  if (sentence >= 0) sentence += words.filter((word) => word.text === undefined).length;
  for (const unit of emissions) {
    sentence = Math.max(sentence, unit.sentence);
    grow(unit.sentence);
    if (units++ > 0) space = unit.space;
    line.committed.append((line.committed.hasChildNodes() ? unit.space : "") + unit.text);
  }
  if (emissions.length) fresh();
}

function partial({ target }) {
  if (target && sentence >= 0) grow(sentence);
  if (!line) return;
  line.tentative.textContent = target && (line.committed.hasChildNodes() ? space : "") + target;
  if (target) fresh();
}

/** Let another language be chosen, where there are several; it is then in the address. */
function offer(codes, chosen) {
  const names = new Intl.DisplayNames(["en"], { type: "language" });
  $("language").replaceChildren(...codes.map((code) => new Option(names.of(code), code)));
  $("language").value = chosen;
  $("language").hidden = codes.length < 2;
}

$("language").addEventListener("change", () => {
  asked.set("to", $("language").value);
  location.search = asked;
});

function connect() {
  const address = new URL("v1/follow", document.baseURI);
  address.protocol = address.protocol.replace("http", "ws");
  address.searchParams.set("session", asked.get("session") ?? "");
  for (const name of ["token", "tentative", "to"]) {
    if (asked.get(name)) address.searchParams.set(name, asked.get(name));
  }
  if (again) address.searchParams.set("after", after);
  const socket = new WebSocket(address);
  let over = false;
  let reason = "No connection to the captions; trying again …";
  socket.onmessage = ({ data }) => {
    const event = JSON.parse(data);
    switch (event.type) {
      case "opened":
        attempt = 0;
        again = true;
        note("");
        if (event.target) $("text").lang = event.target;
        offer(event.offers ?? [], event.target);
        break;
      case "update":
        update(event);
        break;
      case "partial":
        partial(event);
        break;
      case "error":
        again = event.code !== "gone";
        reason = event.message;
        break;
      case "done":
        over = true; // the captions stay until they fade
        partial({ target: "" });
    }
  };
  socket.onclose = () => {
    if (over) return;
    if (!attempt) note(reason);
    setTimeout(connect, pause_ms(attempt++));
  };
}

if (asked.get("session")) connect();
else $("note").textContent = "The address lacks ?session=…: take it from the button “Overlay link” of the page.";
