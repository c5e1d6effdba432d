/* The reply box: files with their progress, how many messages a reply will spend, and typing shown to the follower. */
"use strict";
(() => {
  const $ = (selector, within = document) => within.querySelector(selector);
  const $$ = (selector, within = document) => [...within.querySelectorAll(selector)];
  const token = () => $("meta[name=csrf-token]").content;
  const box = () => $("#reply-form");
  const isNote = (form) => form.elements.kind.value === "note";
  const isToFollower = (form) => !isNote(form) && form.elements.via.value === "wechat";

  // ---- how many messages: the same cuts as the service makes, never through a sign or a link
  const LINK = /<a\s[^<>]*>[^<]*<\/a\s*>|https?:\/\/[!#-;=?-~]+/gi;
  const encoder = new TextEncoder();
  const size = (text) => encoder.encode(text).length;
  const signs = (text) => (Intl.Segmenter ? [...new Intl.Segmenter().segment(text)].map((s) => s.segment) : [...text]);
  const atoms = (text, limit) => {
    const found = [];
    let at = 0;
    for (const link of text.matchAll(LINK)) {
      found.push(...signs(text.slice(at, link.index)), ...(size(link[0]) > limit ? signs(link[0]) : [link[0]]));
      at = link.index + link[0].length;
    }
    return [...found, ...signs(text.slice(at))];
  };
  const partsOf = (text, limit) => {
    if (!text.trim()) return 0;
    if (!limit || size(text) <= limit) return 1;
    let parts = 1;
    let used = 0;
    for (const atom of atoms(text, limit)) {
      const bytes = size(atom);
      if (used + bytes > limit) {
        parts += 1;
        used = 0;
      }
      used += bytes;
    }
    return parts;
  };

  const show = () => {
    const form = box();
    if (!form) return;
    const toFollower = isToFollower(form);
    $$("[data-to-follower]", form).forEach((each) => { each.hidden = !toFollower; });
    const files = $$("[data-uploads] [name=attachments]", form).length;
    const spends = partsOf(form.elements.text.value, Number(form.dataset.partBytes)) + files + (form.elements.link_url.value ? 1 : 0);
    $("[data-spends-count]", form).textContent = spends;
    $("[data-spends]", form).hidden = !toFollower || spends < 1;
    $("[data-spends]", form).classList.toggle("is-many", spends > 1);
    $("[data-bytes]", form).hidden = !form.elements.text.value;
    form.elements.text.required = !files && !form.elements.link_url.value;
    const busy = Boolean($(".upload.is-busy", form));
    $("[data-send]", form).disabled = busy;
  };

  // ---- files: handed in at once, one after the other
  const line = (form, file) => {
    const item = document.createElement("li");
    item.className = "upload is-busy";
    const name = document.createElement("span");
    name.textContent = file.name;
    const bar = document.createElement("progress");
    bar.max = 100;
    bar.setAttribute("aria-label", `${$("[data-uploads]", form).dataset.waiting} ${file.name}`);
    item.append(name, bar);
    return item;
  };
  const complain = (html) => {
    const toasts = $("#toasts");
    toasts.insertAdjacentHTML("beforeend", html);
    document.body.dispatchEvent(new CustomEvent("htmx:afterSwap", { detail: { target: toasts } }));
  };
  const upload = (form, file) => new Promise((done) => {
    const list = $("[data-uploads]", form);
    const item = line(form, file);
    list.append(item);
    show();
    const body = new FormData();
    body.append("file", file);
    const request = new XMLHttpRequest();
    request.open("POST", form.dataset.upload);
    request.setRequestHeader("X-CSRFToken", token());
    request.setRequestHeader("HX-Request", "true");
    request.upload.addEventListener("progress", (event) => { if (event.lengthComputable) $("progress", item).value = (100 * event.loaded) / event.total; });
    request.addEventListener("loadend", () => {
      const html = request.responseText;
      if (request.status === 200) {
        item.insertAdjacentHTML("afterend", html);
        item.remove();
      } else {
        item.classList.remove("is-busy");
        item.classList.add("is-failed");
        $("progress", item).replaceWith(list.dataset.failed);
        if (request.status) { item.remove(); complain(html); } else setTimeout(() => { item.remove(); show(); }, 6000);
      }
      show();
      done();
    });
    request.send(body);
  });
  const add = async (form, files) => {
    for (const file of files) await upload(form, file);
  };

  // ---- typing: at most every ten seconds, and taken back when nobody writes any more
  const EVERY = 10000;
  let shownAt = 0;
  let shownAs = "";
  const typing = (form, on) => {
    if (on ? Date.now() - shownAt < EVERY : !shownAt) return;
    if (on) shownAs = form.dataset.typing;
    shownAt = on ? Date.now() : 0;
    const body = new FormData();
    body.append("csrf_token", token());
    body.append("on", on ? "y" : "n");
    navigator.sendBeacon(shownAs, body);
  };

  document.addEventListener("DOMContentLoaded", () => {
    show();
    document.addEventListener("input", (event) => {
      const form = event.target.closest?.("#reply-form");
      if (!form) return;
      if (event.target === form.elements.text) {
        if (!event.target.value) typing(form, false);
        else if (isToFollower(form)) typing(form, true);
      }
      show();
    });
    document.addEventListener("change", (event) => {
      const form = event.target.closest?.("#reply-form");
      if (!form) return;
      if (event.target.matches("[data-files]")) {
        add(form, [...event.target.files]);
        event.target.value = ""; // they are handed in already
      }
      show();
    });
    document.addEventListener("paste", (event) => {
      const form = event.target.closest?.("#reply-form");
      const files = [...(event.clipboardData?.files || [])];
      if (!form || !files.length || !isToFollower(form)) return;
      event.preventDefault();
      add(form, files);
    });
    document.addEventListener("click", (event) => {
      const remove = event.target.closest("[data-remove-upload]");
      if (remove) { remove.closest(".upload").remove(); show(); }
    });
    addEventListener("pagehide", () => typing(null, false));
    document.body.addEventListener("htmx:afterSettle", () => { if (box() && "sent" in box().dataset) typing(null, false); show(); });
  });
})();
