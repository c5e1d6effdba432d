// What opens over or below the chat: the account's menu, the scanner, and the subscriptions of the inspector.

import { make } from "./lines.js";

const $ = (id) => document.getElementById(id);

// ---- the account's menu

export function showMenu(buttons, act) {
  return buttons.map((item, place) => {
    const below = item.sub_button ?? [];
    if (!below.length) return key(item, [place], act);
    const box = make("div", "menu-group");
    const head = make("button", "", item.name);
    head.type = "button";
    head.setAttribute("aria-expanded", "false");
    const list = make("div", "menu-below");
    list.hidden = true;
    list.append(...below.map((sub, under) => key(sub, [place, under], act)));
    head.addEventListener("click", () => {
      const opens = list.hidden;
      closeMenu();
      list.hidden = !opens;
      head.setAttribute("aria-expanded", String(opens));
    });
    box.append(head, list);
    return box;
  });
}

// A page opens in a tab of its own, and the platform hears of it; everything else is only heard of.
function key(item, at, act) {
  const opens = item.type === "view" && /^https?:\/\//i.test(item.url ?? "");
  const element = make(opens ? "a" : "button", "", item.name);
  if (opens) Object.assign(element, { href: item.url, target: "_blank", rel: "noopener" });
  else element.type = "button";
  element.addEventListener("click", () => {
    closeMenu();
    act({ type: "menu", at });
  });
  return element;
}

export function closeMenu() {
  for (const list of document.querySelectorAll(".menu-below")) list.hidden = true;
  for (const head of document.querySelectorAll(".menu-group > button")) head.setAttribute("aria-expanded", "false");
}

// ---- the scanner

export function showCodes(codes, scan) {
  return codes.map((code) => {
    const button = make("button");
    button.type = "button";
    const picture = make("img");
    Object.assign(picture, { src: `/cgi-bin/showqrcode?ticket=${encodeURIComponent(code.ticket)}`, alt: "", loading: "lazy" });
    button.append(picture, make("span", "", code.scene));
    button.addEventListener("click", () => scan({ ticket: code.ticket }));
    const item = make("li");
    item.append(button);
    return item;
  });
}

export function listenToSheets(scan) {
  for (const button of document.querySelectorAll(".open-scanner")) {
    button.addEventListener("click", () => {
      $("scanner").hidden = false;
      $("scene").focus();
    });
  }
  $("close-scanner").addEventListener("click", () => { $("scanner").hidden = true; });
  $("scanner").addEventListener("keydown", (event) => { if (event.key === "Escape") $("scanner").hidden = true; });
  $("scan").addEventListener("submit", (event) => {
    event.preventDefault();
    scan({ scene: $("scene").value.trim() });
    $("scene").value = "";
  });
}

// ---- subscriptions

export function showGrants(notifications, grants, act) {
  return notifications.map((template) => {
    const item = make("li");
    const words = make("p", "", template.title);
    words.append(make("span", "chip", `还可发 ${grants[template.id] ?? 0} 条`));
    const row = make("div", "grant-row");
    for (const [type, answer, name] of [["subscribe_popup", "accept", "同意一次"], ["subscribe_change", "reject", "拒收"]]) {
      const button = make("button", "plain", name);
      button.type = "button";
      button.addEventListener("click", () => act({ type, answers: { [template.id]: answer } }));
      row.append(button);
    }
    item.append(words, row);
    return item;
  });
}
