// What the reader can do with the text: size, theme, full screen, copy and save.

import { srt, txt } from "./subtitles.js";

const $ = (id) => document.getElementById(id);
const root = document.documentElement;

/** Set now and remembered on this machine; a browser that remembers nothing still shows it. */
function remember(name, value) {
  try {
    localStorage.setItem(name, value);
  } catch {}
}

function remembered(name) {
  try {
    return localStorage.getItem(name);
  } catch {
    return null;
  }
}

function scale(to) {
  const bounded = Math.min(3, Math.max(0.6, to));
  root.style.setProperty("--scale", bounded);
  remember("scale", bounded);
  return bounded;
}

function theme(name) {
  root.dataset.theme = name;
  remember("theme", name);
}

function original(shown) {
  $("captions").classList.toggle("no-original", !shown);
  $("original").ariaPressed = String(shown);
  remember("original", shown ? "yes" : "no");
}

function save(text, kind, type) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type }));
  link.download = `simulst-${new Date().toISOString().slice(0, 16).replace(/[T:]/g, "-")}.${kind}`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

/** Wire the toolbar to the captions. */
export function setUpView(captions, say) {
  let size = scale(Number(remembered("scale")) || 1);
  $("smaller").onclick = () => (size = scale(size / 1.15));
  $("larger").onclick = () => (size = scale(size * 1.15));

  if (remembered("theme")) theme(remembered("theme"));
  $("theme").onclick = () => {
    const system = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
    theme((root.dataset.theme ?? system) === "dark" ? "light" : "dark");
  };

  original(remembered("original") !== "no");
  $("original").onclick = () => original($("original").ariaPressed !== "true");

  $("full").hidden = !document.fullscreenEnabled;
  $("full").onclick = () => $("stage").requestFullscreen();

  $("copy").onclick = async () => {
    try {
      await navigator.clipboard.writeText(txt(captions.units));
      $("copy").textContent = "Copied";
    } catch {
      say("The browser does not let this page copy. Save the text instead.");
    }
    setTimeout(() => ($("copy").textContent = "Copy"), 1500);
  };
  $("save-txt").onclick = () => save(txt(captions.units), "txt", "text/plain;charset=utf-8");
  $("save-srt").onclick = () => save(srt(captions.units), "srt", "application/x-subrip;charset=utf-8");
}
