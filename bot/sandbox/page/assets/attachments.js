/** Attachments: the older, secondary content with a bar of colour. */

import { renderBlocks } from "./blocks.js";
import { formatMoment } from "./clock.js";
import { el } from "./dom.js";
import { renderImage, renderZoomable } from "./images.js";
import { renderLink, renderMrkdwn, renderPlain } from "./text.js";

const NAMED_COLOURS = { good: "var(--ok)", warning: "var(--warn)", danger: "var(--danger)" };

/** One attachment, whether it holds blocks or the older fields. */
export function renderAttachment(attachment, surface) {
  const content = attachment.blocks ? renderBlocks(attachment.blocks, surface) : renderClassic(attachment);
  return el(
    "div",
    {},
    attachment.pretext && el("div", { class: "attachment__pretext" }, renderMrkdwn(attachment.pretext)),
    el("div", { class: "attachment", style: { "--bar": colourOf(attachment.color) } }, content),
  );
}

function colourOf(colour) {
  if (!colour) return "var(--line-strong)";
  return NAMED_COLOURS[colour] ?? (/^[0-9a-f]{3,8}$/i.test(colour) ? `#${colour}` : colour);
}

function renderClassic(part) {
  const title = part.title && (part.title_link ? renderLink(part.title_link, part.title) : renderPlain(part.title));
  const footer = [part.footer, part.ts && formatMoment(Number(part.ts))].filter(Boolean).join(" | ");
  const bare = !part.text && !part.title && !part.fields && !part.image_url;
  return el(
    "div",
    { class: "attachment__classic" },
    part.author_name && el("div", { class: "attachment__author" }, renderPlain(part.author_name)),
    title && el("div", { class: "attachment__title" }, title),
    renderMrkdwn(part.text),
    bare && renderMrkdwn(part.fallback),
    part.fields && el("div", { class: "section__fields" }, part.fields.map(renderField)),
    part.image_url && renderZoomable(part.image_url, part.fallback ?? "", part.title ?? "image"),
    part.thumb_url && renderImage({ image_url: part.thumb_url, alt_text: "" }, "element-image"),
    footer && el("div", { class: "attachment__footer" }, renderPlain(footer)),
  );
}

function renderField(field) {
  const className = field.short ? "field" : "field field--wide";
  return el("div", { class: className }, el("strong", {}, renderPlain(field.title)), renderMrkdwn(field.value));
}
