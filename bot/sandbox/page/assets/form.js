/** What a person has put into a message's or a view's inputs, as Slack reports it: block_id -> action_id -> state. */

/** Values survive an update of the surface as long as block_id and action_id stay the same. */
export class Form {
  #values = new Map();

  /** The state of one input, set to `initial` when it is seen for the first time. */
  open(blockId, actionId, initial) {
    const key = keyOf(blockId, actionId);
    const known = this.#values.get(key);
    if (!known || known.state.type !== initial.type) this.#values.set(key, { blockId, actionId, state: initial });
    return this.#values.get(key).state;
  }

  set(blockId, actionId, state) {
    this.#values.set(keyOf(blockId, actionId), { blockId, actionId, state });
  }

  /** Forget the inputs that `blocks` no longer hold. */
  keepOnly(blocks) {
    const ids = new Set(blocks.map((block) => block.block_id));
    for (const [key, { blockId }] of this.#values) if (!ids.has(blockId)) this.#values.delete(key);
  }

  /** {block_id: {action_id: state}} */
  values() {
    const result = {};
    for (const { blockId, actionId, state } of this.#values.values()) (result[blockId] ??= {})[actionId] = state;
    return result;
  }

  /** The states within one block. */
  statesOf(blockId) {
    return Object.values(this.values()[blockId] ?? {});
  }
}

/** Whether an input's state holds nothing. */
export function isEmpty({ type: _, ...state }) {
  return Object.values(state).every((value) => value == null || value === "" || value.length === 0);
}

function keyOf(blockId, actionId) {
  return JSON.stringify([blockId, actionId]);
}
