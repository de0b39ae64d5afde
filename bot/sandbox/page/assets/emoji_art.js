/** Emoji as nodes: characters of the machine's font, or our own drawings where it has none. */

import { el } from "./dom.js";
import { DRAWINGS } from "./emoji_drawings.js";

const SVG = "http://www.w3.org/2000/svg";
const PICTOGRAPHS = /(\p{Extended_Pictographic}\uFE0F?(?:\u200D\p{Extended_Pictographic}\uFE0F?)*)/u;
const VARIATION = /\uFE0F/g;
const hasFont = detectFont();

/** One emoji, named for those who hear the page. Without a font and a drawing, its name stands for it. */
export function drawEmoji(character, name) {
  const label = `:${name}:`;
  const drawing = hasFont ? null : draw(character);
  if (!hasFont && !drawing) return el("span", { class: "emoji emoji--named", title: label }, label);
  return el("span", { class: "emoji", role: "img", "aria-label": label, title: label }, drawing ?? character);
}

/** Text with the emoji in it that were written as characters. */
export function drawText(text) {
  if (hasFont || !PICTOGRAPHS.test(text)) return [document.createTextNode(text)];
  return text.split(PICTOGRAPHS).filter(Boolean).map((piece) => {
    const drawing = draw(piece);
    return drawing ? el("span", { class: "emoji", role: "img", "aria-label": piece }, drawing) : document.createTextNode(piece);
  });
}

function draw(character) {
  const parts = DRAWINGS.get(character.replace(VARIATION, ""));
  if (!parts) return null;
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 20 20");
  svg.setAttribute("class", "emoji__art");
  for (const part of parts) svg.append(drawPart(part));
  return svg;
}

function drawPart({ path, fill = "none", stroke = "none", rim = false }) {
  const node = document.createElementNS(SVG, "path");
  const attributes = { d: path, fill, stroke: rim ? "rgb(0 0 0 / 18%)" : stroke, "stroke-width": rim ? 0.8 : 2.2 };
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  return node;
}

/** A font with emoji draws a face in colour; any other draws it in black or not at all. */
function detectFont() {
  const canvas = el("canvas", { width: 24, height: 24 });
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.font = '20px "Apple Color Emoji", "Segoe UI Emoji", "Noto Color Emoji", sans-serif';
  context.textBaseline = "top";
  context.fillText("😀", 0, 0);
  const { data } = context.getImageData(0, 0, 24, 24);
  return data.some((value, index) => index % 4 === 0 && Math.abs(value - data[index + 2]) > 40);
}
