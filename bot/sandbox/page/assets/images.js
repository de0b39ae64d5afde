/** Images: blocks, elements and uploaded files, with a closer look on request. */

import { openDialog } from "./dialogs.js";
import { button, el } from "./dom.js";

/** An image that says what it shows when it cannot be shown. */
export function renderImage({ image_url: url, slack_file: file, alt_text: alt }, className) {
  const source = url ?? file?.url ?? null;
  const image = el("img", { class: className, src: source, alt: alt ?? "", loading: "lazy" });
  image.addEventListener("error", () => image.replaceWith(el("span", { class: "image-missing" }, alt || "Image")));
  return image;
}

/** An image in a button that opens it large. */
export function renderZoomable(url, alt, title) {
  const look = () => openDialog({ title, body: el("img", { class: "lightbox", src: url, alt }), wide: true });
  const image = renderImage({ image_url: url, alt_text: alt }, "zoomable__image");
  return button({ class: "zoomable", "aria-label": `Look at ${title}`, on: { click: look } }, image);
}
