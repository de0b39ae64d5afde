/** Line icons, drawn on a 20 by 20 grid. */

const NAMESPACE = "http://www.w3.org/2000/svg";
const PATHS = {
  hash: "M8 3 6.5 17M13.5 3 12 17M3.5 7.5h13.5M3 12.5h13.5",
  lock: "M5 9h10v7.5H5zM7 9V6.5a3 3 0 0 1 6 0V9M10 12v2",
  menu: "M3 5.5h14M3 10h14M3 14.5h14",
  search: "M9 3.5a5.5 5.5 0 1 0 0 11 5.5 5.5 0 0 0 0-11M13 13l4 4",
  close: "M5 5l10 10M15 5 5 15",
  back: "M12.5 4 6.5 10l6 6",
  down: "M5 8l5 5 5-5",
  right: "M8 5l5 5-5 5",
  left: "M12 5l-5 5 5 5",
  plus: "M10 4v12M4 10h12",
  send: "M3 10 17 3.5 13.5 17l-3.5-5.5zM10 11.5 17 3.5",
  thread: "M4 4h12v9H9l-3.5 3v-3H4zM7 7.5h6M7 10h4",
  smile: "M10 3a7 7 0 1 0 0 14 7 7 0 0 0 0-14M7 11.5c.7 1.4 1.7 2 3 2s2.3-.6 3-2M7.6 8v.4M12.4 8v.4",
  more: "M4.5 10h.1M10 10h.1M15.5 10h.1",
  at: "M13 10a3 3 0 1 1-6 0 3 3 0 0 1 6 0v1.2c0 2.3 3.5 2.3 3.5-1.2a6.5 6.5 0 1 0-2.6 5.2",
  slash: "M12.5 4l-5 12",
  clip: "M15.5 9.5 10 15a3.3 3.3 0 0 1-4.7-4.7l6-6a2.2 2.2 0 0 1 3.1 3.1l-5.9 5.9a1 1 0 0 1-1.5-1.5L12.3 6.5",
  bold: "M6 4h4.5a3 3 0 0 1 0 6H6zM6 10h5.5a3 3 0 0 1 0 6H6z",
  italic: "M8.5 4H14M6 16h5.5M11.5 4l-3 12",
  strike: "M4 10h12M13.5 6.5C13 4.8 11.7 4 10 4 8 4 6.5 5 6.5 6.8c0 1.4.9 2.3 2.6 3.2M6.5 13.5c.5 1.7 1.8 2.5 3.5 2.5 2.2 0 3.6-1.1 3.6-2.9",
  code: "M7.5 6 3.5 10l4 4M12.5 6l4 4-4 4",
  quote: "M4 4.5v11M8 6h8M8 10h8M8 14h5",
  list: "M4 5.5h.1M4 10h.1M4 14.5h.1M7.5 5.5H16M7.5 10H16M7.5 14.5H16",
  link: "M8.5 11.5a3 3 0 0 0 4.3 0l2.6-2.6a3 3 0 0 0-4.3-4.3l-1 1M11.5 8.5a3 3 0 0 0-4.3 0l-2.6 2.6a3 3 0 0 0 4.3 4.3l1-1",
  people: "M7.5 9.5a2.7 2.7 0 1 0 0-5.4 2.7 2.7 0 0 0 0 5.4M2.5 16c.3-3 2.2-4.5 5-4.5s4.7 1.5 5 4.5M13 4.4a2.6 2.6 0 0 1 0 4.9M14.5 11.8c1.8.5 2.8 1.9 3 4.2",
  pin: "M7 3.5h6l-.7 5 2.2 3h-9l2.2-3zM10 11.5V17",
  bookmark: "M6 3.5h8V16.5l-4-3-4 3z",
  file: "M5.5 3h6L15 6.5V17H5.5zM11.5 3v3.5H15",
  download: "M10 3.5v9M6.5 9 10 12.5 13.5 9M4 16.5h12",
  expand: "M11.5 4H16v4.5M16 4l-5 5M8.5 16H4v-4.5M4 16l5-5",
  calendar: "M4 5h12v11.5H4zM4 8.5h12M7.5 3v3.5M12.5 3v3.5",
  clock: "M10 3a7 7 0 1 0 0 14 7 7 0 0 0 0-14M10 6v4.2l2.8 1.8",
  check: "M4.5 10.5 8.5 14.5 15.5 6",
  eye: "M2.5 10c2-3.5 4.5-5.2 7.5-5.2s5.5 1.7 7.5 5.2c-2 3.5-4.5 5.2-7.5 5.2S4.5 13.5 2.5 10M10 8a2 2 0 1 0 0 4 2 2 0 0 0 0-4",
  bolt: "M11 3 5 11h4.5L9 17l6-8h-4.5z",
  theatre: "M3.5 5h13v6.5a6.5 6 0 0 1-13 0zM7 8.5h1.5M11.5 8.5H13M7.5 12.5c1.5 1.2 3.5 1.2 5 0",
  home: "M3.5 9.5 10 4l6.5 5.5M5.5 8.5V16h9V8.5M8.5 16v-4h3v4",
  anchor: "M10 3.2a1.8 1.8 0 1 0 0 3.6 1.8 1.8 0 0 0 0-3.6M10 6.8V17M6.5 9.5h7M3.5 11.5c.4 3.4 3 5.5 6.5 5.5s6.1-2.1 6.5-5.5",
  window: "M8 4H4v12h12v-4M11.5 4H16v4.5M16 4l-6.5 6.5",
  warning: "M10 3.5 17.5 16.5h-15zM10 8v4M10 14.3v.1",
};

/** One icon as SVG; decorative, so the control that holds it must be named. */
export function icon(name, size = 20) {
  const svg = document.createElementNS(NAMESPACE, "svg");
  const attributes = { viewBox: "0 0 20 20", width: size, height: size, "aria-hidden": "true", class: "icon" };
  for (const [key, value] of Object.entries(attributes)) svg.setAttribute(key, value);
  const path = document.createElementNS(NAMESPACE, "path");
  path.setAttribute("d", PATHS[name]);
  svg.append(path);
  return svg;
}
