# SPDX-License-Identifier: GPL-3.0-or-later
"""The script of a batch's report: filter, sort and search. It changes no text of the page but its own counter."""

from __future__ import annotations

from typing import Final

SCRIPT: Final = """
"use strict";
(() => {
  const byId = (id) => document.getElementById(id);
  const list = byId("cards"), cards = Array.from(list.children);
  const buttons = Array.from(byId("controls").querySelectorAll("[data-kind]"));
  const search = byId("search"), sort = byId("sort"), reverse = byId("reverse"), live = byId("live");
  const texts = new Map();
  const view = { kind: "all", sort: "number", reverse: "", text: "", live: "" };
  let order = "";

  // What is shown is kept in the address, so that reloading the page or passing its address on keeps it.
  function readAddress() {
    for (const [name, value] of new URLSearchParams(location.hash.slice(1))) {
      if (Object.hasOwn(view, name)) view[name] = value;
    }
    if (!buttons.some((button) => button.dataset.kind === view.kind)) view.kind = "all";
    if (!Array.from(sort.options).some((option) => option.value === view.sort)) view.sort = "number";
  }

  function writeAddress() {
    const kept = Object.entries(view).filter(([name, value]) => value && value !== "all" && value !== "number");
    const hash = new URLSearchParams(kept).toString();
    history.replaceState(null, "", hash ? "#" + hash : location.pathname + location.search);
  }

  function textOf(card) {
    if (!texts.has(card)) texts.set(card, card.textContent.toLowerCase());
    return texts.get(card);
  }

  function compare(a, b) {
    const name = view.sort, one = a.dataset[name], two = b.dataset[name];
    if (name === "name") return one.localeCompare(two, undefined, { numeric: true, sensitivity: "base" });
    return one - two;
  }

  function arrange() {
    if (order === view.sort + view.reverse) return;
    order = view.sort + view.reverse;
    const sign = view.reverse ? -1 : 1;
    const missing = (card) => card.dataset[view.sort] === "";
    list.append(...cards.slice().sort((a, b) =>
      missing(a) - missing(b) || sign * compare(a, b) || a.dataset.number - b.dataset.number));
  }

  function show() {
    const words = view.text.toLowerCase().split(/\\s+/).filter(Boolean);
    let shown = 0;
    for (const card of cards) {
      const fits = (view.kind === "all" || card.dataset.kind === view.kind)
        && words.every((word) => textOf(card).includes(word));
      card.hidden = !fits;
      shown += fits;
    }
    arrange();
    for (const button of buttons) button.setAttribute("aria-pressed", button.dataset.kind === view.kind);
    reverse.setAttribute("aria-pressed", Boolean(view.reverse));
    sort.value = view.sort;
    if (search.value !== view.text) search.value = view.text;
    const all = cards.length.toLocaleString("en") + (cards.length === 1 ? " image" : " images");
    byId("shown").textContent = shown === cards.length ? all : shown.toLocaleString("en") + " of " + all;
  }

  function change(name, value) {
    view[name] = value;
    show();
    writeAddress();
  }

  for (const button of buttons) button.addEventListener("click", () => change("kind", button.dataset.kind));
  sort.addEventListener("change", () => change("sort", sort.value));
  reverse.addEventListener("click", () => change("reverse", view.reverse ? "" : "1"));
  search.addEventListener("input", () => change("text", search.value));
  byId("controls").addEventListener("submit", (event) => event.preventDefault());
  window.addEventListener("hashchange", () => { readAddress(); show(); });
  readAddress();
  byId("controls").hidden = false;
  show();
  if (live) {
    byId("live-field").hidden = false;
    live.checked = Boolean(view.live);
    live.addEventListener("change", () => change("live", live.checked ? "1" : ""));
    setInterval(() => {
      if (live.checked && !document.hidden && document.activeElement !== search) location.reload();
    }, 10000);
  }
})();
"""
"""JavaScript. Whatever it shows is set as text or as an attribute, never as HTML."""
