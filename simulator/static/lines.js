// Turns entries of a transcript into elements. Texts become text nodes: nothing a message holds is ever markup.

const GAP_SECONDS = 300;
const NAMES = {
  image: "[图片]", voice: "[语音]", video: "[视频]", location: "[位置]", link: "[链接]", news: "[图文]", msgmenu: "[菜单消息]",
  sticker: "[动画表情]", template: "[模板消息]", subscription: "[订阅通知]", music: "[音乐]", mpnews: "[图文]", mpnewsarticle: "[图文]", wxcard: "[卡券]", miniprogrampage: "[小程序]",
};
const ADDRESS = /https?:\/\/[\x21-\x7e]*[\w/=&#-]/gi;
const ANCHOR = /<a\s[^>]*?href="([^"]*)"[^>]*>([\s\S]*?)<\/a>/gi;

export function make(tag, className = "", text = null) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text !== null) element.textContent = text;
  return element;
}

export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `#i-${name}`);
  svg.append(use);
  return svg;
}

export function avatar(follower) {
  return make("span", `avatar tone-${follower.tone}`, [...follower.name][0] ?? "粉");
}

export function summary(last) {
  if (!last) return "还没有消息";
  return last.type === "text" || last.type === "event" ? last.text : `${NAMES[last.type] ?? "[消息]"} ${last.text}`.trim();
}

export function clock(seconds) {
  const date = new Date(seconds * 1000);
  const time = date.toLocaleTimeString("zh-CN", { hour: "2-digit", minute: "2-digit", hour12: false });
  if (date.toDateString() === new Date().toDateString()) return time;
  return `${date.getMonth() + 1}月${date.getDate()}日 ${time}`;
}

// The time stands above a line that comes some minutes after the one before, as in the real thing.
export function lines(entry, previous, follower, tap) {
  const found = [];
  if (!previous || entry.at - previous.at > GAP_SECONDS) found.push(make("p", "system", clock(entry.at)));
  found.push(line(entry, follower, tap));
  return found;
}

function line(entry, follower, tap) {
  if (entry.type === "event" || entry.kind === "failure") {
    return make("p", entry.kind === "failure" ? "system failure" : "system", entry.text);
  }
  const isMine = entry.kind === "mine";
  const row = make("div", isMine ? "line mine" : "line");
  row.dataset.kind = entry.kind;
  const face = isMine ? avatar(follower) : make("span", "avatar account");
  if (!isMine) face.append(icon("headset"));
  const body = make("div", "line-body");
  if (entry.agent) body.append(make("p", "agent", entry.agent.split("@")[0]));
  body.append((BODIES[entry.type] ?? other)(entry, tap));
  if (entry.by_ai) body.append(make("p", "by-ai", "内容由第三方 AI 生成"));
  row.append(face, body);
  return row;
}

function text(entry, tap) {
  const bubble = make("div", "bubble");
  if (entry.kind === "mine") bubble.textContent = entry.text;
  else bubble.append(...linked(entry.text, tap));
  return bubble;
}

// Replies may hold <a href="…">; only web addresses and the platform's own menu links become live.
function linked(words, tap) {
  const parts = [];
  let from = 0;
  for (const match of words.matchAll(ANCHOR)) {
    const target = anchor(match[1], match[2], tap);
    if (!target) continue;
    parts.push(...addressed(words.slice(from, match.index)), target);
    from = match.index + match[0].length;
  }
  return [...parts, ...addressed(words.slice(from))];
}

// A bare web address can be tapped too; it ends before Chinese text and before the sentence's own punctuation.
function addressed(words) {
  const parts = [];
  let from = 0;
  for (const match of words.matchAll(ADDRESS)) {
    parts.push(words.slice(from, match.index), outward(match[0], "", match[0]));
    from = match.index + match[0].length;
  }
  return [...parts, words.slice(from)];
}

function anchor(href, words, tap) {
  if (href.startsWith("weixin://bizmsgmenu?")) {
    const query = new URLSearchParams(href.slice(href.indexOf("?")));
    return choice(words, () => tap(query.get("msgmenucontent") ?? words, query.get("msgmenuid") ?? ""));
  }
  if (!/^https?:\/\//i.test(href)) return null;
  return outward(href, "", words);
}

function outward(href, className, words = null) {
  const element = make("a", className, words);
  if (/^https?:\/\//i.test(href)) Object.assign(element, { href, target: "_blank", rel: "noopener noreferrer" });
  return element;
}

function choice(words, run) {
  const button = make("button", "choice", words);
  button.type = "button";
  button.addEventListener("click", run);
  return button;
}

function survey(entry, tap) {
  const bubble = make("div", "bubble");
  const [head, ...tail] = entry.text.split("\n");
  bubble.append(make("div", "", head));
  for (const item of entry.choices) bubble.append(choice(item.content, () => tap(item.content, item.id)));
  if (tail.length) bubble.append(make("div", "", tail.join("\n")));
  return bubble;
}

function image(entry) {
  const link = make("a");
  Object.assign(link, { href: entry.media_url, target: "_blank", rel: "noopener" });
  const shot = make("img", "shot");
  Object.assign(shot, { src: entry.media_url, alt: "图片", loading: "lazy" });
  link.append(shot);
  return link;
}

function voice(entry) {
  const bubble = make("div", "bubble");
  const sound = make("button", "sound");
  sound.type = "button";
  sound.setAttribute("aria-label", "播放语音");
  sound.append(icon("voice"), make("span", "", "语音"));
  sound.addEventListener("click", () => play(sound, `${entry.media_url}/sound`));
  bubble.append(sound);
  return bubble;
}

// One voice at a time; a second press stops it.
let playing = null;

function play(button, address) {
  const before = playing;
  playing?.stop();
  if (before?.button === button) return;
  const sound = new Audio(address);
  const stop = () => {
    sound.pause();
    button.removeAttribute("aria-pressed");
    button.setAttribute("aria-label", "播放语音");
    button.lastChild.textContent = "语音";
    playing = null;
  };
  sound.addEventListener("ended", stop);
  sound.addEventListener("error", () => { stop(); button.lastChild.textContent = "无法播放"; });
  sound.addEventListener("loadedmetadata", () => { button.lastChild.textContent = `${Math.ceil(sound.duration)}″`; });
  button.setAttribute("aria-pressed", "true");
  button.setAttribute("aria-label", "停止播放");
  playing = { button, stop };
  sound.play().catch(() => {});
}

function video(entry) {
  const box = make("div", "film-box");
  const film = make("video", "film");
  Object.assign(film, { src: entry.media_url, controls: true, preload: "metadata", playsInline: true });
  film.setAttribute("aria-label", "视频");
  box.append(film);
  if (entry.text) box.append(make("p", "film-title", entry.text));
  return box;
}

// A template message or a subscription notice: a title and rows of label and value.
function notice(entry) {
  const tile = outward(entry.url, "tile notice-card");
  const words = make("div", "tile-words");
  words.append(make("span", "tile-title", entry.text));
  const rows = make("dl", "tile-rows");
  for (const [label, value] of entry.rows) rows.append(make("dt", "", label), make("dd", "", value));
  const foot = entry.type === "template" ? "模板消息" : "订阅通知";
  tile.append(words, rows, make("div", "tile-foot", entry.url ? `${foot} · 查看详情` : foot));
  return tile;
}

const sticker = () => make("div", "bubble", "[动画表情]");

function place(entry) {
  const tile = make("div", "tile");
  const map = make("div", "map");
  map.append(icon("location"));
  const words = make("div", "tile-words");
  words.append(make("span", "tile-title", entry.text));
  tile.append(words, map);
  return tile;
}

function card(title, more, href, foot, picture = "") {
  const tile = outward(href, "tile");
  if (/^https?:\/\//i.test(picture)) tile.append(Object.assign(make("img", "tile-picture"), { src: picture, alt: "", loading: "lazy" }));
  const words = make("div", "tile-words");
  words.append(make("span", "tile-title", title));
  if (more) words.append(make("span", "tile-more", more));
  tile.append(words, make("div", "tile-foot", foot));
  return tile;
}

function news(entry) {
  const box = make("div");
  box.append(...entry.articles.map((article) => card(article.title, article.description, article.url, "图文消息", article.picture_url)));
  return box;
}

const other = (entry) => make("div", "bubble", `${NAMES[entry.type] ?? "[消息]"} ${entry.text}`.trim());
const BODIES = {
  text, image, voice, video, news, sticker, msgmenu: survey, location: place, template: notice, subscription: notice,
  link: (entry) => card(entry.text, entry.more, entry.url, "链接"),
  music: (entry) => card(entry.text, entry.more, entry.url, "音乐"),
  miniprogrampage: (entry) => card(entry.text, "", "", "小程序"),
};
