/* The desk's own script: theme, live parts, keyboard, reply box, dialogs. Pages work without it, only less well. */
"use strict";
(() => {
  const root = document.documentElement;
  const memory = (store, name, value) => {
    try {
      if (value === undefined) return store.getItem(name);
      if (value === null) store.removeItem(name);
      else store.setItem(name, value);
    } catch { /* a browser that keeps nothing: the page works all the same */ }
    return null;
  };
  const $ = (selector, within = document) => within.querySelector(selector);
  const $$ = (selector, within = document) => [...within.querySelectorAll(selector)];

  // ---- theme: before the page is drawn
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const themeChoice = () => memory(localStorage, "desk-theme") || "auto";
  const showTheme = () => {
    const choice = themeChoice();
    root.dataset.bsTheme = choice === "auto" ? (dark.matches ? "dark" : "light") : choice;
    $$("[data-theme-choice]").forEach((button) => button.setAttribute("aria-pressed", String(button.dataset.themeChoice === choice)));
  };
  showTheme();
  dark.addEventListener("change", showTheme);

  // ---- times: "5分钟前" goes on while the page is open
  const showTimes = () => {
    const { justNow, minutesAgo } = document.body.dataset;
    $$("time[data-moment]").forEach((time) => {
      const minutes = Math.floor((Date.now() - new Date(time.dateTime)) / 60000);
      if (minutes < 0 || minutes > 59 || !minutesAgo) return;
      time.textContent = minutes < 1 ? justNow : minutesAgo.replace("0", String(minutes));
    });
  };

  // ---- live: server-sent events, else a look every ten seconds; never more often than an element wants
  let polling = null;
  const poll = (on) => {
    document.body.classList.toggle("is-polling", on);
    $$("[data-live-on]").forEach((words) => { words.hidden = on; });
    $$("[data-live-off]").forEach((words) => { words.hidden = !on; });
    if (on && !polling) polling = setInterval(() => htmx.trigger(document.body, "poll"), 10000);
    if (!on && polling) {
      clearInterval(polling);
      polling = null;
      htmx.trigger(document.body, "poll"); // what was missed meanwhile
    }
  };
  const throttled = new Map();
  const mayAskNow = (element, event) => {
    const every = Number(element.dataset.every);
    if (!every || event.detail.requestConfig?.verb !== "get") return true;
    const state = throttled.get(element.id) || { last: 0, timer: null };
    throttled.set(element.id, state);
    const wait = state.last + every - Date.now();
    if (wait <= 0) {
      state.last = Date.now();
      return true;
    }
    state.timer ??= setTimeout(() => {
      state.timer = null;
      const now = document.getElementById(element.id); // by then it may have been swapped
      if (now) htmx.trigger(now, "refresh");
    }, wait);
    return false;
  };

  // ---- the list: j and k move, Enter opens, / searches
  let here = null;
  const rows = () => $$("tr[data-row]");
  const point = (row, scroll = true) => {
    rows().forEach((each) => each.classList.toggle("is-here", each === row));
    here = row ? row.dataset.row : null;
    if (row && scroll) row.scrollIntoView({ block: "nearest" });
  };
  const move = (step) => {
    const all = rows();
    if (!all.length) return;
    const at = all.findIndex((row) => row.dataset.row === here);
    point(all[Math.min(all.length - 1, Math.max(0, at + step))]);
  };
  const keys = {
    j: () => move(1),
    k: () => move(-1),
    Enter: () => here && $(`#open-${here}`)?.click(),
    "/": () => ($("[data-search]") || $("#text"))?.focus(),
  };
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") $$("details.pop[open]").forEach((pop) => { pop.open = false; });
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (event.target.closest("input, textarea, select, button, a, summary, dialog[open]") || !keys[event.key]) return;
    event.preventDefault();
    keys[event.key]();
  });

  // ---- the reply box
  const bytes = new TextEncoder();
  const showReply = () => {
    const form = $("#reply-form");
    if (!form) return;
    const text = form.elements.text;
    const used = bytes.encode(text.value).length;
    const kind = form.elements.kind.value;
    $("[data-bytes-used]", form).textContent = used.toLocaleString();
    const words = $("[data-send-words]", form);
    const chosen = $("input[name=kind]:checked", form)?.closest("label").textContent.trim() || "";
    const what = root.lang === "en" ? ` ${chosen.toLowerCase()}` : chosen;
    words.textContent = kind === "note" ? words.dataset.wordsNote : kind === "ask" ? chosen : `${words.dataset.words}${what}`;
    text.dataset.first ??= text.placeholder;
    text.placeholder = kind === "note" ? text.dataset.notePlaceholder : text.dataset.first;
  };
  const draftName = (form) => `desk-draft-${form.dataset.reply}`;
  const prepareReply = () => {
    const form = $("#reply-form");
    if (!form || form.dataset.ready) return;
    form.dataset.ready = "yes";
    const text = form.elements.text;
    if ("sent" in form.dataset) memory(sessionStorage, draftName(form), null);
    const draft = JSON.parse(memory(sessionStorage, draftName(form)) || "null");
    if (draft && !text.value) {
      text.value = draft.text;
      const kind = $(`input[name=kind][value="${draft.kind}"]`, form);
      if (kind) kind.checked = true;
    }
    const enter = $("[data-enter-sends]", form);
    enter.checked = memory(localStorage, "desk-enter-sends") === "yes";
    enter.addEventListener("change", () => memory(localStorage, "desk-enter-sends", enter.checked ? "yes" : "no"));
    form.addEventListener("input", () => {
      const kept = text.value ? JSON.stringify({ text: text.value, kind: form.elements.kind.value }) : null;
      memory(sessionStorage, draftName(form), kept);
      showReply();
    });
    text.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.isComposing || event.shiftKey) return;
      if (!(event.ctrlKey || event.metaKey) && !enter.checked) return;
      event.preventDefault();
      if (event.ctrlKey && enter.checked) text.setRangeText("\n", text.selectionStart, text.selectionEnd, "end");
      else form.requestSubmit($("[data-send]", form));
    });
    showReply();
  };

  // ---- the conversation: stays at its end; a message counts as seen once it has been in view for a moment
  const talk = () => $("#talk");
  const scroller = () => (talk() && getComputedStyle(talk()).overflowY === "auto" ? talk() : document.scrollingElement);
  const atEnd = () => {
    const box = scroller();
    return box.scrollHeight - box.scrollTop - box.clientHeight < 80;
  };
  const toEnd = () => { const box = scroller(); box.scrollTop = box.scrollHeight; };
  const newest = () => Number($("#t-talk [data-newest]")?.dataset.newest || 0);
  let wasAtEnd = true;
  let looked = null;
  const look = () => {
    if (!talk()) return;
    const seen = $("#seen");
    const unseen = seen && newest() > Number(seen.value || 0);
    $("#newer").hidden = !unseen || atEnd();
    clearTimeout(looked);
    if (unseen && atEnd() && document.visibilityState === "visible") {
      const id = newest();
      looked = setTimeout(() => { const field = $("#seen"); if (field && atEnd()) field.value = id; }, 1500);
    }
  };

  // ---- toasts lie above everything, dialogs too
  const showToasts = () => {
    const toasts = $("#toasts");
    const head = $("#t-head, .page-head"); // what the page is about stays in sight
    if (head) toasts.style.top = `${Math.max(14, head.getBoundingClientRect().bottom + 6)}px`;
    if (!toasts.showPopover) return;
    if (toasts.popover) toasts.hidePopover();
    toasts.popover = "manual";
    toasts.showPopover();
  };

  // ---- dialogs
  const dialog = () => $("#dialog");
  const ask = (words) => new Promise((resolve) => {
    const box = $("#confirm");
    $("#confirm-text").textContent = words;
    box.returnValue = "no";
    box.addEventListener("close", () => resolve(box.returnValue === "yes"), { once: true });
    box.showModal();
  });

  const onClick = (event) => {
    const at = (selector) => event.target.closest(selector);
    const theme = at("[data-theme-choice]");
    if (theme) { memory(localStorage, "desk-theme", theme.dataset.themeChoice); showTheme(); }
    at("[data-dismiss]")?.closest(".toast-line").remove();
    const copy = at("[data-copy]");
    if (copy) navigator.clipboard?.writeText(copy.dataset.copy).then(() => {
      const use = $("use", copy);
      const before = use.getAttribute("href");
      use.setAttribute("href", before.replace(/#.*/, "#ti-check"));
      setTimeout(() => use.setAttribute("href", before), 1500);
    });
    const focus = at("[data-focus]");
    if (focus) document.getElementById(focus.dataset.focus)?.focus();
    const fill = at("[data-fill]");
    if (fill) {
      const box = document.getElementById(fill.dataset.fill);
      const words = fill.dataset.fillWith;
      if (!box.value.includes(words)) box.value = box.value.trim() ? `${box.value.trimEnd()}\n${words}` : words; // half a reply stays
      box.dispatchEvent(new Event("input", { bubbles: true }));
      box.focus();
    }
    if (at("[data-close]") && dialog().open) { event.preventDefault(); dialog().close(); }
    if (event.target === dialog()) dialog().close();
    if (at("#newer")) toEnd();
    if (at("[data-back]") && document.referrer && new URL(document.referrer).pathname === new URL(at("[data-back]").href).pathname && new URL(document.referrer).origin === location.origin) {
      event.preventDefault();
      history.back(); // to the same tab, filter and place in the list
    }
    $$("details.pop[open]").forEach((pop) => { if (!pop.contains(event.target) || at(".pop-body a")) pop.open = false; });
  };
  const onSubmit = async (event) => {
    const words = event.target.dataset?.confirm;
    if (!words || event.target.dataset.confirmed) return;
    event.preventDefault();
    if (await ask(words)) {
      event.target.dataset.confirmed = "yes";
      event.target.requestSubmit(event.submitter);
    }
  };

  let opened = [];
  const beforeSwap = () => {
    opened = $$("details[open][id]").map((each) => [each.id, $("[data-kept]", each)?.innerHTML]);
    wasAtEnd = atEnd();
  };
  const afterSettle = () => {
    opened.forEach(([id, kept]) => {
      const each = document.getElementById(id);
      if (!each) return;
      if (kept && !$("[data-kept]", each).innerHTML) $("[data-kept]", each).innerHTML = kept; // until it is fetched anew
      each.open = true;
    });
    if (here) point(rows().find((row) => row.dataset.row === here), false);
    if (talk() && wasAtEnd) toEnd();
    prepareReply();
    showTimes();
    look();
  };

  document.addEventListener("DOMContentLoaded", () => {
    showTheme();
    if ($("#toasts .toast-line")) showToasts();
    $(".menu [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
    $("main .field-errors")?.closest(".field, .menu-fields")?.querySelector("input:not([type=hidden]), select, textarea")?.focus();
    prepareReply();
    if (talk()) { toEnd(); addEventListener("load", toEnd, { once: true }); }
    look();
    setInterval(showTimes, 20000);
    (talk() || document).addEventListener("scroll", look, { passive: true });
    document.addEventListener("scroll", look, { passive: true });
    document.addEventListener("visibilitychange", look);
    document.addEventListener("click", onClick);
    document.addEventListener("submit", onSubmit);
    const on = (name, handler) => document.body.addEventListener(name, handler);
    on("htmx:configRequest", (event) => { event.detail.headers["X-CSRFToken"] = $("meta[name=csrf-token]").content; });
    on("htmx:beforeRequest", (event) => { if (!mayAskNow(event.detail.elt, event)) event.preventDefault(); });
    on("htmx:confirm", (event) => {
      if (!event.detail.question) return;
      event.preventDefault();
      ask(event.detail.question).then((yes) => yes && event.detail.issueRequest(true));
    });
    on("htmx:beforeSwap", beforeSwap);
    on("htmx:afterSettle", afterSettle);
    on("htmx:afterSwap", (event) => {
      if (event.detail.target.id === "dialog-body" && !dialog().open) dialog().showModal();
      if (event.detail.target.id === "toasts") {
        showToasts();
        const line = event.detail.target.lastElementChild;
        setTimeout(() => line?.remove(), 12000);
      }
    });
    on("htmx:oobAfterSwap", (event) => { if (event.detail.target.id === "toasts") showToasts(); });
    on("htmx:sseOpen", () => poll(false));
    on("htmx:sseError", () => poll(true));
    setTimeout(() => $$("#toasts .is-success").forEach((line) => line.remove()), 6000);
  });
})();
