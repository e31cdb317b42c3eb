// Who may use the server, and what it offers: the token and the languages.

import { say, state, unsay } from "./status.js";

const $ = (id) => document.getElementById(id);
const AGAIN_MS = 3000;

/** What was typed in this tab; "" for none. */
export const token = () => sessionStorage.getItem("token") ?? "";

/** Ask for a token, saying why. */
export function askToken(why) {
  if ($("token-dialog").open) return;
  $("token-why").textContent = why;
  $("token-value").value = token();
  $("token-dialog").returnValue = "";
  $("token-dialog").showModal();
}

$("token").addEventListener("click", () => {
  askToken("Needed where the server asks for one. It is kept until this tab is closed.");
});
$("token-cancel").addEventListener("click", () => $("token-dialog").close());
$("token-dialog").addEventListener("close", () => {
  if ($("token-dialog").returnValue !== "use") return;
  sessionStorage.setItem("token", $("token-value").value.trim());
  unsay();
  languages();
});

/** Let one of some languages be chosen. */
export function offer(select, codes) {
  const names = new Intl.DisplayNames(["en"], { type: "language" });
  const before = select.value;
  select.replaceChildren(...codes.map((code) => new Option(names.of(code), code)));
  if (codes.includes(before)) select.value = before;
  select.disabled = false;
}

/** Ask the server what it can interpret; that tells too whether it lets us in. */
export async function languages() {
  let answer;
  try {
    const headers = token() ? { Authorization: `Bearer ${token()}` } : {};
    answer = await fetch(new URL("v1/languages", document.baseURI), { headers, cache: "no-store" });
    if (answer.status === 401 || answer.status === 403) {
      state("bad", "Token needed");
      askToken(
        token()
          ? "The server refused this token. Whoever runs the server can tell you the right one."
          : "This server asks for a token."
      );
      return;
    }
    if (!answer.ok) throw new Error(`it answered ${answer.status}`);
    const { source, target } = await answer.json();
    offer($("source"), source);
    offer($("target"), target);
  } catch (error) {
    state("bad", "No server");
    say(`The server does not say which languages it has: ${error.message}. Trying again …`, "server");
    setTimeout(languages, AGAIN_MS);
    return;
  }
  $("start").disabled = false;
  unsay("server");
  state("idle", "Ready");
}
