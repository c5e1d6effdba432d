// The page: asks for news once a second, shows them, and sends what the visitor does.

import { avatar, clock, lines, make, summary } from "./lines.js";
import { closeMenu, listenToSheets, showCodes, showGrants, showMenu } from "./sheets.js";

const POLL_MS = 1000;
const BOTTOM_PX = 120;
const TONES = 6;
const THEMES = { "": "跟随系统", light: "浅色", dark: "深色" };
const STATES = {
  waiting: ["等待", ""], running: ["推送中", "warn"], handled: ["已接收", "good"], shown: ["已回复", "good"], failed: ["失败", "bad"],
};
const $ = (id) => document.getElementById(id);
const page = { account: "", openid: "", epoch: "", follower: null, last: null, seen: new Map(), turn: 0 };

// ---- asking and showing

async function poll() {
  const turn = ++page.turn;
  const query = new URLSearchParams({ account: page.account, openid: page.openid, after: page.last?.id ?? 0 });
  try {
    const answer = await fetch(`/phone/state?${query}`);
    const news = await answer.json();
    // an answer to an older question than the newest must not be shown
    if (turn === page.turn) show(news);
    $("offline").hidden = true;
  } catch {
    $("offline").hidden = false;
  }
}

function show(news) {
  const openid = news.follower?.openid ?? "";
  if (page.epoch !== news.epoch && page.epoch) {
    page.epoch = news.epoch;
    forget();
    poll();
    return;
  }
  if (openid !== page.openid) forget();
  news.followers.forEach((follower, index) => { follower.tone = index % TONES; });
  const tone = news.followers.find((follower) => follower.openid === openid)?.tone ?? 0;
  if (news.follower) news.follower.tone = tone;
  Object.assign(page, { account: news.account ?? "", openid, epoch: news.epoch, follower: news.follower });
  showAccounts(news);
  showFollowers(news);
  showChat(news.entries);
  showTop(news);
  showInspector(news);
}

function forget() {
  page.last = null;
  $("chat").replaceChildren();
}

// Rebuilding a list takes the focus away, so it happens only when something in it has changed.
function fill(element, key, build) {
  const now = JSON.stringify(key);
  if (element.dataset.key === now) return;
  element.dataset.key = now;
  element.replaceChildren(...build());
}

function showAccounts(news) {
  fill($("account"), [news.accounts, news.account], () => news.accounts.map((account) => {
    const option = make("option", "", account.name);
    option.value = account.slug;
    option.selected = account.slug === news.account;
    return option;
  }));
}

function showFollowers(news) {
  const rows = news.followers.map((follower) => ({ ...follower, unread: unread(follower) }));
  fill($("followers"), [rows, page.openid], () => rows.map(person));
  $("unread-dot").hidden = !rows.some((row) => row.unread);
}

function unread(follower) {
  const newest = follower.heard.at(-1) ?? 0;
  if (!page.seen.has(follower.openid) || follower.openid === page.openid) page.seen.set(follower.openid, newest);
  return follower.heard.filter((id) => id > page.seen.get(follower.openid)).length;
}

function person(follower) {
  const button = make("button", "person");
  button.type = "button";
  if (follower.openid === page.openid) button.setAttribute("aria-current", "true");
  const words = make("span", "person-words");
  const name = make("span", "person-name", "");
  name.append(make("span", "", follower.name));
  if (follower.last) name.append(make("time", "", clock(follower.last.at)));
  words.append(name, make("span", "person-last", follower.following ? summary(follower.last) : "未关注"));
  button.append(avatar(follower), words);
  if (follower.unread) button.append(make("span", "badge", String(follower.unread)));
  button.addEventListener("click", () => choose(follower.openid));
  const item = make("li");
  item.append(button);
  return item;
}

function showChat(entries) {
  const chat = $("chat");
  const wasAtBottom = chat.scrollHeight - chat.scrollTop - chat.clientHeight < BOTTOM_PX;
  const isFirst = page.last === null;
  const fresh = entries.filter((entry) => entry.id > (page.last?.id ?? 0));
  for (const entry of fresh) {
    chat.append(...lines(entry, page.last, page.follower, tap));
    page.last = entry;
  }
  if (fresh.length && (wasAtBottom || isFirst || fresh.some((entry) => entry.kind === "mine"))) {
    chat.scrollTop = chat.scrollHeight;
  }
}

function showTop(news) {
  const account = news.accounts.find((item) => item.slug === news.account);
  $("title").textContent = news.follower?.typing ? "对方正在输入…" : account?.name ?? "还没有公众号";
  $("subtitle").textContent = news.follower ? `${news.follower.name} 的手机` : "用控制接口登记一个公众号";
  const isFollowing = news.follower?.following ?? false;
  $("composer").hidden = !isFollowing;
  $("follow").hidden = isFollowing || !news.follower;
  fill($("menu"), news.menu, () => showMenu(news.menu, act));
  fill($("codes"), news.codes, () => showCodes(news.codes, scan));
}

function showInspector(news) {
  const follower = news.follower;
  const isOpen = follower?.window_open ?? false;
  const [word, tone] = !isOpen ? ["关闭", ""] : follower.remaining > 0 ? ["开放", "good"] : ["条数用完", "warn"];
  $("window-chip").textContent = word;
  $("window-chip").className = `chip ${tone}`;
  $("remaining").textContent = isOpen ? follower.remaining : 0;
  $("time-left").textContent = isOpen ? span(follower.deadline - news.now) : "—";
  $("deadline").textContent = isOpen ? clock(follower.deadline) : "—";
  $("openid").textContent = follower ? `openid ${follower.openid}` : "";
  $("unfollow").hidden = !follower?.following;
  $("subscriptions").hidden = !news.notifications.length;
  fill($("grants"), [news.notifications, follower?.grants, follower?.openid], () => showGrants(news.notifications, follower?.grants ?? {}, act));
  fill($("pushes"), news.pushes, () => (news.pushes.length ? news.pushes.map(push) : [make("li", "hint", "还没有推送")]));
}

function span(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const parts = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  return parts.map((part) => String(part).padStart(2, "0")).join(":");
}

function push(row) {
  const item = make("li");
  const head = make("div", "push-head");
  const [word, tone] = STATES[row.state] ?? [row.state, ""];
  head.append(make("span", "", `#${row.id}`), make("span", `chip ${tone}`, word));
  item.append(head);
  for (const attempt of row.attempts) {
    item.append(make("div", "push-tries", [attempt.status ?? "无应答", `${attempt.ms} ms`, attempt.why].filter(Boolean).join(" · ")));
  }
  return item;
}

// ---- doing

async function send(path, options) {
  try {
    const answer = await fetch(path, { method: "POST", ...options });
    if (!answer.ok) toast((await answer.json().catch(() => ({}))).error ?? "没有成功，请再试一次");
    poll();
    return answer.ok;
  } catch {
    toast("模拟器没有应答");
    return false;
  }
}

function act(what) {
  return send(`/phone/${page.openid}/act`, { headers: { "Content-Type": "application/json" }, body: JSON.stringify(what) });
}

function tap(text, id) {
  act({ type: "text", text, menu_id: id });
}

function scan(code) {
  $("scanner").hidden = true;
  toggleExtras(false);
  return act({ type: "scan", ...code });
}

function toast(words) {
  $("toast").textContent = words;
  $("toast").hidden = false;
  setTimeout(() => { $("toast").hidden = true; }, 3000);
}

function choose(openid) {
  page.openid = openid;
  forget();
  drawer(null);
  poll();
}

function drawer(name) {
  for (const [panel, button] of [["people", "show-people"], ["inspector", "show-inspector"]]) {
    $(panel).classList.toggle("open", panel === name);
    $(button).setAttribute("aria-expanded", String(panel === name));
  }
  $("veil").hidden = name === null;
}

function toggleExtras(isShown) {
  $("extras").hidden = !isShown;
  $("more").setAttribute("aria-expanded", String(isShown));
  if (isShown) $("chat").scrollTop = $("chat").scrollHeight;
}

async function write(event) {
  event.preventDefault();
  const text = $("text").value;
  if (!text.trim()) return;
  $("text").value = "";
  typed();
  if (!await act({ type: "text", text }) && !$("text").value) $("text").value = text;
  typed();
}

function typed() {
  const hasText = Boolean($("text").value.trim());
  $("send").hidden = !hasText;
  $("more").hidden = hasText;
}

function theme(name) {
  document.documentElement.dataset.theme = name;
  $("theme-name").textContent = THEMES[name];
  localStorage.setItem("theme", name);
}

function listen() {
  $("write").addEventListener("submit", write);
  $("text").addEventListener("input", typed);
  $("text").addEventListener("keydown", (event) => {
    // Enter chooses a word while a Chinese input method is composing
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) write(event);
  });
  listenToSheets(scan);
  $("swap").addEventListener("click", () => {
    closeMenu();
    $("menu").hidden = !$("menu").hidden;
    $("swap-icon").setAttribute("href", $("menu").hidden ? "#i-menu" : "#i-keyboard");
  });
  $("more").addEventListener("click", () => toggleExtras($("extras").hidden));
  $("extras").addEventListener("click", (event) => {
    const button = event.target.closest("[data-act]");
    if (button) act({ type: button.dataset.act }).then(() => toggleExtras(false));
  });
  $("pick-picture").addEventListener("click", () => $("picture").click());
  $("picture").addEventListener("change", () => {
    const body = new FormData();
    body.append("picture", $("picture").files[0]);
    $("picture").value = "";
    send(`/phone/${page.openid}/picture`, { body }).then(() => toggleExtras(false));
  });
  $("account").addEventListener("change", () => { page.account = $("account").value; choose(""); });
  $("follow-now").addEventListener("click", () => act({ type: "subscribe" }));
  $("unfollow").addEventListener("click", () => { act({ type: "unsubscribe" }); drawer(null); });
  $("show-people").addEventListener("click", () => drawer("people"));
  $("show-inspector").addEventListener("click", () => drawer("inspector"));
  $("veil").addEventListener("click", () => drawer(null));
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") { drawer(null); closeMenu(); } });
  $("theme").addEventListener("click", () => {
    const names = Object.keys(THEMES);
    theme(names[(names.indexOf(document.documentElement.dataset.theme ?? "") + 1) % names.length]);
  });
}

theme(localStorage.getItem("theme") ?? "");
listen();
(async function keepAsking() {
  await poll();
  setTimeout(keepAsking, POLL_MS);
})();
