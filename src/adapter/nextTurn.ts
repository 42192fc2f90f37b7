type Later = (work: () => void) => void;

/**
 * Has work done in a later turn of the event loop, in the order of asking, and at once when nothing else is due. A timer of no
 * time waits a millisecond, in browsers several when one follows another: longer than a step takes.
 */
export const nextTurn: Later = (globalThis as { readonly setImmediate?: Later }).setImmediate ?? turnsOfChannel();

/** Browsers have no `setImmediate`; a message to oneself is what comes nearest. */
function turnsOfChannel(): Later {
  const { port1, port2 } = new MessageChannel();
  const due: (() => void)[] = [];
  port1.onmessage = () => { due.shift()?.(); };
  return (work) => {
    due.push(work);
    port2.postMessage(undefined);
  };
}
