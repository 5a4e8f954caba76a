// Keys for who prefers them. Each does what a link or a button of the page does; one switch turns them off.
"use strict";

(() => {
  const dialog = document.getElementById("keys");
  const off = document.getElementById("keys-off");
  const isOff = () => localStorage.getItem("keys") === "off";

  const press = (selector) => document.querySelector(selector)?.click();
  const section = (number) => document.querySelectorAll(".sections a")[number - 1]?.click();
  const rows = () => [...document.querySelectorAll("#content tbody th[scope=row] a")];
  const step = (by) => {
    const all = rows();
    const here = all.indexOf(document.activeElement);
    all[Math.max(0, Math.min(all.length - 1, here + by))]?.focus();
  };
  const find = () => document.querySelector("#content input[type=search], input[type=search]")?.focus();

  const KEYS = {
    "/": find,
    "?": () => dialog.showModal(),
    j: () => step(1),
    k: () => step(-1),
    r: () => press("#live"),
    t: () => press(".theme-toggle"),
  };

  const isTaken = (event) => event.ctrlKey || event.altKey || event.metaKey || dialog.open
    || event.target.closest("input, textarea, select, [contenteditable]");

  document.addEventListener("keydown", (event) => {
    if (isOff() || isTaken(event)) return;
    const act = KEYS[event.key] ?? (/^[1-9]$/.test(event.key) && (() => section(Number(event.key))));
    if (!act) return;
    event.preventDefault();
    act();
  });
  document.getElementById("keys-open").addEventListener("click", () => dialog.showModal());
  off.checked = isOff();
  off.addEventListener("change", () => localStorage.setItem("keys", off.checked ? "off" : "on"));
})();
