// Turns entries of a transcript into elements. Texts become text nodes: nothing a message holds is ever markup.

const GAP_SECONDS = 300;
const NAMES = {
  image: "[图片]", voice: "[语音]", video: "[视频]", location: "[位置]", link: "[链接]", news: "[图文]", msgmenu: "[菜单消息]",
  music: "[音乐]", mpnews: "[图文]", mpnewsarticle: "[图文]", wxcard: "[卡券]", miniprogrampage: "[小程序]",
};
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
    parts.push(words.slice(from, match.index), target);
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
  const sound = make("div", "sound");
  sound.append(icon("voice"), make("span", "", "语音"));
  bubble.append(sound);
  return bubble;
}

function video(entry) {
  const link = make("a", "film");
  Object.assign(link, { href: entry.media_url, target: "_blank", rel: "noopener" });
  link.setAttribute("aria-label", "视频");
  link.append(icon("video"));
  return link;
}

function place(entry) {
  const tile = make("div", "tile");
  const map = make("div", "map");
  map.append(icon("location"));
  const words = make("div", "tile-words");
  words.append(make("span", "tile-title", entry.text));
  tile.append(words, map);
  return tile;
}

function card(title, more, href, foot) {
  const tile = outward(href, "tile");
  const words = make("div", "tile-words");
  words.append(make("span", "tile-title", title));
  if (more) words.append(make("span", "tile-more", more));
  tile.append(words, make("div", "tile-foot", foot));
  return tile;
}

function news(entry) {
  const box = make("div");
  box.append(...entry.articles.map((article) => card(article.title, article.description, article.url, "图文消息")));
  return box;
}

const other = (entry) => make("div", "bubble", `${NAMES[entry.type] ?? "[消息]"} ${entry.text}`.trim());
const BODIES = {
  text, image, voice, video, news, msgmenu: survey, location: place, link: (entry) => card(entry.text, "", "", "链接"),
};
