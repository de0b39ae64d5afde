/** The stage: what may be broken here, and the lights that tell how things are. */

import { get, tell } from "./api.js";
import { button, drawFacts, el } from "./dom.js";
import { whileBusy } from "./elements.js";
import { icon } from "./icons.js";
import { emit, on, state } from "./store.js";
import { toast } from "./toasts.js";

const WORDS = { ok: "OK", warning: "Warning", down: "Down" };
const RANK = ["ok", "warning", "down"];
let isOpen = false;

/** Whether the person wants to see the stage. */
export function isStageOpen() {
  return isOpen;
}

/** Show the stage, or put it away. */
export function toggleStage() {
  isOpen = !isOpen;
  if (isOpen) loadStage();
  emit("stage");
}

/** Ask the workspace how the stage is. That takes seconds at times: what is told meanwhile is as new. */
export async function loadStage() {
  const before = state.stage;
  const now = await get("stage");
  if (state.stage !== before) return;
  state.stage = now;
  emit("stage");
}

/** The button in the top bar, with the worst of the lights. */
export function renderStageButton() {
  const light = el("span", { class: "light" });
  const control = button(
    { class: "topbar__button stage-button", "aria-expanded": "false", on: { click: toggleStage } },
    icon("theatre", 18),
    el("span", {}, "Stage"),
    light,
  );
  on("stage", () => {
    const worst = RANK[Math.max(0, ...state.stage.lights.map((one) => RANK.indexOf(one.state)))];
    light.className = state.stage.lights.length ? `light light--${worst}` : "light";
    control.setAttribute("aria-label", state.stage.lights.length ? `Stage: ${WORDS[worst]}` : "Stage");
    control.setAttribute("aria-expanded", String(isOpen));
  });
  return control;
}

/** Draw the lights and the scenarios into `container`. */
export function renderStage(container) {
  const { scenarios, lights, ready } = state.stage;
  if (!container.children.length) container.append(el("section"), el("section"), renderMailbox());
  drawFacts(container.children[0], lights, () => renderLights(lights));
  drawFacts(container.children[1], [scenarios, ready], () => renderScenarios(scenarios, ready));
}

function renderMailbox() {
  const { mailbox } = document.body.dataset;
  if (!mailbox) return el("section");
  const words = "E-mails, pages and webhooks that the bot sent.";
  const link = el("a", { href: mailbox, target: "_blank", rel: "noopener" }, "Open the mailbox");
  return el("section", {}, el("h3", {}, "Mailbox"), el("p", { class: "muted" }, words), el("p", {}, link));
}

function renderLights(lights) {
  const none = el("p", { class: "muted" }, "This workspace stands alone: there is nothing to look at.");
  return [el("h3", {}, "Lights"), lights.length ? el("ul", { class: "lights" }, lights.map(renderLight)) : none];
}

function renderScenarios(scenarios, ready) {
  if (!scenarios.length) return null;
  const words = "Each one breaks something for real.";
  const buttons = scenarios.map((scenario) => renderScenario(scenario, ready));
  return [el("h3", {}, "Scenarios"), el("p", { class: "muted" }, words), buttons];
}

function renderLight(light) {
  return el(
    "li",
    { class: "light-row" },
    el("span", { class: `light light--${light.state}` }),
    el("span", { class: "light-row__text" }, el("strong", {}, light.name), el("small", {}, light.detail)),
    el("span", { class: `light-row__state light-row__state--${light.state}` }, WORDS[light.state] ?? light.state),
  );
}

function renderScenario(scenario, ready) {
  const { name } = scenario;
  const control = button(
    { class: "scenario", disabled: !ready, data: { focus: name }, on: { click: () => pull(scenario, control) } },
    icon("bolt"),
    el("span", {}, el("strong", {}, scenario.title), el("small", {}, scenario.description)),
  );
  return control;
}

async function pull(scenario, control) {
  const answer = await whileBusy(control, () => tell("stage/scenario", { name: scenario.name }));
  if (answer?.ok) toast(answer.message || `${scenario.title}: done`, "success");
  await loadStage();
}
