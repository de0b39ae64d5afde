/** rich_text blocks. Their texts are not escaped. */

import { el } from "./dom.js";
import { drawText } from "./emoji_art.js";
import { renderBroadcast, renderChannel, renderDate, renderEmoji } from "./text.js";
import { renderLink, renderUser, renderUsergroup } from "./text.js";

const STYLE_TAGS = { bold: "strong", italic: "em", strike: "s", underline: "u", code: "code" };

/** One rich_text block; neighbouring lists share their numbering. */
export function renderRichText(block) {
  return el("div", { class: "rich-text", dir: "auto" }, block.elements.map(renderPart));
}

function renderPart(part) {
  const render = PARTS[part.type];
  return render ? render(part) : el("div", {}, `(${part.type})`);
}

const PARTS = {
  rich_text_section: (part) => el("div", { class: "text-text" }, part.elements.map(renderElement)),
  rich_text_quote: (part) => el("blockquote", { class: "text-quote" }, part.elements.map(renderElement)),
  rich_text_preformatted: (part) => el("pre", { class: "text-pre" }, part.elements.map(renderElement)),
  rich_text_list: renderList,
};

function renderList(part) {
  const indent = part.indent ?? 0;
  const ordered = part.style === "ordered";
  const options = { class: `rich-list rich-list--${indent % 3}`, style: { "--indent": indent } };
  const start = ordered && part.offset ? { start: part.offset + 1 } : {};
  const items = part.elements.map((item) => el("li", {}, item.elements.map(renderElement)));
  return el(ordered ? "ol" : "ul", { ...options, ...start }, items);
}

function renderElement(element) {
  const render = ELEMENTS[element.type];
  const node = render ? render(element) : document.createTextNode(`(${element.type})`);
  return styled(node, element.style);
}

const ELEMENTS = {
  text: (element) => el("span", {}, drawText(element.text)),
  link: (element) => renderLink(element.url, element.text),
  user: (element) => renderUser(element.user_id),
  channel: (element) => renderChannel(element.channel_id),
  usergroup: (element) => renderUsergroup(element.usergroup_id),
  broadcast: (element) => renderBroadcast(element.range),
  emoji: (element) => renderEmoji(element.name),
  date: (element) => renderDate(element.timestamp, element.format, element),
  color: (element) => el("span", { class: "swatch", style: { "--swatch": element.value } }, element.value),
};

function styled(node, style = {}) {
  const tags = Object.keys(STYLE_TAGS).filter((name) => style[name]);
  return tags.reduce((inner, name) => el(STYLE_TAGS[name], {}, inner), node);
}
