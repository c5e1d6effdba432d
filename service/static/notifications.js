/* The bell: fetched anew when something happens to this person, toasts for what came, and the browser's notifications. */
"use strict";
(() => {
  const bell = () => document.getElementById("bell");
  const keep = (store, name, value) => {
    try {
      if (value === undefined) return store.getItem(name);
      store.setItem(name, value);
    } catch { /* a browser that keeps nothing: each page begins anew */ }
    return null;
  };
  const KNOWN = "desk-notices-known"; // of this tab: newer ones are toasts
  const POPPED = "desk-notices-popped"; // of all tabs: one pops up once
  const SHOWN = 12000;

  const refresh = () => htmx.trigger(document.body, "notified");

  // ---- news: over the stream that the page has anyway, else one of its own; every 60 s in any case
  const heard = new WeakSet();
  const listen = (source) => {
    if (heard.has(source)) return;
    heard.add(source);
    source.addEventListener("user", refresh);
  };

  // ---- the browser's own notifications: title and number, nothing of a customer
  const can = () => "Notification" in window && window.isSecureContext;
  const showState = () => {
    const box = document.querySelector("[data-browser]");
    if (!box) return;
    const state = can() ? Notification.permission : "none";
    box.hidden = false;
    box.querySelectorAll("[data-browser-state]").forEach((line) => { line.hidden = line.dataset.browserState !== state; });
  };
  const pop = (line) => {
    const id = Number(line.dataset.notice);
    if (!can() || Notification.permission !== "granted" || !document.hidden) return;
    if (Number(keep(localStorage, POPPED) || 0) >= id) return;
    keep(localStorage, POPPED, String(id));
    try {
      const form = line.querySelector("form").cloneNode(true);
      const shown = new Notification(line.dataset.title, { body: line.dataset.number, tag: `desk-${id}` });
      shown.onclick = () => {
        window.focus();
        shown.close();
        form.hidden = true;
        document.body.append(form);
        form.submit();
      };
    } catch { /* phones allow it to service workers only */ }
  };
  const showNews = () => {
    document.querySelectorAll("#toasts [data-notice]:not([data-handled])").forEach((line) => {
      line.dataset.handled = "yes";
      if ("pops" in line.dataset) pop(line);
      const away = () => (line.matches(":hover, :focus-within") ? setTimeout(away, 3000) : line.remove());
      setTimeout(away, SHOWN);
    });
  };

  // ---- who looks at a ticket has read what they were told of it
  const look = () => {
    const number = document.querySelector(".case[data-ticket]")?.dataset.ticket;
    if (!number || document.hidden) return;
    document.removeEventListener("visibilitychange", look);
    htmx.ajax("POST", bell().dataset.seen, { target: "#bell", swap: "innerHTML", values: { number } });
  };

  document.addEventListener("DOMContentLoaded", () => {
    showState();
    if (!bell()) return;
    const on = (name, handler) => document.body.addEventListener(name, handler);
    on("htmx:configRequest", (event) => {
      const known = keep(sessionStorage, KNOWN);
      if (event.detail.path === bell().getAttribute("hx-get") && known) event.detail.parameters.after = known;
    });
    on("htmx:afterSwap", (event) => {
      if (event.detail.target.id !== "bell") return;
      const newest = bell().querySelector("[data-newest]");
      if (newest) keep(sessionStorage, KNOWN, newest.dataset.newest);
    });
    on("htmx:oobAfterSwap", showNews);
    on("htmx:sseOpen", (event) => listen(event.detail.source));
    if (!document.querySelector("[sse-connect]") && "EventSource" in window) listen(new EventSource(bell().dataset.stream));
    document.addEventListener("visibilitychange", look);
    look();
    document.addEventListener("change", (event) => { if (event.target.matches("[data-submits]")) event.target.form.requestSubmit(); });
    document.addEventListener("click", (event) => {
      if (event.target.closest("[data-ask-browser]")) Notification.requestPermission().then(showState);
    });
  });
})();
