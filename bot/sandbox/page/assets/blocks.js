/**
 * Blocks of Block Kit.
 *
 * A surface is what they stand on, a message or a view: {form, act(action, control), options(block_id, action_id,
 * query), changed(block_id), errors: {block_id: text}}.
 */

import { el } from "./dom.js";
import { renderElement } from "./elements.js";
import { renderRemoteFile } from "./files.js";
import { renderImage, renderZoomable } from "./images.js";
import { renderRichText } from "./richtext.js";
import { plainString, renderLink, renderMrkdwn, renderText } from "./text.js";

/** All blocks of a surface; one of an unknown type is named rather than dropped. */
export function renderBlocks(blocks, surface) {
  return el("div", { class: "blocks" }, blocks.map((block, index) => renderBlock(block, surface, index)));
}

function renderBlock(block, surface, index) {
  const named = block.block_id ? block : { ...block, block_id: `block-${index}` };
  const render = BLOCKS[block.type];
  const content = render ? render(named, surface) : unknown(block);
  content.classList.add("block", `block--${block.type}`);
  content.dataset.block = named.block_id;
  return content;
}

const BLOCKS = {
  section: renderSection,
  header: (block) => el("h3", {}, renderText(block.text)),
  divider: () => el("hr"),
  context: renderContext,
  actions: renderActions,
  input: renderInput,
  image: renderImageBlock,
  rich_text: (block) => el("div", {}, renderRichText(block)),
  file: (block) => el("div", {}, renderRemoteFile(block)),
  markdown: (block) => el("div", {}, renderMrkdwn(block.text)),
  table: renderTable,
  video: renderVideo,
};

function renderSection(block, surface) {
  const fields = block.fields?.map((field) => el("div", { class: "field" }, renderText(field)));
  return el(
    "div",
    {},
    el(
      "div",
      { class: "section__text" },
      renderText(block.text),
      fields && el("div", { class: "section__fields" }, fields),
    ),
    block.accessory && el(
      "div",
      { class: "section__accessory" },
      renderElement(block.accessory, actingSlot(block, surface, block.accessory)),
    ),
  );
}

function renderContext(block) {
  const parts = block.elements.map((element) =>
    element.type === "image"
      ? renderImage(element, "context-image")
      : el("span", { class: "context-text" }, renderText(element)),
  );
  return el("div", {}, parts);
}

function renderActions(block, surface) {
  return el("div", {}, block.elements.map((element) => renderElement(element, actingSlot(block, surface, element))));
}

function renderInput(block, surface) {
  const { element } = block;
  const label = plainString(block.label);
  const base = actingSlot(block, surface, element);
  const slot = { ...base, label, act: block.dispatch_action ? base.act : undefined };
  const error = surface.errors?.[block.block_id];
  return el(
    "div",
    { class: error ? "has-error" : "" },
    el(
      "div",
      { class: "input-label" },
      renderText(block.label),
      block.optional && el("span", { class: "input-optional" }, "(optional)"),
    ),
    renderElement(element, slot),
    el("div", { class: "input-error", role: "alert" }, error),
    block.hint && el("div", { class: "input-hint" }, renderText(block.hint)),
  );
}

/** What an element may do to its surface. */
function actingSlot(block, surface, element) {
  const ids = { block_id: block.block_id, action_id: element.action_id };
  return {
    blockId: block.block_id,
    form: surface.form,
    changed: () => surface.changed?.(block.block_id),
    options: (actionId, query) => surface.options(block.block_id, actionId, query),
    act: (state, control) => surface.act({ ...ids, ...state }, control),
  };
}

function renderImageBlock(block) {
  const title = plainString(block.title) || block.alt_text;
  const url = block.image_url ?? block.slack_file?.url;
  return el(
    "figure",
    {},
    block.title && el("figcaption", {}, renderText(block.title)),
    url ? renderZoomable(url, block.alt_text, title) : renderImage(block, "zoomable__image"),
  );
}

function renderTable(block) {
  const align = (index) => ({ "text-align": block.column_settings?.[index]?.align ?? "left" });
  const cell = (content, index) => el("td", { style: align(index) }, renderCell(content));
  const rows = block.rows.map((row) => el("tr", {}, row.map(cell)));
  return el("div", {}, el("table", {}, el("tbody", {}, rows)));
}

function renderCell(cell) {
  return cell.type === "rich_text" ? renderRichText(cell) : cell.text ?? String(cell.value ?? "");
}

function renderVideo(block) {
  const still = renderImage({ image_url: block.thumbnail_url, alt_text: block.alt_text }, "zoomable__image");
  return el(
    "figure",
    {},
    el("figcaption", {}, renderLink(block.title_url ?? block.video_url, plainString(block.title))),
    still,
  );
}

function unknown(block) {
  return el("div", {}, el("span", { class: "unknown-block" }, `This page cannot show a “${block.type}” block.`));
}
