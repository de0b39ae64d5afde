/** Building DOM nodes. Text always enters as text nodes, never as markup. */

/**
 * Build one element. `on` holds listeners, `data` data attributes, `style` CSS properties;
 * anything else is an attribute (true: present, false or null: absent).
 */
export function el(tag, options = {}, ...children) {
  const element = document.createElement(tag);
  const { on = {}, data = {}, style = {}, ...attributes } = options;
  for (const [name, value] of Object.entries(attributes)) setAttribute(element, name, value);
  for (const [name, listener] of Object.entries(on)) element.addEventListener(name, listener);
  for (const [name, value] of Object.entries(data)) if (value != null) element.dataset[name] = value;
  for (const [name, value] of Object.entries(style)) element.style.setProperty(name, value);
  element.append(...present(children));
  return element;
}

/** Children without the gaps that conditions leave. */
export function present(children) {
  return children.flat(Infinity).filter((child) => child != null && child !== false && child !== "");
}

/** A button that never submits a form; `label` names it where it shows only an icon. */
export function button(options, ...children) {
  const { label, ...rest } = options;
  return el("button", { type: "button", "aria-label": label, title: label, ...rest }, ...children);
}

/** Replace what `parent` holds. */
export function fill(parent, ...children) {
  parent.replaceChildren(...present(children));
  return parent;
}

/** Make `parent` hold exactly `nodes`, moving only what is out of place so that focus and scrolling stay. */
export function arrange(parent, nodes) {
  const wanted = new Set(nodes);
  for (const child of [...parent.childNodes]) if (!wanted.has(child)) child.remove();
  nodes.forEach((node, index) => {
    if (parent.childNodes[index] !== node) parent.insertBefore(node, parent.childNodes[index] ?? null);
  });
}

const drawn = new WeakMap();

/**
 * Fill `container` with what `build` makes, unless it shows `facts` already: a control that is replaced between
 * press and release never hears its click. The focus stays on the control with the same `data-focus`.
 */
export function drawFacts(container, facts, build) {
  const key = JSON.stringify(facts);
  if (drawn.get(container) === key) return;
  drawn.set(container, key);
  keepFocus(container, () => fill(container, build()));
}

/** Run `render`, then give the focus (and the caret) back to the control with the same `data-focus`. */
export function keepFocus(container, render) {
  const before = document.activeElement;
  const key = container.contains(before) ? before.dataset?.focus : undefined;
  const caret = key && "selectionStart" in before ? [before.selectionStart, before.selectionEnd] : null;
  render();
  if (!key) return;
  const after = container.querySelector(`[data-focus="${CSS.escape(key)}"]`);
  after?.focus({ preventScroll: true });
  if (after && caret && caret[0] != null) after.setSelectionRange(...caret);
}

function setAttribute(element, name, value) {
  if (value == null || value === false) return;
  if (name === "value" && "value" in element) element.value = value;
  else element.setAttribute(name, value === true ? "" : value);
}
