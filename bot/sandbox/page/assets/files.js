/** Files: cards with a preview of text, images that open large, and a way to download. */

import { openDialog } from "./dialogs.js";
import { button, el, fill } from "./dom.js";
import { icon } from "./icons.js";
import { renderZoomable } from "./images.js";

const UNITS = ["B", "kB", "MB", "GB", "TB"];
const PREVIEW_LINES = 8;

/** One uploaded file. */
export function renderFile(file) {
  if (file.mode === "tombstone") return el("div", { class: "file file--gone" }, "This file was deleted.");
  if (file.thumb) return renderPicture(file);
  const preview = file.preview ? renderPreview(file) : null;
  return el("div", { class: "file", data: { file: file.id } }, renderHead(file), preview);
}

/** A file block that points to a file kept elsewhere. */
export function renderRemoteFile(block) {
  return el(
    "div",
    { class: "file" },
    el("div", { class: "file__head" }, badge("file"), el("div", {}, block.external_id ?? "Remote file")),
  );
}

/** Such as 1.2 MB; sizes are in bytes and the units are decimal. */
export function formatSize(bytes) {
  let [value, unit] = [bytes, 0];
  while (value >= 1000 && unit < UNITS.length - 1) [value, unit] = [value / 1000, unit + 1];
  return `${unit && value < 10 ? value.toFixed(1) : Math.round(value)} ${UNITS[unit]}`;
}

function renderHead(file) {
  const title = file.title || file.name;
  return el(
    "div",
    { class: "file__head" },
    badge(file.filetype),
    el(
      "div",
      { class: "file__name" },
      el("strong", {}, title),
      el(
        "span",
        { class: "file__facts" },
        [file.name !== title && file.name, formatSize(file.size)].filter(Boolean).join(" · "),
      ),
    ),
    file.preview &&
      button({ class: "icon-button", label: `Open ${title}`, on: { click: () => openFile(file) } }, icon("expand")),
    downloadLink(file, "icon-button", icon("download")),
  );
}

function renderPreview(file) {
  const lines = file.preview.split("\n");
  const more = lines.length > PREVIEW_LINES || file.size > file.preview.length;
  return button(
    { class: "file__preview", "aria-label": `Open ${file.title || file.name}`, on: { click: () => openFile(file) } },
    el("pre", { dir: "auto" }, lines.slice(0, PREVIEW_LINES).join("\n")),
    more && el("span", { class: "file__more" }, "Show all"),
  );
}

function renderPicture(file) {
  const title = file.title || file.name;
  return el(
    "figure",
    { class: "file file--picture", data: { file: file.id } },
    el("figcaption", {}, title, " ", downloadLink(file, "icon-button", icon("download", 16))),
    renderZoomable(file.url_private ?? file.thumb, file.alt_txt ?? title, title),
  );
}

/** The whole text of a file, fetched when it is asked for. */
async function openFile(file) {
  const body = el("pre", { class: "file__whole", dir: "auto", tabindex: "0" }, file.preview);
  const footer = downloadLink(file, "button button--primary", "Download");
  openDialog({ title: file.title || file.name, body, footer, wide: true });
  if (file.size <= file.preview.length) return;
  const answer = await fetch(file.url_private);
  if (answer.ok) fill(body, await answer.text());
  else body.append("\n…\n(The rest could not be fetched.)");
}

function downloadLink(file, className, content) {
  const options = { class: className, href: file.url_private, download: file.name };
  return el("a", { ...options, "aria-label": `Download ${file.name}`, title: "Download" }, content);
}

function badge(kind) {
  return el(
    "span",
    { class: "file__badge", "aria-hidden": "true" },
    icon("file", 22),
    el("small", {}, (kind ?? "").slice(0, 4)),
  );
}
