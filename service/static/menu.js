/* The menu's editor: counts bytes, shows the phone as it will be, warns before leaving. It works without all this. */
"use strict";
(() => {
  const form = document.getElementById("menu-form");
  if (!form) return;
  const encoder = new TextEncoder();
  const phone = document.querySelector("[data-phone] .phone-bar");
  let changed = false;
  let isSent = false;

  const count = (field) => {
    const used = encoder.encode(field.value).length;
    const limit = Number(field.dataset.limit);
    const words = form.querySelector(`[data-bytes-for="${field.id}"]`);
    if (words) {
      words.textContent = `${used.toLocaleString()}/${limit.toLocaleString()} ${field.dataset.unit}`;
      words.classList.toggle("is-over", used > limit);
    }
    field.toggleAttribute("aria-invalid", used > limit);
    const cut = form.querySelector(`[data-cut="${field.id}"]`);
    if (cut) cut.hidden = [...field.value].reduce((sum, sign) => sum + (sign.codePointAt(0) > 255 ? 1 : 0.5), 0) <= Number(field.dataset.shown);
  };

  const nameOf = (id) => form.elements[`${id}-name`].value.trim();
  const showName = (place) => {
    const words = place.querySelector("[data-name]");
    words.dataset.empty ??= nameOf(place.dataset.place) ? "" : words.textContent;
    const name = nameOf(place.dataset.place);
    place.classList.toggle("is-empty", !name);
    words.textContent = name || words.dataset.empty || "—";
  };

  const line = (tag, text) => {
    const made = document.createElement(tag);
    made.textContent = text;
    return made;
  };
  const showPhone = () => {
    const opened = [...phone.querySelectorAll("details")].findIndex((each) => each.open);
    phone.querySelectorAll("details").forEach((each) => each.remove());
    for (let column = 0; column < 3; column += 1) {
      const subs = [0, 1, 2, 3, 4].map((row) => nameOf(`${column}.${row}`)).filter(Boolean);
      const name = nameOf(String(column));
      if (!name && !subs.length) continue;
      const top = document.createElement("details");
      top.className = "phone-top";
      top.name = "phone-live";
      const summary = document.createElement("summary");
      if (subs.length) summary.append(line("i", "≡"));
      summary.append(line("span", name || "—"));
      top.append(summary);
      if (subs.length) {
        const list = document.createElement("ul");
        list.append(...subs.map((sub) => line("li", sub)));
        top.append(list);
      }
      phone.append(top);
    }
    const again = phone.querySelectorAll("details")[opened];
    if (again) again.open = true;
  };

  const show = () => {
    form.querySelectorAll("[data-limit]").forEach(count);
    form.querySelectorAll("[data-place]").forEach(showName);
    showPhone();
  };

  form.addEventListener("input", () => { changed = true; show(); });
  form.addEventListener("submit", () => { isSent = true; });
  form.querySelectorAll("[data-clear]").forEach((button) => {
    button.hidden = false;
    button.addEventListener("click", () => {
      const place = button.closest("[data-place]");
      place.querySelectorAll("input, textarea").forEach((field) => { field.value = ""; });
      changed = true;
      show();
      place.querySelector("input").focus();
    });
  });
  addEventListener("beforeunload", (event) => { if (changed && !isSent) event.preventDefault(); });
  const goal = location.hash.startsWith("#place-") && document.getElementById(location.hash.slice(1));
  if (goal) { goal.open = true; goal.querySelector("input").focus(); }
  show();
})();
