/** Calls to the workspace. Every answer is JSON with `ok`; a call that gets none throws Unreachable. */

import { state } from "./store.js";
import { toast } from "./toasts.js";

/** The workspace did not answer, or not in JSON. */
export class Unreachable extends Error {}

const REASONS = {
  operation_timeout: "The app did not answer within three seconds.",
  dispatch_failed: "The app is not connected, so nobody heard that.",
  not_in_channel: "You are not in this channel.",
  is_archived: "This channel is archived.",
  name_taken: "A channel of that name exists already.",
  channel_not_found: "That channel does not exist, or you cannot see it.",
  message_not_found: "That message is gone.",
  no_text: "There is nothing to send.",
  msg_too_long: "That message is too long.",
};

/** Read from the workspace. */
export async function get(path, parameters = {}) {
  const query = new URLSearchParams(Object.entries(parameters).filter(([, value]) => value != null));
  return request(`/client/${path}?${query}`);
}

/** Tell the workspace something, as the person we are. */
export async function post(path, body = {}) {
  const options = { method: "POST", headers: { "Content-Type": "application/json" } };
  return request(`/client/${path}`, { ...options, body: JSON.stringify({ user: state.me.id, ...body }) });
}

/** Post and show a refusal, unless it is one of `told`; the answer comes back either way. */
export async function tell(path, body = {}, told = []) {
  return reported(() => post(path, body), told);
}

/** Upload one file ({channel, file, thread_ts}), showing a refusal. */
export async function upload(parts) {
  const form = new FormData();
  for (const [key, value] of Object.entries({ user: state.me.id, ...parts })) form.append(key, value);
  return reported(() => request("/client/upload", { method: "POST", body: form }));
}

/** What an error code means, in words. */
export function explain(error) {
  if (error?.includes(" ")) return error;
  return REASONS[error] ?? `That did not work: ${error ?? "no reason given"}.`;
}

async function reported(send, told = []) {
  try {
    const answer = await send();
    if (answer.ok === false && answer.error && !told.includes(answer.error)) toast(explain(answer.error), "error");
    return answer;
  } catch (error) {
    if (!(error instanceof Unreachable)) throw error;
    toast(error.message, "error");
    return { ok: false, error: "unreachable" };
  }
}

async function request(url, options) {
  let response;
  try {
    response = await fetch(url, options);
    return await response.json();
  } catch {
    const what = response ? `answered with status ${response.status}` : "cannot be reached";
    throw new Unreachable(`The workspace ${what}. Is it still running?`);
  }
}
