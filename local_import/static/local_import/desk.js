// The operator's pages: what keeps them up to date, and what a browser does better than a server.
"use strict";

(() => {
  const EAGER_MS = 3_000; // while somebody is at work on the page
  const CALM_MS = 30_000;
  const CALM_AFTER_MS = 60_000; // without key or pointer
  const MISSES = 3; // until the page says that it is out of date
  let touched = Date.now();
  let asked = 0;
  let missed = 0;

  const one = (id) => document.getElementById(id);
  const isWanted = () => localStorage.getItem("live") !== "off";

  // A part is left alone while somebody is in it: focus, selected text or an open dialog would be lost.
  const isInUse = (part) => {
    const selection = getSelection();
    return part.contains(document.activeElement) || part.querySelector("dialog[open]") !== null
      || (selection && !selection.isCollapsed && part.contains(selection.anchorNode));
  };

  const ask = () => {
    const calm = Date.now() - touched > CALM_AFTER_MS;
    if (document.hidden || !isWanted() || Date.now() - asked < (calm ? CALM_MS : EAGER_MS)) return;
    asked = Date.now();
    for (const part of document.querySelectorAll("[data-live]")) {
      if (!isInUse(part)) htmx.trigger(part, "desk:ask");
    }
  };

  const heard = () => {
    missed = 0;
    one("stale").hidden = true;
    const now = new Date();
    one("as-of").dateTime = now.toISOString();
    one("as-of").textContent = now.toLocaleTimeString("en-GB");
    const rests = document.querySelector("[data-live]") === null;
    const cameToRest = rests && !one("freshness").hidden;
    one("freshness").hidden = rests;
    if (cameToRest) document.querySelectorAll("[data-once]").forEach(lookAgain);
  };

  const missing = (event) => {
    const told = event.detail.elt.querySelector("[data-failed]"); // a part that is asked for once
    if (told) {
      event.detail.elt.setAttribute("aria-busy", "false");
      event.detail.elt.querySelector(".busy").hidden = true;
      told.hidden = false;
      return;
    }
    missed += 1;
    one("stale").hidden = missed < MISSES;
  };

  // What was unfolded stays unfolded.
  let unfolded = new Set();
  const nameOf = (details) => details.id || details.querySelector("summary").textContent.trim();
  const remember = (event) => {
    const open = event.detail.target.querySelectorAll("details[open]");
    unfolded = new Set([...open].map(nameOf));
  };
  const unfold = (event) => {
    for (const details of event.detail.elt.querySelectorAll("details")) {
      if (unfolded.has(nameOf(details))) details.open = true;
    }
  };

  const copy = async (button) => {
    const text = button.dataset.copy;
    if (navigator.clipboard) await navigator.clipboard.writeText(text);
    else copyWithoutClipboard(text); // over plain HTTP there is none
    const word = button.textContent;
    button.textContent = button.dataset.done;
    setTimeout(() => { button.textContent = word; }, 2_000);
  };
  const copyWithoutClipboard = (text) => {
    const field = document.body.appendChild(document.createElement("textarea"));
    field.value = text;
    field.select();
    document.execCommand("copy");
    field.remove();
  };

  const lookAgain = (part) => {
    const address = new URL(location);
    address.searchParams.set("part", part.id.replace("part-", ""));
    part.setAttribute("aria-busy", "true");
    const how = { source: part, target: part, swap: "outerHTML" }; // of one source, htmx keeps one waiting
    htmx.ajax("GET", address.pathname + address.search, how);
  };

  document.addEventListener("htmx:beforeSwap", remember);
  document.addEventListener("htmx:afterSwap", unfold);
  document.addEventListener("htmx:afterOnLoad", heard);
  document.addEventListener("htmx:sendError", missing);
  document.addEventListener("htmx:timeout", missing);
  document.addEventListener("htmx:responseError", (event) => {
    const notice = { 401: "signed-out", 404: "gone" }[event.detail.xhr.status];
    if (notice) one(notice).hidden = false;
    else missing(event);
  });
  for (const kind of ["pointermove", "keydown"]) {
    document.addEventListener(kind, () => { touched = Date.now(); }, { passive: true });
  }
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-copy]");
    if (button) copy(button);
    const again = event.target.closest("[data-again]"); // parts that are asked for by hand
    if (again) for (const part of again.dataset.again.split(" ")) lookAgain(one(`part-${part}`));
  });
  const live = one("live");
  const press = () => live.setAttribute("aria-pressed", String(isWanted()));
  live.addEventListener("click", () => {
    localStorage.setItem("live", isWanted() ? "off" : "on");
    press();
  });
  press();
  setInterval(ask, 1_000);
})();
