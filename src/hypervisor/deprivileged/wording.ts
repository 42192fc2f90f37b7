import type { ListingNode, ListingProcedure, ListingText } from '../listing';

/** What the procedures that it shares with hypervisors on VMX say, and what they do here. */
export const phrases: readonly (readonly [there: string, here: string])[] = [
  ['kvm_flush_remote_tlbs(), INVVPID on every vCPU', 'kvm_flush_remote_tlbs(), INVPCID of all contexts on every vCPU'],
  ['INVVPID of one address: gva', 'INVPCID of one address: gva, in the PCIDs of both roots'],
  ['INVVPID', 'INVPCID of all contexts'],
  ['VM-entry interruption information', 'the event to reflect'],
  ['whose VM entry delivers the fault', 'in the handler that its own IDT names'],
  ['rights = W without U: the user faults, and gets the page back without W', 'rights = W: only the guest\'s kernel runs on this shadow'],
  ['SPTE of sp = hpa with rights', 'SPTE of sp = hpa with rights, and with U, for all of the guest runs at CPL 3'],
  ['with the rights of role and entry', 'with the rights of role and entry, and with U; the shadow of the guest\'s user mode has none of its kernel\'s'],
];

/** The procedure in this hypervisor's words. */
export function inOwnWords(procedure: ListingProcedure<never>): ListingProcedure<never> {
  return { ...procedure, purpose: said(procedure.purpose), body: procedure.body.map(reworded) };
}

function reworded(node: ListingNode<never>): ListingNode<never> {
  const text = reworder(node.text);
  return node.kind === 'when' || node.kind === 'repeat' ? { ...node, text, body: node.body.map(reworded) } : { ...node, text };
}

function reworder(text: ListingText): ListingText {
  return typeof text === 'string' ? said(text) : { layered: said(text.layered), direct: said(text.direct) };
}

/** By the first phrase that the text has. */
function said(text: string): string {
  const found = phrases.find(([there]) => text.includes(there));
  return found === undefined ? text : text.replace(found[0], found[1]);
}
