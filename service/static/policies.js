/* The sheet of targets: arrows and Enter move in a column as in a spreadsheet, changed cells are marked at once. */
"use strict";
(() => {
  const form = document.getElementById("policy-form");
  if (!form) return;
  const cells = [...form.querySelectorAll("input[data-column]")];
  const plain = (text) => text.replace(/[\s（）()]/g, "").replace(/[—–-]|无|不计/g, "").toLowerCase();
  const chip = form.querySelector("[data-changes]");

  const show = () => {
    let count = 0;
    cells.forEach((cell) => {
      const changed = plain(cell.value) !== plain(cell.dataset.now || cell.defaultValue);
      if (cell.dataset.now) cell.parentElement.classList.toggle("is-changed", changed);
      count += changed && cell.dataset.now ? 1 : 0;
    });
    count += form.querySelectorAll("tr.is-new").length;
    chip.hidden = !count;
    chip.textContent = chip.dataset.words.replace("#", String(count));
  };

  const move = (cell, step) => {
    const column = cells.filter((each) => each.dataset.column === cell.dataset.column);
    const next = column[column.indexOf(cell) + step];
    if (next) { next.focus(); next.select(); }
  };
  form.addEventListener("keydown", (event) => {
    const cell = event.target;
    if (event.isComposing) return;
    if (cell.name === "add-tag" && event.key === "Enter") {
      event.preventDefault();
      form.querySelector("[data-add]").click();
    }
    if (!cell.dataset.column) return;
    const steps = { ArrowDown: 1, ArrowUp: -1, Enter: event.shiftKey ? -1 : 1 };
    if (!(event.key in steps)) return;
    event.preventDefault();
    move(cell, steps[event.key]);
  });
  form.addEventListener("input", show);
  let unsaved = false;
  form.addEventListener("change", () => { unsaved = true; });
  form.addEventListener("submit", (event) => {
    unsaved = false;
    const words = event.submitter?.dataset.busy;
    if (!words) return;
    form.classList.add("is-waiting");
    event.submitter.lastChild.textContent = words;
  });
  addEventListener("pageshow", () => form.classList.remove("is-waiting"));
  addEventListener("beforeunload", (event) => { if (unsaved) event.preventDefault(); });

  form.querySelectorAll("[data-keys]").forEach((keys) => { keys.hidden = false; });
  show();
  (document.getElementById("mistakes") || document.getElementById("trial"))?.focus();
})();
