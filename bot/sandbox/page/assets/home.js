/** The app's Home tab. */

import { get, tell } from "./api.js";
import { renderBlocks } from "./blocks.js";
import { el, fill, keepFocus } from "./dom.js";
import { whileBusy } from "./elements.js";
import { Form } from "./form.js";
import { emit, state } from "./store.js";
import { holdEvents } from "./stream.js";

let form = new Form();
let formOf = null;

/** Ask for the view; the app hears that its Home was opened and may publish another. */
export async function loadHome() {
  await holdEvents(async () => {
    const { view } = await get("home", { user: state.me.id });
    state.home = view ?? state.home;
    emit("home");
  });
}

/** Draw the view that the app has published for this person. */
export function renderHome(container) {
  const view = state.home;
  if (!view) {
    const words = `${state.app.name} has not put anything here yet.`;
    return void fill(container, el("div", { class: "home__empty" }, el("p", {}, words)));
  }
  const owner = `${state.me.id}/${view.id}`;
  if (formOf !== owner) [form, formOf] = [new Form(), owner];
  form.keepOnly(view.blocks);
  keepFocus(
    container,
    () => fill(container, el("div", { class: "home__inner" }, renderBlocks(view.blocks, surfaceOf(view)))),
  );
}

function surfaceOf(view) {
  const place = { view_id: view.id };
  return {
    form,
    act: (action, control) =>
      whileBusy(control, () => tell("action", { ...place, action, state: { values: form.values() } })),
    options: (block_id, action_id, value) => tell("options", { ...place, block_id, action_id, value }),
  };
}
