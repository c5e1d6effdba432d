/* The overdue board: what is ticked stays ticked while the list renews itself. The wall: a clock, and how old it is. */
"use strict";
(() => {
  const $ = (selector, within = document) => within.querySelector(selector);
  const $$ = (selector, within = document) => [...within.querySelectorAll(selector)];

  // ---- the board
  const picked = new Set();
  const boxes = () => $$("input[name=number][form=bulk]");
  const showPicked = () => {
    const bar = $("#bulk");
    if (!bar) return;
    boxes().forEach((box) => { box.checked = picked.has(box.value); });
    bar.hidden = !picked.size;
    $("[data-chosen-count]", bar).textContent = bar.dataset.words.replace("0", String(picked.size));
    const all = $("[data-pick-all]");
    if (all) {
      const shown = boxes().filter((box) => box.checked).length;
      all.checked = shown > 0 && shown === boxes().length;
      all.indeterminate = shown > 0 && !all.checked;
    }
  };
  const pick = (box) => { if (box.checked) picked.add(box.value); else picked.delete(box.value); };
  const renewed = () => {
    const there = new Set(boxes().map((box) => box.value));
    [...picked].forEach((number) => { if (!there.has(number)) picked.delete(number); }); // nobody acts on what is out of sight
    showPicked();
  };

  // ---- the wall
  const STALE_AFTER = 75000; // it renews itself each half minute
  let renewedAt = Date.now();
  let reached = true; // the last look at the numbers brought some
  const hourOf = (zone) => new Date().toLocaleTimeString("zh-CN", { hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZone: zone });
  const showAge = () => {
    const wall = $("#wall");
    if (!wall) return;
    const clock = $("[data-clock]");
    clock.textContent = hourOf(clock.dataset.clock);
    const stale = !reached || Date.now() - renewedAt > STALE_AFTER;
    document.body.classList.toggle("is-stale", stale);
    return stale;
  };
  const lookAgain = () => { if ($("#wall")) htmx.trigger("#wall", "refresh"); };
  const lost = (event) => { if (event.detail.target?.id === "wall" || event.target.id === "wall") { reached = false; showAge(); } };

  document.addEventListener("DOMContentLoaded", () => {
    boxes().filter((box) => box.checked).forEach(pick); // a browser may remember them
    showPicked();
    document.addEventListener("change", (event) => {
      if (event.target.matches("[data-pick-all]")) boxes().forEach((box) => { box.checked = event.target.checked; pick(box); });
      else if (event.target.matches("input[name=number][form=bulk]")) pick(event.target);
      else return;
      showPicked();
    });
    $("#bulk")?.addEventListener("reset", (event) => { event.preventDefault(); picked.clear(); showPicked(); });
    const on = (name, handler) => document.body.addEventListener(name, handler);
    on("htmx:afterSettle", (event) => {
      if (event.detail.target.id === "board") renewed();
      if (event.detail.target.id === "wall") { renewedAt = Date.now(); reached = true; showAge(); }
    });
    on("htmx:sseError", lookAgain); // a stream ends now and then; what counts is whether the numbers can be had
    on("htmx:sendError", lost);
    on("htmx:responseError", lost);
    $("[data-full-screen]")?.addEventListener("click", () => document.documentElement.requestFullscreen?.());
    showAge();
    setInterval(() => { if (showAge()) lookAgain(); }, 5000);
  });
})();
