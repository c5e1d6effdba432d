/* The register: all boxes at once, and how many are ticked. */
"use strict";
(() => {
  const $ = (selector, within = document) => within.querySelector(selector);
  const $$ = (selector, within = document) => [...within.querySelectorAll(selector)];
  document.addEventListener("DOMContentLoaded", () => {
    const all = $("[data-all]");
    if (!all) return;
    const boxes = () => $$(`input[name="${all.dataset.all}"]`);
    const count = $(`[data-bar="${all.dataset.all}"] [data-count]`);
    const idle = count.textContent;
    const show = () => {
      const ticked = boxes().filter((box) => box.checked).length;
      all.checked = ticked > 0 && ticked === boxes().length;
      all.indeterminate = ticked > 0 && !all.checked;
      count.textContent = ticked ? count.dataset.words.replace("0", String(ticked)) : idle;
    };
    document.addEventListener("change", (event) => {
      if (event.target === all) boxes().forEach((box) => { box.checked = all.checked; });
      if (event.target === all || event.target.name === all.dataset.all) show();
    });
    document.addEventListener("keydown", (event) => { // Enter would press the first button: a judgement is chosen
      if (event.key === "Enter" && event.target.matches(`[data-bar="${all.dataset.all}"] input`)) event.preventDefault();
    });
    show();
  });
})();
